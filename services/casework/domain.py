"""Cases: what a returned payment calls for, by when, and which worker takes it.

Defaults of case management: first contact within 24 hours (high risk), 72 hours (medium) or 7 days
(low); an assignment is accepted within 1 hour (high risk) or 3 hours; no worker is given a case
beyond 25 active ones. The two latter are from the settings of the open-source Primero system and
the Minimum Standards for Child Protection in Humanitarian Action (Standard 18, case management).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from contracts.casework import CaseAssigned, CaseOpened, RiskLevel
from contracts.values import derived_id

CONTACT_WITHIN: Final[dict[RiskLevel, timedelta]] = {
    "low": timedelta(days=7),
    "medium": timedelta(hours=72),
    "high": timedelta(hours=24),
}
ACCEPT_WITHIN: Final[dict[RiskLevel, timedelta]] = {
    "low": timedelta(hours=3),
    "medium": timedelta(hours=3),
    "high": timedelta(hours=1),
}
CASELOAD_CEILING: Final = 25
"""Active cases of a worker; automatic assignment does not go beyond."""
SETTING: Final = "community"
"""Where the person lives, as opposed to a facility."""


@dataclass(frozen=True, slots=True)
class Person:
    """What casework knows of a person: where they live and which language they prefer."""

    person_id: UUID
    residence_region: str
    language: str


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker in service today, and how many active cases they have."""

    worker_id: UUID
    region: str
    communities: frozenset[str]
    languages: frozenset[str]
    active_cases: int


@dataclass(frozen=True, slots=True)
class Owner:
    """A worker whose case it is."""

    worker_id: UUID


@dataclass(frozen=True, slots=True)
class SupervisorPool:
    """Nobody could take the case: a supervisor of the region decides."""


Assignee = Owner | SupervisorPool


@dataclass(frozen=True, slots=True)
class Case:
    """A case that is to be opened for a person."""

    case_id: UUID
    payment_id: UUID
    person_id: UUID
    region: str
    community: str
    """The national code of the ward, settlement or hromada."""
    language: str
    risk_level: RiskLevel
    contact_due_at: datetime
    accept_due_at: datetime


def case_id(payment_id: UUID) -> UUID:
    """The id of the case that a returned payment opens: one payment, one case, for ever."""
    return derived_id(str(payment_id), "case", str(payment_id))


def for_returned_payment(payment_id: UUID, person: Person, region: str, now: datetime) -> Case:
    """Somebody must ask the person why the money came back; no harm to anybody is suspected."""
    return Case(
        case_id(payment_id),
        payment_id,
        person.person_id,
        region,
        person.residence_region.removeprefix(f"{region}-"),
        person.language,
        "low",
        now + CONTACT_WITHIN["low"],
        now + ACCEPT_WITHIN["low"],
    )


def assign(cases: Sequence[Case], workers: Iterable[Worker]) -> list[Assignee]:
    """Who takes each case, in order; each assignment adds to the load that the next one sees.

    Workers of the region below the ceiling. First those who serve the person's community, among
    them those who speak the person's language, among them the least loaded; ties go by worker id.
    """
    pool: defaultdict[str, list[Worker]] = defaultdict(list)
    loads: dict[UUID, int] = {}
    for worker in workers:
        pool[worker.region].append(worker)
        loads[worker.worker_id] = worker.active_cases
    return [_assigned(case, pool[case.region], loads) for case in cases]


def _assigned(case: Case, workers: Iterable[Worker], loads: dict[UUID, int]) -> Assignee:
    def preference(worker: Worker) -> tuple[bool, bool, int, UUID]:
        return (
            case.community not in worker.communities,
            case.language not in worker.languages,
            loads[worker.worker_id],
            worker.worker_id,
        )

    free = (worker for worker in workers if loads[worker.worker_id] < CASELOAD_CEILING)
    best = min(free, key=preference, default=None)
    if best is None:
        return SupervisorPool()
    loads[best.worker_id] += 1
    return Owner(best.worker_id)


def opened(case: Case) -> CaseOpened:
    """The fact that a case was opened."""
    return CaseOpened(
        case_id=case.case_id,
        person_id=case.person_id,
        risk_level=case.risk_level,
        contact_due_at=case.contact_due_at,
        setting=SETTING,
    )


def assigned(case: Case, assignee: Assignee) -> CaseAssigned:
    """The fact that a case has an owner or waits in the supervisor's pool."""
    return CaseAssigned(
        case_id=case.case_id,
        worker_id=assignee.worker_id if isinstance(assignee, Owner) else None,
        role="owner" if isinstance(assignee, Owner) else "supervisor_pool",
        accept_due_at=case.accept_due_at,
    )
