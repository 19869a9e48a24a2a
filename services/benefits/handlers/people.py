"""Facts of the registry: persons, statuses, households, suspected pairs, sealed contacts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

from contracts.beneficiary import (
    ContactChanged,
    DuplicateResolved,
    DuplicateSuspected,
    HouseholdChanged,
    KeyIssued,
    PersonRegistered,
    StatusChanged,
)
from contracts.envelope import Envelope
from services.benefits.domain.judgement import (
    File,
    Judgement,
    Moment,
    Ruling,
    paid_to,
    refused_as_same,
    released,
)
from services.benefits.domain.persons import (
    Person,
    Review,
    StatusEntry,
    duplicate_among,
    payee_of,
    with_statuses,
)
from services.benefits.handlers.judging import (
    RELEASE_HOLD,
    Bench,
    Subject,
    subjects_of,
    with_causes,
)
from services.benefits.store import people
from services.runtime.database import Transaction
from services.runtime.routes import Cause, DueTimer, Outcome
from services.runtime.timers import cancel_timers

WAITING_PERSONS: Final = 500
"""How many persons are looked at together whose payee became known."""


async def on_person(
    tx: Transaction, events: Sequence[Envelope[PersonRegistered] | Envelope[StatusChanged]]
) -> list[Outcome]:
    """Opens what benefits keeps of a person, and judges by what was granted or ended.

    Who fits without any status is judged as they came, too: what is published does not depend on
    whether their statuses come in the same wave.
    """
    bench = Bench.of(tx)
    persons = await people.lock_persons(tx.connection, {event.data.person_id for event in events})
    known = set(persons)
    as_they_came: dict[UUID, Subject] = {}
    stated: dict[UUID, Subject] = {}
    changed: dict[UUID, Subject] = {}
    for event in events:
        data, who = event.data, event.data.person_id
        before = persons.get(who)
        if isinstance(data, PersonRegistered):
            persons[who] = _registered(data, event.time, before.statuses if before else ())
            changed[who] = Subject(persons[who], Cause.of(event), fresh=who not in known)
            if bench.may_pay(persons[who]):
                as_they_came[who] = changed[who]
        elif before is not None:
            persons[who] = _stated(before, data, tx.business_date)
            judged = who in known or who in as_they_came
            changed[who] = stated[who] = Subject(persons[who], Cause.of(event), fresh=not judged)
    await people.save_persons(tx.connection, persons.values())
    await bench.review_parents(changed)
    return [*await bench.judge(as_they_came), *await bench.judge(stated)]


def _registered(data: PersonRegistered, at: datetime, statuses: tuple[StatusEntry, ...]) -> Person:
    return Person(
        id=data.person_id,
        region="-".join(data.residence_region.split("-")[:2]),
        household_id=data.household_id,
        residence=data.residence_region,
        birth_date=data.birth_date,
        registered_at=at,
        review=Review.OPEN if data.under_review else Review.NONE,
        statuses=statuses,
    )


def _stated(person: Person, data: StatusChanged, today: date) -> Person:
    entry = StatusEntry(data.code, data.level, data.state, data.effective_on, today)
    return replace(person, statuses=with_statuses(person.statuses, [entry]))


async def on_household_changed(
    tx: Transaction, events: Sequence[Envelope[HouseholdChanged]]
) -> list[Outcome]:
    """Keeps who is the head; starts what only waited to know whom to pay."""
    latest = {event.data.household_id: event for event in events}
    rows = [
        (
            home,
            "-".join(event.data.residence_region.split("-")[:2]),
            event.data.head_id,
            [member.person_id for member in event.data.members if member.role == "child"],
        )
        for home, event in latest.items()
    ]
    causes = {
        member.person_id: Cause.of(event)
        for event in latest.values()
        if event.data.head_id is not None
        for member in event.data.members
    }
    bench = Bench.of(tx)
    subjects = with_causes(await people.save_households(tx.connection, rows, causes), causes)
    alone = {who: one for who, one in subjects.items() if one.person.raises_children_alone}
    others = {who: one for who, one in subjects.items() if who not in alone}
    return [*await bench.judge(others, _pay), *await bench.judge(alone)]


def _pay(person: Person, head_id: UUID | None, file: File, _: Ruling, moment: Moment) -> Judgement:
    return paid_to(file, payee_of(person, head_id, moment.today), moment.month)


async def on_suspected(
    tx: Transaction, events: Sequence[Envelope[DuplicateSuspected]]
) -> list[Outcome]:
    """Remembers a suspected pair; the hold itself came with the registration."""
    await people.save_reviews(tx.connection, _pairs([event.data for event in events]))
    return []


async def on_resolved(
    tx: Transaction, events: Sequence[Envelope[DuplicateResolved]]
) -> list[Outcome]:
    """Ends suspicions: distinct persons start what was held, a duplicate record never does."""
    causes = {who: Cause.of(event) for event in events for who in event.data.person_ids}
    await people.save_reviews(tx.connection, _pairs([event.data for event in events]))
    subjects = await subjects_of(tx, causes)
    known = {who: subject.person for who, subject in subjects.items()}
    duplicates = {
        who
        for event in events
        if event.data.outcome == "same"
        for who in duplicate_among([known[i] for i in event.data.person_ids if i in known])
    }
    open_still = await people.still_suspected(tx.connection, known)
    for who, subject in list(subjects.items()):
        if who in duplicates:
            subject.person = replace(subject.person, review=Review.SAME)
        elif subject.person.review is Review.OPEN and who not in open_still:
            subject.person = replace(subject.person, review=Review.NONE)
        else:
            del subjects[who]
    return await _end_reviews(tx, subjects)


def _pairs(
    data: Sequence[DuplicateSuspected | DuplicateResolved],
) -> list[tuple[UUID, UUID, UUID, str | None]]:
    """Each pair once, with its outcome if one was decided."""
    pairs: dict[UUID, tuple[UUID, UUID, UUID, str | None]] = {}
    for one in data:
        outcome = one.outcome if isinstance(one, DuplicateResolved) else None
        pairs[one.pair_id] = (one.pair_id, *one.person_ids, outcome)
    return [*pairs.values()]


async def release_holds(tx: Transaction, timers: Sequence[DueTimer]) -> list[Outcome]:
    """A hold has lasted as long as it may: what is held starts, whatever the review comes to."""
    subjects = await _timed(tx, timers)
    for who, subject in list(subjects.items()):
        if subject.person.review is Review.OPEN:
            subject.person = replace(subject.person, review=Review.NONE)
        else:
            del subjects[who]
    return await _end_reviews(tx, subjects)


async def _end_reviews(tx: Transaction, subjects: dict[UUID, Subject]) -> list[Outcome]:
    await people.save_persons(tx.connection, [subject.person for subject in subjects.values()])
    await cancel_timers(tx.connection, RELEASE_HOLD, [str(who) for who in subjects])
    return await Bench.of(tx).judge(subjects, _end_review)


def _end_review(
    person: Person, head_id: UUID | None, file: File, ruling: Ruling, moment: Moment
) -> Judgement:
    if person.review is Review.SAME:
        return refused_as_same(file, ruling.version, moment.today)
    return released(file, payee_of(person, head_id, moment.today), ruling, moment)


async def review(tx: Transaction, timers: Sequence[DueTimer]) -> list[Outcome]:
    """A month begins in which a birthday or a new rate changes what is due."""
    return await Bench.of(tx).judge(await _timed(tx, timers))


async def _timed(tx: Transaction, timers: Sequence[DueTimer]) -> dict[UUID, Subject]:
    causes = {UUID(one.subject): _cause(one) for one in timers}
    subjects = await subjects_of(tx, causes)
    for subject in subjects.values():
        subject.cause = subject.cause._replace(region=subject.person.region)
    return subjects


def _cause(timer: DueTimer) -> Cause:
    """What it is for tells a review from the last, though the clock of a rehearsal stands."""
    name = f"{timer.name}{timer.data.get('law', '')}{timer.data.get('cause', '')}"
    return Cause.of_timer(name, timer.due_at, timer.subject, None)


async def waiting_persons(tx: Transaction) -> list[UUID] | None:
    """Persons whose payee became known while their own facts were on the way; None if none."""
    return await people.find_waiting(tx.connection, WAITING_PERSONS) or None


async def pay_waiting(tx: Transaction, persons: Sequence[UUID], _: object) -> list[Outcome]:
    """Starts what only waited for its payee."""
    timers = [DueTimer("payee_known", str(who), tx.business_now, {}) for who in persons]
    return await Bench.of(tx).judge(await _timed(tx, timers), _pay)


async def on_sealed(
    tx: Transaction, events: Sequence[Envelope[ContactChanged] | Envelope[KeyIssued]]
) -> list[Outcome]:
    """Keeps the sealed contact, and the wrapped key to it.

    It is opened when a file for the bank is written, never before.
    """
    contacts: dict[UUID, tuple[int, str]] = {}
    keys: dict[tuple[UUID, int], str] = {}
    for event in events:
        data = event.data
        if isinstance(data, ContactChanged):
            contacts[data.person_id] = (data.key_version, data.sealed)
        else:
            keys[data.person_id, data.key_version] = data.wrapped_key
    await people.save_sealed(tx.connection, contacts, keys)
    return []


async def forget_contacts(tx: Transaction, persons: Sequence[str]) -> list[Outcome]:
    """The registry took contacts back."""
    await people.forget_contacts(tx.connection, [UUID(person) for person in persons])
    return []


async def forget_keys(tx: Transaction, persons: Sequence[str]) -> list[Outcome]:
    """The registry destroyed the keys of persons."""
    await people.forget_keys(tx.connection, [UUID(person) for person in persons])
    return []
