"""The guard: turns are given once, and nobody waits for a turn that has come."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest

from contracts.codec import Event
from services.runtime import inbox
from services.runtime.database import ConflictError, Transaction
from services.runtime.inbox import HTTP, Record
from tests.runtime.desk import Desk, facts
from tests.runtime.stage import Effects

pytestmark = pytest.mark.stack


async def test_facts_ahead_of_their_turn_wait_and_follow_in_order(desk: Desk) -> None:
    key = uuid4()
    consumer = desk.facts(Effects().on_deployed)
    await consumer.process(facts(key, 5, 3, 2))
    assert await desk.applied(key) == []
    await consumer.process(facts(key, 1))
    await desk.drain(consumer)
    assert await desk.applied(key) == [1, 2, 3]
    assert await desk.waiting(key) == [(5, None, False)]
    await consumer.process(facts(key, 4))
    await desk.drain(consumer)
    assert await desk.applied(key) == [1, 2, 3, 4, 5]
    assert await desk.waiting(key) == []


async def test_a_long_queue_behind_one_fact_is_taken_by_the_hundred(desk: Desk) -> None:
    key, effects = uuid4(), Effects()
    consumer = desk.facts(effects.on_deployed)
    await consumer.process(facts(key, *range(2, 1002)))
    await consumer.process(facts(key, 1))
    effects.batches.clear()
    await desk.drain(consumer)
    assert await desk.applied(key) == list(range(1, 1002))
    assert len(effects.batches) <= 3


async def test_a_fact_that_comes_twice_ahead_of_its_turn_waits_once(desk: Desk) -> None:
    key = uuid4()
    consumer = desk.facts(Effects().on_deployed)
    (second,) = facts(key, 2)
    await consumer.process([second, second])
    await consumer.process([second])
    assert len(await desk.waiting(key)) == 1
    await consumer.process(facts(key, 1))
    await consumer.process([second])
    await desk.drain(consumer)
    assert await desk.applied(key) == [1, 2]
    assert await desk.letters(key) == []


class Pausing:
    """Stops a handler before it returns, so that its transaction stays open."""

    def __init__(self) -> None:
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    async def __call__(self, _: Transaction, __: Sequence[Event]) -> None:
        self.reached.set()
        await self.go_on.wait()


@pytest.mark.parametrize("known", [False, True], ids=["new key", "known key"])
async def test_a_turn_that_comes_while_a_fact_is_parked_is_not_missed(
    desk: Desk, known: bool
) -> None:
    # given a worker that has taken a key's next fact and has not committed
    key, pausing = uuid4(), Pausing()
    consumer = desk.facts(Effects().on_deployed)
    n = 1
    if known:
        await consumer.process(facts(key, 1))
        n = 2
    first = asyncio.create_task(
        desk.facts(Effects(before=pausing).on_deployed).process(facts(key, n))
    )
    await pausing.reached.wait()
    # when another, which cannot see that yet, is given the one after it
    (after,) = facts(key, n + 1)
    second = asyncio.create_task(consumer.process([after]))
    await asyncio.wait([second], timeout=0.3)
    pausing.go_on.set()
    outcomes = await asyncio.gather(first, second, return_exceptions=True)
    # then it is told to look again, or it waits and is called
    if any(isinstance(outcome, ConflictError) for outcome in outcomes):
        again = [*facts(key, n), after]
        await consumer.process(again)
    await desk.drain(consumer)
    assert await desk.applied(key) == list(range(1, n + 2))
    assert await desk.waiting(key) == []


@pytest.mark.parametrize("known", [False, True], ids=["new key", "known key"])
async def test_a_turn_that_came_since_a_fact_was_found_ahead_is_not_missed(
    desk: Desk, known: bool
) -> None:
    # given a worker that has found a fact ahead of its turn and has not parked it yet
    key, other, pausing = uuid4(), uuid4(), Pausing()
    consumer = desk.facts(Effects().on_deployed)
    n = 1
    if known:
        await consumer.process(facts(key, 1))
        n = 2
    (after,) = facts(key, n + 1)
    busy = desk.facts(Effects(before=pausing).on_deployed)
    late = asyncio.create_task(busy.process([*facts(other, 1), after]))
    await pausing.reached.wait()
    # when the fact before it is applied meanwhile
    await consumer.process(facts(key, n))
    pausing.go_on.set()
    # then it is told to look again
    with pytest.raises(ConflictError):
        await late
    await consumer.process([after])
    assert await desk.applied(key) == list(range(1, n + 2))


async def test_of_two_that_apply_the_same_fact_at_once_one_is_told(desk: Desk) -> None:
    key, pausing = uuid4(), Pausing()
    (only,) = facts(key, 1)
    slow = asyncio.create_task(desk.facts(Effects(before=pausing).on_deployed).process([only]))
    await pausing.reached.wait()
    await desk.facts(Effects().on_deployed).process([only])
    pausing.go_on.set()
    with pytest.raises(ConflictError):
        await slow
    assert await desk.applied(key) == [1]


async def test_claims_by_http_are_taken_once_and_their_bytes_forgotten(desk: Desk) -> None:
    topic = "regional.vn-07.workforce.v1"
    async with desk.database.pool.acquire() as connection, connection.transaction():
        rows = [(topic, f"k{n}", "urn:hamroh:region:vn-07", f"e{n}") for n in range(3)]
        await connection.executemany(
            "insert into inbound (topic, key, source, event_id, digest, region, raw)"
            " values ($1, $2, $3, $4, 'd', 'VN-07', 'bytes')",
            rows,
        )
        found = await inbox.untaken(connection, 2, "^regional")
        assert [(r.partition, r.value) for r in found] == [(HTTP, b"bytes")] * 2
        assert await inbox.untaken(connection, 2, "^nobody") == []
        await inbox.take_inbound(
            connection, [*found, Record(topic, 0, found[0].offset + 2, "", b"")]
        )
        assert len(await inbox.untaken(connection, 9, "^regional")) == 1
        left = await connection.fetch("select raw from inbound where taken_at is not null")
        assert [row[0] for row in left] == [b"", b""]


def test_a_record_is_named_by_its_place_and_nothing_else() -> None:
    assert Record("a.b.v1", 3, 14, "key", b"secret").position == "a.b.v1/3:14"
    assert Record("a.b.v1", HTTP, 14, "key", b"secret").position == "http:14"
