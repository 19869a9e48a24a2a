"""Every statement of casework."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

import asyncpg

from contracts.casework import RiskLevel
from contracts.workforce import DeploymentStarted
from services.casework.domain import SETTING, Assignee, Case, Owner, Person, Worker
from services.runtime.database import Connection

SAVE_PEOPLE: Final = """
insert into people (person_id, region, residence_region, language)
select person_id, region, residence_region, language
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
    as given (person_id, region, residence_region, language)
order by person_id
on conflict (person_id) do update
set region = excluded.region, residence_region = excluded.residence_region,
    language = excluded.language
"""
LOAD_PEOPLE: Final = """
select person_id, residence_region, language from people where person_id = any($1::uuid[])
"""
SAVE_DEPLOYMENTS: Final = """
insert into deployments
    (deployment_id, worker_id, region, communities, languages, first_day, last_day)
select deployment_id, worker_id, region, string_to_array(communities, ','),
       string_to_array(languages, ','), first_day, last_day
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::date[], $7::date[])
    as given (deployment_id, worker_id, region, communities, languages, first_day, last_day)
order by deployment_id
on conflict (deployment_id) do nothing
"""
LOCK_IN_SERVICE: Final = """
select worker_id, region, communities, languages from deployments
where region = any($1::text[]) and first_day <= $2 and last_day >= $2
order by deployment_id
for update
"""
LOAD_CASELOADS: Final = """
select owner_id, count(*) as active_cases from cases
where state = 'open' and owner_id = any($1::uuid[])
group by owner_id
"""
LOAD_OPENED: Final = "select case_id from cases where case_id = any($1::uuid[])"
SAVE_CASES: Final = """
insert into cases (case_id, payment_id, person_id, region, community, risk_level, setting, state,
                   owner_id, opened_at, contact_due_at, accept_due_at)
select case_id, payment_id, person_id, region, community, risk_level, $11, 'open', owner_id, $10,
       contact_due_at, accept_due_at
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::uuid[],
            $8::timestamptz[], $9::timestamptz[])
    as given (case_id, payment_id, person_id, region, community, risk_level, owner_id,
              contact_due_at, accept_due_at)
order by case_id
on conflict do nothing
"""
PAGE_CASES: Final = """
select case_id, person_id, region, community, risk_level, setting, state, owner_id, opened_at,
       contact_due_at, accept_due_at
from cases
where ($1::uuid is null or owner_id = $1) and ($2::uuid is null or case_id > $2)
order by case_id limit $3
"""
FIND_CASE: Final = """
select case_id, person_id, region, community, risk_level, setting, state, owner_id, opened_at,
       contact_due_at, accept_due_at
from cases where case_id = $1
"""


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case as the region's workers and supervisors see it."""

    case_id: UUID
    person_id: UUID
    region: str
    community: str
    risk_level: RiskLevel
    setting: str
    state: str
    owner_id: UUID | None
    """None: it waits in the supervisor's pool."""
    opened_at: datetime
    contact_due_at: datetime
    accept_due_at: datetime


async def save_people(connection: Connection, people: Iterable[tuple[str, Person]]) -> None:
    """Adds or replaces (region, person)."""
    latest = {person.person_id: (region, person) for region, person in people}
    await connection.execute(
        SAVE_PEOPLE,
        [*latest],
        [region for region, _ in latest.values()],
        [person.residence_region for _, person in latest.values()],
        [person.language for _, person in latest.values()],
    )


async def load_people(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Person]:
    """The persons that are known."""
    rows = await connection.fetch(LOAD_PEOPLE, ids)
    return {row[0]: Person(row[0], row[1], row[2]) for row in rows}


async def save_deployments(
    connection: Connection, deployments: Sequence[DeploymentStarted]
) -> None:
    """Adds where and when workers serve."""
    await connection.execute(
        SAVE_DEPLOYMENTS,
        [deployment.deployment_id for deployment in deployments],
        [deployment.worker_id for deployment in deployments],
        [deployment.region for deployment in deployments],
        # An array of arrays of unequal length is none in SQL; no code holds a comma.
        [",".join(deployment.communities) for deployment in deployments],
        [",".join(deployment.languages) for deployment in deployments],
        [deployment.first_day for deployment in deployments],
        [deployment.last_day for deployment in deployments],
    )


async def lock_workers(
    connection: Connection, regions: Iterable[str], in_service_on: date
) -> list[Worker]:
    """Who serves in these regions on a day, with their load; nobody else assigns them meanwhile."""
    rows = await connection.fetch(LOCK_IN_SERVICE, sorted(set(regions)), in_service_on)
    # A statement of its own: it sees what was assigned while this transaction waited for the lock.
    counts = await connection.fetch(LOAD_CASELOADS, [row["worker_id"] for row in rows])
    loads = {row["owner_id"]: row["active_cases"] for row in counts}
    return [
        Worker(
            row["worker_id"],
            row["region"],
            frozenset(row["communities"]),
            frozenset(row["languages"]),
            loads.get(row["worker_id"], 0),
        )
        for row in rows
    ]


async def load_opened(connection: Connection, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these cases exist."""
    return {row[0] for row in await connection.fetch(LOAD_OPENED, ids)}


async def save_cases(
    connection: Connection, cases: Sequence[tuple[Case, Assignee]], opened_at: datetime
) -> None:
    """Adds cases with who takes them."""
    if not cases:
        return
    await connection.execute(
        SAVE_CASES,
        [case.case_id for case, _ in cases],
        [case.payment_id for case, _ in cases],
        [case.person_id for case, _ in cases],
        [case.region for case, _ in cases],
        [case.community for case, _ in cases],
        [case.risk_level for case, _ in cases],
        [who.worker_id if isinstance(who, Owner) else None for _, who in cases],
        [case.contact_due_at for case, _ in cases],
        [case.accept_due_at for case, _ in cases],
        opened_at,
        SETTING,
    )


async def page_cases(
    connection: Connection, owner_id: UUID | None, after: UUID | None, limit: int
) -> list[CaseRow]:
    """The next cases by id, all of them or one worker's."""
    rows = await connection.fetch(PAGE_CASES, owner_id, after, limit)
    return [CaseRow(**row) for row in rows]


async def find_case(connection: Connection, case_id: UUID) -> CaseRow | None:
    """One case."""
    row: asyncpg.Record | None = await connection.fetchrow(FIND_CASE, case_id)
    return CaseRow(**row) if row else None
