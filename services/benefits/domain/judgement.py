"""A person judged under a programme: what the law says of them becomes decisions and entitlements.

Judging again changes nothing and publishes nothing, unless facts, the month or the law changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal, assert_never
from uuid import UUID

from contracts.benefits import ApplicationDecided
from contracts.envelope import Fact
from contracts.values import derived_id, month_of
from services.benefits.domain.entitlements import (
    Cancelled,
    Entitlement,
    Held,
    Running,
    Term,
    Waiting,
    amount_at,
    caught_up,
    entitlement_id,
    replanned,
    started,
)
from services.benefits.domain.persons import Person, Review, payee_of

Outcome = Literal["approved", "deferred", "refused"]
SUSPECTED = "duplicate.suspected"
SAME = "duplicate.same"


@dataclass(frozen=True, slots=True)
class Moment:
    """The business day of a judgement and the days that follow from the calendar."""

    today: date
    due_on: date
    """By when a request received today must be decided."""
    hold_until: date
    """The last day of a hold that begins today."""

    @property
    def month(self) -> str:
        """The calendar month of the day."""
        return month_of(self.today)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a programme's law says of a person, from a month on."""

    programme: str
    version: str
    currency: str
    plans: Mapping[str, tuple[Term, ...]]
    """Component → its terms from the month on; a component left out is not due."""
    signed: tuple[tuple[str, date], ...]
    """(group, day) of every decision on a group, those of today among them."""
    reasons: tuple[str, ...]
    """Rows of the pack that pay in the month."""
    changes_in: str | None
    """The next month in which something changes by itself: a birthday, a known new rate."""


@dataclass(frozen=True, slots=True)
class Application:
    """A person's request under a programme, made by registering, and what was decided."""

    id: UUID
    person_id: UUID
    programme: str
    outcome: Outcome
    due_on: date
    signed: tuple[tuple[str, date], ...]


@dataclass(frozen=True, slots=True)
class File:
    """All that benefits keeps of a person under a programme."""

    application: Application | None = None
    entitlements: Mapping[str, Entitlement] = field(default_factory=dict)
    """By component."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judgement changed and what is to be published, in order."""

    file: File
    facts: tuple[Fact, ...] = ()


def application_id(person_id: UUID, programme: str) -> UUID:
    """The id of a person's application under a programme."""
    return derived_id(str(person_id), "application", programme)


def judge(
    person: Person, head_id: UUID | None, file: File, ruling: Ruling, moment: Moment
) -> Judgement:
    """Puts a ruling in force: new components start, known ones follow the new plan."""
    entitlements = dict(file.entitlements)
    payee_id = payee_of(person, head_id, moment.today)
    facts: list[Fact] = []
    born: list[Entitlement] = []
    for component in sorted({*ruling.plans, *entitlements}):
        plan = ruling.plans.get(component, ())
        known = entitlements.get(component)
        if known is not None:
            stopped = (Term(moment.month, 0, "", "0", 0),)
            planned, changed = replanned(known, plan or stopped, moment.month)
            entitlements[component], begun = settled(planned, payee_id, moment.month)
            facts += changed + begun
        elif amount_at(plan, moment.month) > 0 and person.review is not Review.SAME:
            born.append(_new(person, ruling, component, moment))
    application, decided = _decided(person, file.application, ruling, born, moment)
    for entitlement in born:
        entitlements[entitlement.component], begun = settled(entitlement, payee_id, moment.month)
        decided += begun
    return Judgement(File(application, entitlements), (*decided, *facts))


def _new(person: Person, ruling: Ruling, component: str, moment: Moment) -> Entitlement:
    held = person.review is Review.OPEN
    return Entitlement(
        id=entitlement_id(person.id, ruling.programme, component),
        person_id=person.id,
        programme=ruling.programme,
        component=component,
        currency=ruling.currency,
        phase=Held(moment.hold_until) if held else Waiting(),
        terms=ruling.plans[component],
    )


def _decided(
    person: Person,
    known: Application | None,
    ruling: Ruling,
    born: list[Entitlement],
    moment: Moment,
) -> tuple[Application | None, list[Fact]]:
    """The application as it stands now; published when its outcome is another than before."""
    if known is None and not born:
        return None, []
    before = known.outcome if known else None
    outcome = before or "deferred"
    if any(isinstance(one.phase, Waiting) for one in born):
        outcome = "approved"
    application = Application(
        id=application_id(person.id, ruling.programme),
        person_id=person.id,
        programme=ruling.programme,
        outcome=outcome,
        due_on=known.due_on if known else moment.due_on,
        signed=ruling.signed,
    )
    if outcome == before:
        return application, []
    reasons = (SUSPECTED,) if outcome == "deferred" else ruling.reasons
    return application, [_fact(application, reasons, ruling.version, moment.today)]


def _fact(
    application: Application, reasons: tuple[str, ...], version: str, today: date
) -> ApplicationDecided:
    return ApplicationDecided(
        application_id=application.id,
        person_id=application.person_id,
        programme=application.programme,
        outcome=application.outcome,
        reasons=reasons,
        rulepack_version=version,
        decided_on=today,
        due_on=application.due_on,
    )


def settled(
    entitlement: Entitlement, payee_id: UUID | None, month: str
) -> tuple[Entitlement, list[Fact]]:
    """Starts what only waited for its payee; a running one is paid to the new payee from now on."""
    phase = entitlement.phase
    if payee_id is None:
        return caught_up(entitlement, month)
    match phase:
        case Waiting():
            running, begun = started(entitlement, payee_id)
        case Running():
            running, begun = replace(entitlement, phase=Running(payee_id)), []
        case Held() | Cancelled():
            return entitlement, []
        case _:
            assert_never(phase)
    current, told = caught_up(running, month)
    return current, begun + told


def paid_to(file: File, payee_id: UUID | None, month: str) -> Judgement:
    """The head of the household became known, or another person is head now."""
    entitlements, facts = {}, []
    for component, entitlement in file.entitlements.items():
        entitlements[component], told = settled(entitlement, payee_id, month)
        facts += told
    return Judgement(replace(file, entitlements=entitlements), tuple(facts))


def released(file: File, payee_id: UUID | None, ruling: Ruling, moment: Moment) -> Judgement:
    """The suspicion is over: what was held starts, from the month in which it was first due.

    A hold delays the money, never the right.
    """
    application = file.application
    freed = {
        component: replace(entitlement, phase=Waiting())
        for component, entitlement in file.entitlements.items()
        if isinstance(entitlement.phase, Held)
    }
    if application is None or not freed:
        return Judgement(file)
    begun = paid_to(
        replace(file, entitlements={**file.entitlements, **freed}), payee_id, moment.month
    )
    if application.outcome == "approved":
        return begun
    application = replace(application, outcome="approved")
    decided = _fact(application, ruling.reasons, ruling.version, moment.today)
    return Judgement(replace(begun.file, application=application), (decided, *begun.facts))


def refused_as_same(file: File, version: str, today: date) -> Judgement:
    """The person is known under another record, an officer says: what is held never starts."""
    application = file.application
    held = {
        component: replace(entitlement, phase=Cancelled())
        for component, entitlement in file.entitlements.items()
        if isinstance(entitlement.phase, Held)
    }
    if application is None or not held:
        return Judgement(file)
    kept = {**file.entitlements, **held}
    if application.outcome != "deferred":
        return Judgement(replace(file, entitlements=kept))
    application = replace(application, outcome="refused")
    decided = _fact(application, (SAME,), version, today)
    return Judgement(File(application, kept), (decided,))
