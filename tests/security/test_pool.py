"""Many callers over few connections, some of whom go away in the middle: nobody sees a stranger's
row, with the very pool and the very transaction that the services use."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from contracts.values import descends
from deploy.instance import Instance
from services.runtime.auth import Principal
from services.runtime.clock import BusinessClock
from services.runtime.database import Database, connect
from services.runtime.settings import Settings
from services.runtime.telemetry import Telemetry
from services.runtime.web import api_transaction
from tests.security.houses import House, built

pytestmark = pytest.mark.stack

CENTRES = [f"VN-{number:02}" for number in range(1, 51)]
TASKS, QUESTIONS, CONNECTIONS = 16, 10_000, 4
FILL = """
insert into casework.cases
select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), region, 'c', 'low', 's', 'open',
       null, now(), now(), now()
from unnest($1::text[]) as region, generate_series(1, 3)
"""
READ = "select region from cases"


@pytest.fixture(scope="module")
async def cases(instance: Instance) -> AsyncIterator[House]:
    """Three cases in each of fifty regions, and in a unit below each."""
    async with built(instance) as house:
        async with house.login() as admin:
            await admin.execute(FILL, [*CENTRES, *(f"{centre}-1" for centre in CENTRES)])
        yield house


@pytest.fixture
async def database(cases: House) -> AsyncIterator[Database]:
    """The pool of casework's api."""
    opened = await connect(
        cases.settings("casework_api", Settings), BusinessClock(None), CONNECTIONS
    )
    yield opened
    await opened.pool.close()


def asked_of(database: Database) -> Any:
    """As much of a request as a transaction needs."""
    state = SimpleNamespace(database=database, telemetry=Telemetry("casework", database.settings))
    return SimpleNamespace(app=SimpleNamespace(state=state), scope={})


@dataclass
class Callers:
    """Tasks that ask as one region after another, and what they got."""

    database: Database
    chance: random.Random
    answered: int = 0
    gone: int = 0
    foreign: list[tuple[str, str]] = field(default_factory=list)
    short: list[str] = field(default_factory=list)
    unasked: int = 0

    async def ask(self, many: int) -> None:
        for _ in range(many):
            patience_s = self.chance.uniform(0, 0.004) if self.chance.random() < 0.2 else 30
            try:
                async with asyncio.timeout(patience_s):
                    await self._ask(self.chance.choice(CENTRES))
                self.answered += 1
            except TimeoutError:
                self.gone += 1

    async def _ask(self, centre: str) -> None:
        principal = Principal("somebody", frozenset({"case_worker"}), (centre,))
        async with api_transaction(asked_of(self.database), principal) as tx:
            rows = await tx.connection.fetch(READ)
        self.foreign += [(centre, row[0]) for row in rows if not descends(row[0], centre)]
        if len(rows) != 6:
            self.short.append(centre)
        self.unasked += len(await self.database.pool.fetch(READ))


@pytest.mark.slow
async def test_ten_thousand_questions_over_four_connections_mix_up_nobody(
    database: Database,
) -> None:
    callers = Callers(database, random.Random(7))
    await asyncio.gather(*(callers.ask(QUESTIONS // TASKS) for _ in range(TASKS)))
    assert callers.answered + callers.gone == QUESTIONS
    assert callers.gone > QUESTIONS // 100, "some did go away"
    assert (callers.foreign, callers.short, callers.unasked) == ([], [], 0)
    assert database.pool.get_size() <= CONNECTIONS


async def leave_in_the_middle(database: Database) -> None:
    """Asks as VN-07, sees rows, and goes away while a statement runs."""
    principal = Principal("somebody", frozenset({"case_worker"}), ("VN-07",))
    async with (
        asyncio.timeout(None) as patience,
        api_transaction(asked_of(database), principal) as tx,
    ):
        assert len(await tx.connection.fetch(READ)) == 6
        patience.reschedule(asyncio.get_running_loop().time() + 0.05)
        await tx.connection.execute("select pg_sleep(30)")


async def test_who_goes_away_in_the_middle_leaves_nothing_in_the_connection(cases: House) -> None:
    database = await connect(cases.settings("casework_api", Settings), BusinessClock(None), size=1)
    for _ in range(20):
        with pytest.raises(TimeoutError):
            await leave_in_the_middle(database)
        assert await database.pool.fetch(READ) == []
        left = await database.pool.fetchval("select current_setting('hamroh.regions', true)")
        assert not left
    await database.pool.close()
