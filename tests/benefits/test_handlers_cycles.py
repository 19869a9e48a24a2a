import asyncio
from collections import Counter
from uuid import UUID

import pytest

from services.benefits.handlers import people
from tests.benefits.officers import Office, office
from tests.benefits.registry import registered, status
from tests.databases import Schema
from tests.events import NOW

pytestmark = pytest.mark.stack

PEOPLE = 200


async def entitled(schema: Schema) -> None:
    names = [f"p{number}" for number in range(PEOPLE)]
    async with schema.database(NOW) as database, database.transaction() as tx:
        await people.on_person(tx, [registered(name) for name in names])
        await people.on_person(tx, [status(name, "disability", "severe") for name in names])


async def crowd(desk: Office, cycle: dict[str, str]) -> Counter[tuple[str, int, str]]:
    """Everybody asks at once, again and again."""

    async def ask(officer: str) -> tuple[str, int, str]:
        answer = await desk.approve(officer, cycle)
        return officer, answer.status_code, answer.json().get("code", answer.json().get("state"))

    officers = ["hoa", "nam", "linh.2"] * 20
    return Counter(await asyncio.gather(*map(ask, officers)))


async def test_of_many_approvals_at_once_two_count_and_every_payment_is_ordered_once(
    schema: Schema,
) -> None:
    await entitled(schema)
    async with office(schema) as desk:
        asked = await asyncio.gather(*(desk.prepare() for _ in range(10)))
        assert Counter(answer.status_code for answer in asked) == {201: 1, 200: 9}
        assert len({answer.json()["digest"] for answer in asked}) == 1
        cycle = asked[0].json()
        assert cycle["payments"] == PEOPLE
        answers = await crowd(desk, cycle)
        shown = (await desk.get("linh", f"/cycles/{cycle['id']}")).json()
        balances = (await desk.get("linh", "/ledger/balances")).json()
    assert {code for _, code, _ in answers} == {200, 409}
    assert shown["state"] == "ordered"
    assert len(shown["approved_by"]) == 2
    late = ({"hoa", "nam", "linh.2"} - {*shown["approved_by"]}).pop()
    refused = {what for who, _, what in answers if who == late}
    assert refused == {"cycle.already_ordered"}
    (stands,) = balances["balances"]
    assert (stands["pending_minor"], balances["unreconciled"]) == (PEOPLE * 1_000_000, 0)
    async with schema.database(NOW) as database:
        keys = await database.pool.fetch(
            "select key from outbox where topic = 'benefits.payment.v1'"
        )
        postings = await database.pool.fetchval("select count(*) from transfers")
    assert len(keys) == len({UUID(row["key"]) for row in keys}) == PEOPLE == postings
