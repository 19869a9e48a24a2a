"""Registrations that happen at the same moment, on the real tables."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Any

import pytest
from pydantic import SecretStr

from contracts.beneficiary import DuplicateSuspected, HouseholdChanged
from contracts.regional import Identifier, NameParts, PersonRegistered
from contracts.values import person_id, region_source
from services.beneficiary import handlers
from services.runtime.database import Database
from services.runtime.routes import Decided, Outcome
from services.runtime.settings import Settings
from tests.databases import migrated
from tests.events import NOW, REGION, claim

pytestmark = pytest.mark.stack

KEY = SecretStr("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
BLOCKED_S = 1.0


@pytest.fixture(scope="module")
async def database() -> AsyncIterator[Database]:
    """The registry's."""
    settings = Settings(key_encryption_key=KEY, pseudonym_key=KEY)
    async with migrated("beneficiary", settings) as schema, schema.database(NOW) as database:
        yield database


def form(record_id: str, **changes: Any) -> PersonRegistered:
    """A good form of one man in Tuyên Quang."""
    filled: dict[str, Any] = {
        "record_id": record_id,
        "form_id": f"F-{record_id}",
        "role": "head",
        "name": NameParts(family="Hoàng", middle="Văn", given="Páo"),
        "sex": 1,
        "birth_date": date(1980, 5, 10),
        "identifiers": (Identifier(kind="vn-cccd", value="008080001234"),),
        "language": "vi",
        "place": "00694",
    }
    return PersonRegistered(**{**filled, **changes})


async def at_once(
    database: Database, first: PersonRegistered, second: PersonRegistered
) -> Sequence[Outcome]:
    """What is decided about the second, whose claim is taken while the first is being registered.

    The two come by different ways: from Kafka and by HTTP, or to two workers.
    """

    async def register(one: PersonRegistered) -> Sequence[Outcome]:
        async with database.transaction() as tx:
            return await handlers.on_registered(tx, [claim(one)])

    async with database.transaction() as tx:
        await handlers.on_registered(tx, [claim(first)])
        other = asyncio.create_task(register(second))
        await asyncio.wait([other], timeout=BLOCKED_S)
    return await other


async def test_two_members_who_come_at_once_are_members_of_one_household(
    database: Database,
) -> None:
    # given the head of a household, and a child whose claim is taken at the same moment
    head = form("H-1", form_id="F-home")
    child = form("H-2", form_id="F-home", role="child", identifiers=(), birth_date=date(2015, 1, 1))

    # when both are registered
    outcomes = await at_once(database, head, child)

    # then the last word about the household names both, and its head
    (changed,) = [
        outcome.payload
        for outcome in outcomes
        if isinstance(outcome, Decided) and isinstance(outcome.payload, HouseholdChanged)
    ]
    source = region_source(REGION)
    assert {member.person_id for member in changed.members} == {
        person_id(source, "H-1"),
        person_id(source, "H-2"),
    }
    assert changed.head_id == person_id(source, "H-1")


async def test_two_records_of_a_person_that_come_at_once_are_suspected(database: Database) -> None:
    number = (Identifier(kind="vn-cccd", value="008080005678"),)

    outcomes = await at_once(
        database, form("D-1", identifiers=number), form("D-2", identifiers=number)
    )

    assert any(
        isinstance(outcome, Decided) and isinstance(outcome.payload, DuplicateSuspected)
        for outcome in outcomes
    )
