"""Timers and jobs: in order, each at its own instant, once; one fault stops no other."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from contracts.codec import decode
from contracts.envelope import Envelope
from services.runtime import outbox, timers
from services.runtime.database import OutageError, Transaction
from services.runtime.routes import (
    Accepted,
    Cause,
    Decided,
    DueTimer,
    Job,
    Outcome,
    TimerHandler,
)
from services.runtime.telemetry import Telemetry
from services.runtime.timers import Leader, cancel_timers, set_timers
from tests.runtime.desk import SETTINGS, Desk
from tests.runtime.stage import NOW, until
from tests.runtime.test_outbox import case

pytestmark = pytest.mark.stack

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
async def _none(desk: Desk) -> None:
    await desk.database.pool.execute("delete from timers")
    desk.database.clock.fixed = NOW
    desk.sent.clear()


class Diary:
    """What timers did: (name, subjects, business time)."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, list[str], datetime]] = []

    def timer(self, name: str) -> TimerHandler:
        async def on_due(tx: Transaction, due: Sequence[DueTimer]) -> list[Outcome]:
            assert {timer.name for timer in due} == {name}
            self.entries.append((name, [timer.subject for timer in due], tx.business_now))
            return []

        return on_due


def leader(desk: Desk, handlers: Mapping[str, TimerHandler], *jobs: Job) -> Leader:
    telemetry = Telemetry("casework", SETTINGS)
    means = (desk.database, desk.send, telemetry)
    return Leader("casework", *means, (), handlers, jobs, asyncio.Event())


async def put(desk: Desk, name: str, *due: tuple[str, datetime]) -> None:
    async with desk.database.transaction() as tx:
        await set_timers(tx.connection, name, [(who, at, {"who": who}) for who, at in due])


async def run(lead: Leader) -> None:
    """Runs until nothing is due."""
    for _ in range(100):
        if not await lead.run_due():
            return
    pytest.fail("timers are due for ever")


async def test_timers_run_in_order_each_at_its_own_instant(desk: Desk) -> None:
    diary = Diary()
    lead = leader(desk, {name: diary.timer(name) for name in ("review", "visit")})
    await put(desk, "visit", ("b", NOW - HOUR), ("a", NOW - HOUR), ("c", NOW + HOUR))
    await put(desk, "review", ("d", NOW - 2 * HOUR), ("e", NOW - HOUR), ("f", NOW))
    await put(desk, "of a release of tomorrow", ("g", NOW - HOUR))
    await run(lead)
    assert diary.entries == [
        ("review", ["d"], NOW - 2 * HOUR),
        ("review", ["e"], NOW - HOUR),
        ("visit", ["a", "b"], NOW - HOUR),
        ("review", ["f"], NOW),
    ]
    pending = await lead.pending()
    assert (pending["next_due_at"], pending["failed_timers"]) == (NOW + HOUR, 0)


async def test_what_a_timer_sets_runs_after_it_in_its_order(desk: Desk) -> None:
    diary = Diary()

    async def again(tx: Transaction, due: Sequence[DueTimer]) -> list[Outcome]:
        await diary.timer("monthly")(tx, due)
        following = [(timer.subject, timer.due_at + HOUR, timer.data) for timer in due]
        await set_timers(tx.connection, "monthly", following)
        return []

    await put(desk, "monthly", ("a", NOW - 3 * HOUR))
    await put(desk, "once", ("b", NOW - 2 * HOUR + HOUR / 2))
    await run(leader(desk, {"monthly": again, "once": diary.timer("once")}))
    assert [(name, at - NOW) for name, _, at in diary.entries] == [
        ("monthly", -3 * HOUR),
        ("monthly", -2 * HOUR),
        ("once", -1.5 * HOUR),
        ("monthly", -HOUR),
        ("monthly", 0 * HOUR),
    ]


async def test_a_timer_set_anew_moves_and_one_taken_back_does_not_run(desk: Desk) -> None:
    diary = Diary()
    await put(desk, "visit", ("a", NOW), ("b", NOW))
    await put(desk, "visit", ("a", NOW + HOUR))
    async with desk.database.transaction() as tx:
        await cancel_timers(tx.connection, "visit", ["b"])
    await run(leader(desk, {"visit": diary.timer("visit")}))
    assert diary.entries == []


async def test_what_a_timer_decides_is_sent_under_ids_that_a_repetition_would_repeat(
    desk: Desk,
) -> None:
    key = uuid4()

    async def decide(_: Transaction, due: Sequence[DueTimer]) -> list[Outcome]:
        causes = [Cause.of_timer(t.name, t.due_at, t.subject, "VN-07") for t in due]
        return [Decided(cause, case(key)) for cause in causes]

    lead = leader(desk, {"visit": decide})
    for _ in range(2):
        await put(desk, "visit", (str(key), NOW))
        await run(lead)
    told = [decode(value) for _, to, value in desk.sent if to == str(key)]
    events = [event for event in told if isinstance(event, Envelope)]
    assert [event.sequence for event in events] == [1, 2]
    assert {event.id for event in events} == {events[0].id}
    assert {event.time for event in events} == {NOW}


async def test_a_timer_that_a_bug_meets_stands_aside_and_runs_under_the_next_leader(
    desk: Desk,
) -> None:
    # given three timers of one instant, of which the second meets a bug
    diary, mended = Diary(), False

    async def mostly(tx: Transaction, due: Sequence[DueTimer]) -> list[Outcome]:
        if not mended and any(timer.subject == "b" for timer in due):
            raise RuntimeError("a bug")
        return list(await diary.timer("visit")(tx, due))

    lead = leader(desk, {"visit": mostly})
    await put(desk, "visit", ("a", NOW - HOUR), ("b", NOW - HOUR), ("c", NOW - HOUR), ("d", NOW))
    await run(lead)
    # then the others run
    assert [who for _, subjects, _ in diary.entries for who in subjects] == ["a", "c", "d"]
    assert (await lead.pending())["failed_timers"] == 1
    # when the bug is mended and somebody leads anew
    mended = True
    await desk.database.pool.execute(timers.TRY_AGAIN)
    await run(lead)
    # then it runs, at its own instant
    assert diary.entries[-1] == ("visit", ["b"], NOW - HOUR)
    assert (await lead.pending())["failed_timers"] == 0


async def test_an_outage_stops_timers_and_loses_none(desk: Desk) -> None:
    diary, away = Diary(), True

    async def on_due(tx: Transaction, due: Sequence[DueTimer]) -> list[Outcome]:
        if away:
            raise OutageError("a neighbour is away")
        return list(await diary.timer("visit")(tx, due))

    lead = leader(desk, {"visit": on_due})
    await put(desk, "visit", ("a", NOW))
    with pytest.raises(OutageError):
        await lead.run_due()
    away = False
    await run(lead)
    assert diary.entries == [("visit", ["a"], NOW)]


async def test_two_that_lead_at_once_run_each_timer_once(desk: Desk) -> None:
    diary = Diary()

    async def slowly(tx: Transaction, due: Sequence[DueTimer]) -> list[Outcome]:
        await asyncio.sleep(0.05)
        return list(await diary.timer("visit")(tx, due))

    await put(desk, "visit", *((f"{n}", NOW - n * HOUR) for n in range(5)))
    await asyncio.gather(*(run(leader(desk, {"visit": slowly})) for _ in range(2)))
    assert [subjects for _, subjects, _ in diary.entries] == [["4"], ["3"], ["2"], ["1"], ["0"]]


async def test_business_time_of_timers_comes_from_the_rehearsal_clock(desk: Desk) -> None:
    diary = Diary()
    await put(desk, "visit", ("a", NOW + 30 * 24 * HOUR))
    lead = leader(desk, {"visit": diary.timer("visit")})
    move = (
        "insert into business_clock (business_time) values ($1)"
        " on conflict (single) do update set business_time = excluded.business_time"
    )
    await desk.database.pool.execute(move, NOW + 31 * 24 * HOUR)
    # given no rehearsal, nothing is due
    await run(lead)
    assert diary.entries == []
    # when it is one, the timer runs at its own instant and not at the clock's
    lead.database = type(desk.database)(
        desk.database.pool, desk.database.clock, SETTINGS.model_copy(update={"rehearsal": True})
    )
    await run(lead)
    assert diary.entries == [("visit", ["a"], NOW + 30 * 24 * HOUR)]
    await desk.database.pool.execute("delete from business_clock")


async def wrong(_: Transaction, __: Sequence[DueTimer]) -> list[Outcome]:
    return [Accepted(None)]  # type: ignore[arg-type]


async def test_what_is_no_fact_cannot_come_of_a_timer(desk: Desk) -> None:
    lead = leader(desk, {"visit": wrong})
    await put(desk, "visit", ("a", NOW))
    await run(lead)
    assert (await lead.pending())["failed_timers"] == 1


class Errand:
    """A job that carries work out: the queue is a table, the neighbour outside remembers calls."""

    def __init__(self, *, dies_after_call: int = 0) -> None:
        self.calls: list[str] = []
        self.done: list[str] = []
        self.dies_after_call = dies_after_call

    async def claim(self, tx: Transaction) -> str | None:
        """The first piece of work, leased until it is recorded."""
        found: str | None = await tx.connection.fetchval(
            "select subject from timers where name = 'errand' order by subject limit 1"
        )
        return found

    async def call(self, work: str) -> list[str]:
        """Outside, under the work's own name as idempotency key."""
        self.calls.append(work)
        if len(self.calls) == self.dies_after_call:
            raise RuntimeError("the process dies")
        return [work]

    async def record(self, tx: Transaction, work: str, answer: list[str]) -> list[Outcome]:
        """Settles the work."""
        await cancel_timers(tx.connection, "errand", answer)
        self.done.append(work)
        return []

    @property
    def job(self) -> Job:
        return Job("errand", 0.01, self.claim, self.call, self.record)


async def test_a_crash_between_a_call_and_its_record_repeats_the_call_for_the_same_work(
    desk: Desk,
) -> None:
    await put(desk, "errand", ("1", NOW), ("2", NOW))
    errand = Errand(dies_after_call=1)
    lead = leader(desk, {}, errand.job)
    with pytest.raises(RuntimeError):
        await lead._do(errand.job)
    while await lead._do(errand.job):
        pass
    assert (errand.calls, errand.done) == (["1", "1", "2"], ["1", "2"])


async def test_a_job_that_fails_stops_no_other(desk: Desk) -> None:
    await put(desk, "errand", ("1", NOW), ("2", NOW))
    errand = Errand()

    async def nothing(_: Transaction) -> Any:
        raise RuntimeError("a bug")

    broken = Job("broken", 0.01, nothing, errand.call, errand.record)
    leading = asyncio.create_task(leader(desk, {}, broken, errand.job).run())
    await until(partial(is_done, errand, "1", "2"))
    leading.cancel()
    await asyncio.gather(leading, return_exceptions=True)
    async with desk.database.pool.acquire() as connection:
        assert await until(lambda: outbox.lead(connection))
        await connection.close()


async def is_done(errand: Errand, *work: str) -> bool:
    return errand.done == [*work]


async def test_no_transaction_is_open_while_a_job_calls_outside(desk: Desk) -> None:
    await put(desk, "errand", ("1", NOW))
    errand, seen = Errand(), []

    async def call(work: str) -> list[str]:
        open_ones = (
            "select count(*) from pg_locks join pg_stat_activity using (pid)"
            " where datname = current_database() and usename is not null"
            " and locktype = 'virtualxid' and pid <> pg_backend_pid()"
        )
        seen.append((await desk.fetch(open_ones))[0][0])
        return await errand.call(work)

    job = Job("errand", 0.01, errand.claim, call, errand.record)
    await leader(desk, {}, job)._do(job)
    assert seen == [0]
