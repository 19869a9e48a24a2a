"""Records that come while a transaction is open share the next one; facts leave behind it."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from services.runtime import outbox
from services.runtime.consumer import Gathering
from services.runtime.database import OutageError
from services.runtime.inbox import Record
from services.runtime.outbox import Sender, Unsent


def records(*offsets: int) -> list[Record]:
    return [Record("a.topic.v1", 0, offset, "key", b"") for offset in offsets]


class Transactions:
    """Takes batches; each stays open until it is told to end."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.ends: list[asyncio.Future[None]] = []

    async def take(self, batch: Sequence[Record]) -> None:
        self.batches.append([record.offset for record in batch])
        self.ends.append(asyncio.get_running_loop().create_future())
        await self.ends[-1]


async def settle() -> None:
    """Lets every task go as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_an_idle_service_applies_at_once_and_a_busy_one_gathers() -> None:
    # given a batch whose transaction is open
    transactions = Transactions()
    gathering = Gathering(transactions.take)
    first = asyncio.create_task(gathering.add(records(1)))
    await settle()
    assert transactions.batches == [[1]]
    # when two more topics bring records meanwhile
    others = [asyncio.create_task(gathering.add(records(*more))) for more in ((2, 3), (4,))]
    await settle()
    assert transactions.batches == [[1]]
    # then they share the next transaction, and each waits for its own
    transactions.ends[0].set_result(None)
    await first
    await settle()
    assert transactions.batches == [[1], [2, 3, 4]]
    assert not any(other.done() for other in others)
    transactions.ends[1].set_result(None)
    await asyncio.gather(*others)


async def test_a_failed_transaction_is_told_to_everybody_in_it_and_to_nobody_else() -> None:
    transactions = Transactions()
    gathering = Gathering(transactions.take)
    first = asyncio.create_task(gathering.add(records(1)))
    await settle()
    others = [asyncio.create_task(gathering.add(records(n))) for n in (2, 3)]
    await settle()
    transactions.ends[0].set_result(None)
    await settle()
    transactions.ends[1].set_exception(OutageError("the database is away"))
    told = await asyncio.gather(first, *others, return_exceptions=True)
    assert told[0] is None
    assert [type(one) for one in told[1:]] == [OutageError, OutageError]
    # and whoever comes next begins anew
    later = asyncio.create_task(gathering.add(records(4)))
    await settle()
    assert transactions.batches[-1] == [4]
    transactions.ends[2].set_result(None)
    await later


async def test_who_is_told_to_stop_leaves_the_transaction_of_the_others_alone() -> None:
    transactions = Transactions()
    gathering = Gathering(transactions.take)
    leaving, staying = (asyncio.create_task(gathering.add(records(n))) for n in (1, 2))
    await settle()
    leaving.cancel()
    await settle()
    assert leaving.cancelled()
    transactions.ends[0].set_result(None)
    await staying
    assert transactions.batches == [[1, 2]]


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
    await settle()
    # then only the first is on its way
    assert leaving == [(1,)]
    free.set()
    told = await asyncio.gather(*giving, return_exceptions=True)
    # and whoever comes behind the failed one hears of it; its own facts are the sweeper's, too
    assert [type(one) for one in told] == [type(None), type(None), OutageError]
    assert leaving == [(1,), (2,)]
    await sender.settled()
