import asyncio
from datetime import date
from uuid import UUID

import asyncpg
import pytest

from contracts.regional import WorkerDeployed
from services.runtime.routes import Accepted, Rejected
from services.workforce import store
from services.workforce.domain import Deployment
from services.workforce.handlers import on_deployed
from tests.databases import Schema
from tests.events import NOW, claim

pytestmark = pytest.mark.stack


def deployment(number: int, first_day: date, last_day: date, region: str = "VN-07") -> Deployment:
    return Deployment(
        UUID(int=1000 * number + first_day.toordinal()),
        UUID(int=number),
        region,
        f"W{number}",
        ("00694", "00700"),
        ("vi", "hmn"),
        first_day,
        last_day,
    )


async def test_what_was_saved_comes_back_in_pages_by_worker(schema: Schema) -> None:
    first_year = deployment(1, date(2026, 1, 1), date(2026, 12, 31))
    next_year = deployment(1, date(2027, 1, 1), date(2027, 12, 31))
    others = [deployment(number, date(2026, 1, 1), date(2026, 12, 31)) for number in (2, 3)]
    async with schema.transaction(NOW) as tx:
        await store.enlist(tx.connection, [next_year, first_year, *others])
        await store.save_deployments(tx.connection, [next_year, first_year, *others])
        page = await store.page_workers(tx.connection, None, 2)
        rest = await store.page_workers(tx.connection, [*page][-1], 2)
    assert page == {UUID(int=1): [first_year, next_year], UUID(int=2): [others[0]]}
    assert rest == {UUID(int=3): [others[1]]}


async def test_the_database_refuses_overlapping_days_of_one_worker(schema: Schema) -> None:
    first = deployment(1, date(2026, 1, 1), date(2026, 12, 31))
    overlapping = deployment(1, date(2026, 12, 31), date(2027, 12, 31))
    async with schema.transaction(NOW) as tx:
        await store.enlist(tx.connection, [first])
        await store.save_deployments(tx.connection, [first])
        with pytest.raises(asyncpg.ExclusionViolationError):
            await store.save_deployments(tx.connection, [overlapping])


async def test_two_workers_that_judge_one_record_at_once_start_it_once(schema: Schema) -> None:
    claims = [
        claim(
            WorkerDeployed(
                record_id="RACE",
                communities=(community,),
                languages=("vi",),
                first_day=date(2026, 9, 1),
                last_day=date(2027, 8, 31),
            ),
            region="VN-07",
        )
        for community in ("00694", "00700")
    ]
    async with schema.database(NOW) as database:

        async def handle(event: object) -> list[type]:
            async with database.transaction() as tx:
                outcomes = await on_deployed(tx, [event])  # type: ignore[list-item]
                return [type(outcome) for outcome in outcomes]

        answers = await asyncio.gather(*(handle(event) for event in claims))
    assert sorted(answer[0].__name__ for answer in answers) == [
        Accepted.__name__,
        Rejected.__name__,
    ]


async def test_the_api_sees_the_workers_of_its_regions_alone(schema: Schema) -> None:
    async with schema.database(NOW) as database, database.transaction() as tx:
        for number, region in ((71, "VN-71"), (72, "VN-72")):
            one = deployment(number, date(2026, 1, 1), date(2026, 12, 31), region)
            await store.enlist(tx.connection, [one])
            await store.save_deployments(tx.connection, [one])
    sql = "select d.region from deployments d join workers w using (worker_id)"
    assert [row[0] for row in await schema.seen_by_api(sql, ["VN-71"])] == ["VN-71"]
    assert await schema.seen_by_api(sql, []) == []
