"""Judging a wave of persons: what is common to every handler that changes what is known of them."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, Protocol, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic_core import to_json

from services.benefits.domain.calendar import end_of, review_instant
from services.benefits.domain.entitlements import Held
from services.benefits.domain.judgement import (
    File,
    Judgement,
    Moment,
    Ruling,
    judge,
)
from services.benefits.domain.persons import Person, payee_of
from services.benefits.handlers.law import Programme, moment_of, programme_of, rule
from services.benefits.programmes import Refused
from services.benefits.store import files, people
from services.benefits.store.files import Change, DecisionRow, Files
from services.benefits.store.people import Home
from services.runtime.database import Transaction
from services.runtime.routes import Cause, Decided, Outcome
from services.runtime.timers import set_timers

REVIEW: Final = "review"
"""Timer: a birthday or a known new rate changes something this month."""
RELEASE_HOLD: Final = "release_hold"
"""Timer: a suspicion may delay a new entitlement no longer."""

log = logging.getLogger(__name__)


class Terms(Protocol):
    """What handlers read of the service's settings, which stand a layer above them."""

    programmes: tuple[str, ...]
    packs: Path | None
    hold_working_days: int
    decision_working_days: int
    time_zone: str


@dataclass(slots=True)
class Subject:
    """A person in hand, and the last event about them."""

    person: Person
    cause: Cause
    fresh: bool = False
    """Never judged: no file is kept of them."""


Decide = Callable[[Person, UUID | None, File, Ruling, Moment], Judgement]


@dataclass(frozen=True, slots=True)
class Bench:
    """What judging needs besides the persons: the law in force, the calendar, the clock."""

    tx: Transaction
    programmes: tuple[Programme, ...]
    moments: Mapping[str, Moment]
    """By programme: deadlines follow each country's calendar."""
    zone: ZoneInfo
    today: date

    @classmethod
    def of(cls, tx: Transaction) -> "Bench":
        """The bench of a transaction."""
        settings = cast("Terms", tx.settings)
        folder, today = settings.packs, tx.business_date
        days = (today, settings.hold_working_days, settings.decision_working_days)
        return cls(
            tx,
            tuple(programme_of(code, folder) for code in settings.programmes),
            {code: moment_of(code, folder, *days) for code in settings.programmes},
            ZoneInfo(settings.time_zone),
            today,
        )

    async def judge(
        self, subjects: Mapping[UUID, Subject], decide: Decide = judge
    ) -> list[Outcome]:
        """Judges persons, saves what changed and returns what is to be published.

        The persons are locked, so that what is loaded here stays true until the commit.
        """
        if not subjects:
            return []
        connection = self.tx.connection
        before = [who for who, subject in subjects.items() if not subject.fresh]
        known = await files.load_files(connection, before) if before else {}
        homes = await self._homes(subjects)
        children = await self._children(subjects, homes)
        outcomes: list[Outcome] = []
        changes: list[Change] = []
        reviews: dict[UUID, str] = {}
        for subject in subjects.values():
            home = homes.get(subject.person.household_id)
            head_id = home.head_id if home else None
            own = known.get(subject.person.id, {})
            for programme in self._programmes_of(subject.person):
                ruling = self._rule(programme, subject.person, own, children)
                if ruling is None:
                    continue
                file = own.get(ruling.programme, File())
                judged = decide(
                    subject.person, head_id, file, ruling, self.moments[ruling.programme]
                )
                if judged.file != file:
                    changes.append(self._change(subject.person, file, judged, ruling))
                outcomes += [Decided(subject.cause, fact) for fact in judged.facts]
                if ruling.changes_in:
                    month = min(ruling.changes_in, reviews.get(subject.person.id, "9999-12"))
                    reviews[subject.person.id] = month
        await files.save_files(connection, changes)
        await self._set_timers(changes, reviews)
        return outcomes

    async def _homes(self, subjects: Mapping[UUID, Subject]) -> dict[UUID, Home]:
        """Households of those who are not paid themselves, or are paid for others."""
        homes = {
            subject.person.household_id
            for subject in subjects.values()
            if payee_of(subject.person, None, self.today) is None
            or subject.person.raises_children_alone
        }
        return await people.load_homes(self.tx.connection, homes) if homes else {}

    async def _children(
        self, subjects: Mapping[UUID, Subject], homes: Mapping[UUID, Home]
    ) -> dict[UUID, list[Person]]:
        """Single parent who heads a household → the children raised there."""
        raised = {
            subject.person.id: home.child_ids
            for subject in subjects.values()
            if subject.person.raises_children_alone
            and (home := homes.get(subject.person.household_id)) is not None
            and home.head_id == subject.person.id
        }
        ids = {child for children in raised.values() for child in children}
        known = await people.load_persons(self.tx.connection, ids) if ids else []
        return {
            parent: [child for child in known if child.id in children]
            for parent, children in raised.items()
        }

    def _rule(
        self,
        programme: Programme,
        person: Person,
        own: Files,
        children: Mapping[UUID, Sequence[Person]],
    ) -> Ruling | None:
        file = own.get(programme.pack.code)
        signed = file.application.signed if file and file.application else ()
        raised = children.get(person.id, ())
        ruling = rule(programme, person, signed, self.today, raised)
        if isinstance(ruling, Refused):
            log.warning("person %s cannot be judged: %s %s", person.id, ruling.code, ruling.place)
            return None
        return ruling

    def may_pay(self, person: Person) -> bool:
        """Whether judging a person can come to anything."""
        return any(one.may_pay(person, self.today) for one in self._programmes_of(person))

    def _programmes_of(self, person: Person) -> list[Programme]:
        """Those of the person's country."""
        return [one for one in self.programmes if one.pack.country == person.region[:2]]

    async def review_parents(self, changed: Mapping[UUID, Subject]) -> None:
        """Has single parents looked at again in whose households somebody else changed."""
        homes = {one.person.household_id: one.cause.id for one in changed.values()}
        now = self.tx.business_now
        await people.review_parents(self.tx.connection, REVIEW, homes, now, changed)

    def _change(self, person: Person, file: File, judged: Judgement, ruling: Ruling) -> Change:
        application = judged.file.application
        decision = None
        if judged.facts and application is not None:
            facts = {"birth_date": person.birth_date, "statuses": person.statuses}
            decision = DecisionRow(
                person.region,
                application.id,
                application.outcome,
                ruling.reasons,
                ruling.version,
                to_json(facts).decode(),
                self.today,
            )
        return Change(person.region, file, judged.file, decision)

    async def _set_timers(self, changes: Sequence[Change], reviews: Mapping[UUID, str]) -> None:
        holds = {
            entitlement.person_id: entitlement.phase.until
            for change in changes
            if not _holds(change.before)
            for entitlement in change.after.entitlements.values()
            if isinstance(entitlement.phase, Held)
        }
        await self._set(RELEASE_HOLD, {who: end_of(on, self.zone) for who, on in holds.items()})
        await self._set(
            REVIEW, {who: review_instant(month, self.zone) for who, month in reviews.items()}
        )

    async def _set(self, name: str, due: Mapping[UUID, datetime]) -> None:
        if due:
            nothing: dict[str, Any] = {}
            rows = [(str(who), at, nothing) for who, at in sorted(due.items())]
            await set_timers(self.tx.connection, name, rows)


def _holds(file: File) -> bool:
    return any(isinstance(one.phase, Held) for one in file.entitlements.values())


async def subjects_of(tx: Transaction, causes: Mapping[UUID, Cause]) -> dict[UUID, Subject]:
    """The known persons among those named, locked, each with its cause."""
    return with_causes(await people.lock_persons(tx.connection, causes), causes)


def with_causes(
    persons: Mapping[UUID, Person], causes: Mapping[UUID, Cause]
) -> dict[UUID, Subject]:
    """Persons in hand, each with its cause."""
    return {who: Subject(person, causes[who]) for who, person in persons.items()}
