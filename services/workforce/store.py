"""Every statement of workforce."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

import asyncpg

from services.runtime.database import Connection
from services.workforce.domain import Deployment

ENLIST_WORKERS: Final = """
insert into workers (worker_id, region, record_id)
select worker_id, region, record_id
from unnest($1::uuid[], $2::text[], $3::text[]) as given (worker_id, region, record_id)
order by worker_id
on conflict (worker_id) do update set record_id = excluded.record_id
"""
LOAD_DEPLOYMENTS: Final = """
select d.deployment_id, worker_id, w.region, w.record_id, d.communities, d.languages,
       d.first_day, d.last_day
from workers w join deployments d using (worker_id)
where worker_id = any($1::uuid[])
order by worker_id, d.first_day
"""
SAVE_DEPLOYMENTS: Final = """
insert into deployments
    (deployment_id, worker_id, region, communities, languages, first_day, last_day)
select deployment_id, worker_id, region, string_to_array(communities, ','),
       string_to_array(languages, ','), first_day, last_day
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::date[], $7::date[])
    as given (deployment_id, worker_id, region, communities, languages, first_day, last_day)
order by deployment_id
"""
PAGE_WORKERS: Final = """
with page as (
    select worker_id, region, record_id from workers
    where $1::uuid is null or worker_id > $1
    order by worker_id limit $2
)
select d.deployment_id, worker_id, p.region, p.record_id, d.communities, d.languages,
       d.first_day, d.last_day
from page p join deployments d using (worker_id)
order by worker_id, d.first_day
"""

Held = dict[UUID, list[Deployment]]


async def enlist(connection: Connection, deployments: Iterable[Deployment]) -> Held:
    """Adds workers that are new, locks all of them, and returns the deployments of each so far."""
    workers = {deployment.worker_id: deployment for deployment in deployments}
    if not workers:
        return {}
    await connection.execute(
        ENLIST_WORKERS,
        [*workers],
        [deployment.region for deployment in workers.values()],
        [deployment.record_id for deployment in workers.values()],
    )
    return _by_worker(await connection.fetch(LOAD_DEPLOYMENTS, [*workers]))


async def save_deployments(connection: Connection, deployments: Sequence[Deployment]) -> None:
    """Adds deployments that started."""
    if not deployments:
        return
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


async def page_workers(connection: Connection, after: UUID | None, limit: int) -> Held:
    """The next workers by id, with their deployments, oldest first."""
    return _by_worker(await connection.fetch(PAGE_WORKERS, after, limit))


def _by_worker(rows: Iterable[asyncpg.Record]) -> Held:
    held: Held = defaultdict(list)
    for row in rows:
        held[row["worker_id"]].append(_deployment(row))
    return dict(held)


def _deployment(row: asyncpg.Record) -> Deployment:
    return Deployment(
        row["deployment_id"],
        row["worker_id"],
        row["region"],
        row["record_id"],
        tuple(row["communities"]),
        tuple(row["languages"]),
        row["first_day"],
        row["last_day"],
    )
