"""The outbox: numbered in commit order, sent by whoever committed, swept by one."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.beneficiary import KeyIssued
from contracts.casework import CaseOpened
from contracts.codec import decode
from contracts.envelope import Envelope, Payload
from services.runtime import outbox
from services.runtime.database import Connection, OutageError
from services.runtime.outbox import Sender, Unsent, append, lead, send_inline, sweep
from services.runtime.routes import Cause, Decided
from tests.runtime.desk import Desk, Sent
from tests.runtime.stage import NOW, any_of, until

pytestmark = pytest.mark.stack

CASES, KEYS = "casework.case.v1", "beneficiary.key.v1"


@pytest.fixture(autouse=True)
async def _empty(desk: Desk) -> None:
    await desk.database.pool.execute("delete from outbox")
    desk.sent.clear()


def case(key: UUID) -> CaseOpened:
    return CaseOpened(
        case_id=key, person_id=key, risk_level="none", contact_due_at=NOW, setting="community"
    )


def key_of_person(key: UUID) -> KeyIssued:
    return KeyIssued(person_id=key, key_version=1, wrapped_key="a2V5")


def because(seed: str, *payloads: Payload) -> list[Decided]:
    """Facts that follow from one cause."""
    return [Decided(Cause(seed, seed, seed, "VN-07"), payload) for payload in payloads]


async def stored(
    desk: Desk, decisions: Sequence[Decided], *, inline: bool = True, leads: bool = False
) -> Unsent:
    async with desk.database.transaction() as tx:
        return await append(tx, "casework", decisions, inline=inline, leads=leads)


def sequences(records: Sequence[Sent]) -> dict[str, list[int]]:
    """Key → the sequences sent, in the order of sending."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for _, key, value in records:
        event = decode(value)
        assert isinstance(event, Envelope)
        found[key].append(event.sequence or 0)
    return dict(found)


async def left(desk: Desk) -> list[str]:
    """The keys of what is stored and not sent, in the order of storing."""
    return [row[0] for row in await desk.fetch("select key from outbox order by id")]


async def test_what_was_committed_is_sent_and_exactly_that_is_deleted(desk: Desk) -> None:
    mine, other = uuid4(), uuid4()
    await stored(desk, because("other", case(other)))
    unsent = await stored(desk, because("mine", case(mine), case(mine)))
    await send_inline(desk.database, desk.send, unsent)
    assert sequences(desk.sent) == {str(mine): [1, 2]}
    assert await left(desk) == [str(other)]


async def test_ids_follow_from_causes_and_a_repetition_gives_the_same(desk: Desk) -> None:
    key = uuid4()
    twice = [await stored(desk, because("same", case(key), case(key))) for _ in range(2)]
    ids = [
        [event.id for event in map(decode, (r[2] for r in unsent.records)) if event]  # type: ignore[union-attr]
        for unsent in twice
    ]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2


async def test_batches_leave_one_after_the_other_and_a_failure_is_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # given a broker that takes one batch after the other, and not the second
    leaving: list[tuple[int, ...]] = []
    free = asyncio.Event()

    async def send_inline(_: object, __: object, unsent: Unsent) -> None:
        leaving.append(unsent.ids)
        await free.wait()
        if unsent.ids == (2,):
            raise OutageError("the broker did not take records")

    monkeypatch.setattr(outbox, "send_inline", send_inline)
    nothing: Any = None
    sender = Sender(nothing, nothing)
    # when three batches are committed at once
    giving = [asyncio.create_task(sender.after_commit(Unsent((n,), ()))) for n in (1, 2, 3)]
    await asyncio.sleep(0.05)
    # then only the first is on its way
    assert leaving == [(1,)]
    free.set()
    told = await asyncio.gather(*giving, return_exceptions=True)
    # and whoever comes behind the failed one hears of it; its own facts are the sweeper's, too
    assert [type(one) for one in told] == [type(None), type(None), OutageError]
    assert leaving == [(1,), (2,)]
    await sender.settled()


async def test_many_writers_leave_no_gap_and_no_inversion(desk: Desk) -> None:
    # given sixteen writers over five keys, of whom some dawdle and some give up
    keys, chance = [uuid4() for _ in range(5)], random.Random(7)
    committed: defaultdict[str, int] = defaultdict(int)

    async def write(_: int) -> None:
        for _ in range(25):
            chosen = chance.sample(keys, chance.randint(1, 3))
            try:
                async with desk.database.transaction() as tx:
                    await append(tx, "casework", because("c", *map(case, chosen)), inline=False)
                    await asyncio.sleep(chance.choice((0, 0, 0.01)))
                    _ = 1 // int(chance.random() > 0.05)
            except ZeroDivisionError:
                continue
            for key in chosen:
                committed[str(key)] += 1

    await asyncio.gather(*map(write, range(16)))
    # then the facts of each key are numbered as they were stored, from one and without a gap
    async with desk.database.pool.acquire() as connection:
        epoch = await connection.fetchval(outbox.NEXT_EPOCH)
        while await sweep(connection, desk.send, epoch):
            pass
    told = sequences(desk.sent)
    before = {key: numbers[0] - 1 for key, numbers in told.items()}
    assert before == dict.fromkeys(committed, 0)
    assert told == {key: list(range(1, many + 1)) for key, many in committed.items()}
    assert await left(desk) == []


async def test_the_sweeper_leaves_what_was_just_committed_to_whoever_committed_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "GRACE_S", 600.0)
    ours, theirs = uuid4(), uuid4()
    await stored(desk, because("ours", case(ours)), inline=True)
    await stored(desk, because("theirs", case(theirs)), inline=False)
    async with leading(desk) as (connection, epoch):
        await sweep(connection, desk.send, epoch)
        assert sequences(desk.sent) == {str(theirs): [1]}
        monkeypatch.setattr(outbox, "GRACE_S", 0.0)
        await sweep(connection, desk.send, epoch)
    assert sequences(desk.sent) == {str(theirs): [1], str(ours): [1]}
    assert await left(desk) == []


class leading:  # noqa: N801 - it reads as a phrase
    """The lead of casework, on a connection of its own."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def __aenter__(self) -> tuple[Connection, int]:
        self.connection = await self.desk.database.pool.acquire()
        epoch = await lead(self.connection)
        assert epoch is not None
        return self.connection, epoch

    async def __aexit__(self, *_: object) -> None:
        await self.connection.close()


async def test_facts_of_a_compacted_topic_are_left_to_the_leader_and_keep_their_order(
    desk: Desk,
) -> None:
    # given two processes that commit keys of one person, of whom the first is slow to send
    person, other = uuid4(), uuid4()
    slow = await stored(desk, because("first", key_of_person(person), case(other)))
    quick = await stored(desk, because("second", key_of_person(person)))
    await send_inline(desk.database, desk.send, quick)
    await send_inline(desk.database, desk.send, slow)
    # then neither has sent them
    assert sequences(desk.sent) == {str(other): [1]}
    # but the leader does, in the order of commits, for the broker keeps the last
    async with leading(desk) as (connection, epoch):
        await sweep(connection, desk.send, epoch)
    assert sequences(desk.sent)[str(person)] == [1, 2]
    assert await left(desk) == []


async def test_a_leader_sends_at_once_what_begins_a_key_and_later_facts_of_the_key_wait_for_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "GRACE_S", 600.0)
    # given a leader that commits the first key of a person, and another process the second
    person, newcomer = uuid4(), uuid4()
    first = await stored(desk, because("first", key_of_person(person)), leads=True)
    second = await stored(desk, because("second", key_of_person(person)), leads=True)
    assert len(first.ids) == 1
    assert second.ids == ()
    async with leading(desk) as (connection, epoch):
        # when the outbox is swept before the first has left
        await stored(desk, because("third", key_of_person(newcomer)), inline=False)
        await sweep(connection, desk.send, epoch)
        # then what others left for the leader is sent, and the second waits
        assert sequences(desk.sent) == {str(newcomer): [1]}
        # until the first has been sent
        await send_inline(desk.database, desk.send, first)
        await sweep(connection, desk.send, epoch)
    assert sequences(desk.sent)[str(person)] == [1, 2]
    assert await left(desk) == []


async def test_what_begins_a_key_and_was_never_sent_is_swept_with_what_follows_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "GRACE_S", 0.0)
    person = uuid4()
    for seed in ("first", "second"):  # of a leader that dies before it sends
        await stored(desk, because(seed, key_of_person(person)), leads=True)
    async with leading(desk) as (connection, epoch):
        await sweep(connection, desk.send, epoch)
    assert sequences(desk.sent) == {str(person): [1, 2]}


async def test_a_fact_that_no_broker_takes_is_not_stored(desk: Desk) -> None:
    huge = key_of_person(uuid4()).model_copy(update={"wrapped_key": "a" * 1_100_000})
    with pytest.raises(ValueError, match="larger than the broker takes"):
        await stored(desk, because("huge", huge))
    assert await left(desk) == []


async def test_who_stores_for_others_to_send_wakes_the_leader(desk: Desk) -> None:
    woken: list[str] = []
    async with desk.database.pool.acquire() as listener:
        await listener.add_listener("outbox", lambda *call: woken.append(call[3]))
        await stored(desk, because("inline", case(uuid4())), inline=True)
        await stored(desk, because("left", case(uuid4())), inline=False)
        await until(partial(any_of, woken))
        await listener.close()
    assert woken == ["casework"]


async def test_one_leads_and_a_new_one_has_a_higher_epoch(desk: Desk) -> None:
    async with leading(desk) as (_, first), desk.database.pool.acquire() as other:
        assert await lead(other) is None
    async with leading(desk) as (_, second):
        assert second > first
