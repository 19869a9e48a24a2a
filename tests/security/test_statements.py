"""Every SQL constant is understood and allowed: as the worker that runs it, and as the api if the
api can come to it.

`explain (generic_plan)` prepares a statement with its parameters open and starts it without running
it: names, types and rights are checked. That is why a missing grant is found here, too.
"""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from contracts.catalogue import SERVICES
from services.runtime.database import Connection
from tests.security.houses import House
from tests.security.statements import (
    executed_otherwise,
    formatted,
    of_the_runtime,
    reached_by_api,
    statements,
)

pytestmark = pytest.mark.stack
OFFICERS_ALONE = {
    "services.benefits.store.cycles.PREPARE",
    "services.benefits.store.cycles.APPROVE",
    "services.benefits.store.cycles.ORDER_CYCLE",
}
"""What officers do by HTTP and no worker may do in their place."""
every_service = pytest.mark.parametrize("service", SERVICES)


async def refused(connection: Connection, texts: dict[str, str]) -> dict[str, str]:
    """Which statements PostgreSQL does not take from this role, and why."""
    wrong: dict[str, str] = {}
    for name, text in texts.items():
        try:
            await connection.execute(f"explain (generic_plan) {text}")
        except asyncpg.PostgresError as error:
            wrong[name] = str(error)
    return wrong


def by_api(service: str) -> dict[str, str]:
    reached = reached_by_api(service)
    known = {**statements(service), **of_the_runtime()}
    assert reached <= set(known.values())
    return {name: text for name, text in known.items() if text in reached}


@every_service
async def test_a_worker_may_run_what_its_service_says(house: House, service: str) -> None:
    texts = statements(service)
    assert texts
    async with house.login(f"{service}_worker") as worker:
        wrong = await refused(worker, texts)
    assert wrong.keys() == OFFICERS_ALONE & texts.keys()
    assert all(why.startswith("permission denied") for why in wrong.values())
    assert wrong.keys() <= by_api(service).keys()


@every_service
async def test_the_mechanism_works_in_every_schema(house: House, service: str) -> None:
    async with house.login(f"{service}_worker") as worker:
        assert await refused(worker, of_the_runtime()) == {}


@every_service
async def test_an_api_may_run_what_it_can_come_to(house: House, service: str) -> None:
    texts = by_api(service)
    assert texts
    async with house.login(f"{service}_api") as api:
        assert await refused(api, texts) == {}


def test_what_an_api_comes_to_is_followed_through_handlers_and_the_runtime() -> None:
    assert {"services.benefits.store.cycles.PREPARE", "services.runtime.outbox.APPEND"} <= set(
        by_api("benefits")
    )
    assert "services.runtime.submission.STORE" in by_api("beneficiary")
    assert "services.beneficiary.store.FIND_SIMILAR" not in by_api("beneficiary")


@pytest.fixture
async def worker(house: House) -> AsyncIterator[Connection]:
    async with house.login("casework_worker") as connection:
        yield connection


async def test_a_wrong_column_and_a_missing_right_are_found(worker: Connection) -> None:
    found = await refused(
        worker,
        {
            "column": "select surname from cases where case_id = $1",
            "type": "select case_id from cases where case_id = $1 + 1",
            "right": "delete from people where person_id = $1",
            "schema": "select id from benefits.persons",
            "fine": "select case_id from cases where case_id = $1",
        },
    )
    assert found.keys() == {"column", "type", "right", "schema"}


def test_sql_is_a_constant_with_a_name_and_is_never_put_together() -> None:
    assert executed_otherwise() == {"services/runtime/migrate.py"}
    assert formatted() == []
