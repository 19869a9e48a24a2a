"""One effect per fact, one answer per claim, whatever handlers do and whoever else is at work."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from contracts.codec import Event, encode
from contracts.platform import EventAccepted, EventRejected
from contracts.regional import WorkerDeployed
from services.runtime import inbox
from services.runtime.database import Transaction, is_outage
from services.runtime.routes import Accepted, Outcome, Rejected, Waits
from tests.events import claim
from tests.runtime.desk import Desk, facts, record
from tests.runtime.stage import NOW, Effects, fact, opened, until

pytestmark = pytest.mark.stack

REGION, CLAIMS = "VN-07", "regional.vn-07.workforce.v1"


async def test_a_bad_fact_among_five_hundred_costs_twenty_transactions(desk: Desk) -> None:
    keys, bad = [uuid4() for _ in range(499)], uuid4()

    async def fail(_: Transaction, events: Sequence[Event]) -> None:
        if any(event.subject == str(bad) for event in events):
            raise RuntimeError("a bug")

    effects = Effects(before=fail)
    batch = [record for key in [*keys[:300], bad, *keys[300:]] for record in facts(key, 1)]
    await desk.facts(effects.on_deployed).process(batch)
    assert len(effects.batches) <= 20
    applied = await desk.fetch("select key from effects where key = any($1)", [*map(str, keys)])
    assert sorted(row[0] for row in applied) == sorted(map(str, keys))
    assert [letter["reason"] for letter in await desk.letters(bad)] == ["handler.failed"]


async def test_who_loses_a_race_for_the_same_fact_calls_nobody_faulty(desk: Desk) -> None:
    # given two workers with the same fact, of whom the first is about to commit
    key, written, go_on = uuid4(), asyncio.Event(), asyncio.Event()

    async def insert_once(tx: Transaction, events: Sequence[Event]) -> None:
        for event in events:
            await tx.connection.execute("insert into once values ($1)", event.subject)

    async def insert_and_wait(tx: Transaction, events: Sequence[Event]) -> None:
        await insert_once(tx, events)
        written.set()
        await go_on.wait()

    one, two = Effects(before=insert_and_wait), Effects(before=insert_once)
    batch = facts(key, 1)
    first = asyncio.create_task(desk.facts(one.on_deployed).process(batch))
    await written.wait()
    # when the second meets the unique key of the first
    second = asyncio.create_task(desk.facts(two.on_deployed).process(batch))
    await until(lambda: waits(desk))
    go_on.set()
    await first
    await asyncio.gather(second, return_exceptions=True)
    # then the fact took effect once and is not dead
    assert await desk.applied(key) == [1]
    assert await desk.letters(key) == []


async def waits(desk: Desk) -> bool:
    """Whether a transaction waits for another that has written the same."""
    sql = (
        "select from pg_locks join pg_stat_activity using (pid)"
        " where datname = current_database() and not granted"
    )
    return bool(await desk.fetch(sql))


async def test_a_value_that_the_database_cannot_hold_is_the_records_fault(desk: Desk) -> None:
    key, other = uuid4(), uuid4()

    async def hold(tx: Transaction, events: Sequence[Event]) -> None:
        for event in events:
            if event.subject == str(key):
                await tx.connection.execute("select $1::text", "\x00")
            if event.subject == str(other):
                await tx.connection.execute("select $1::integer", 2**40)

    batch = facts(key, 1) + facts(other, 1)
    await desk.facts(Effects(before=hold).on_deployed).process(batch)
    for which in (key, other):
        assert [letter["reason"] for letter in await desk.letters(which)] == [
            "record.unprocessable"
        ]


async def test_a_schema_older_than_the_code_is_an_outage(desk: Desk) -> None:
    async def look(tx: Transaction, _: Sequence[Event]) -> None:
        await tx.connection.execute("select * from a_table_of_tomorrow")

    key = uuid4()
    with pytest.raises(asyncpg.UndefinedTableError) as raised:
        await desk.facts(Effects(before=look).on_deployed).process(facts(key, 1))
    assert is_outage(raised.value)
    assert await desk.letters(key) == []


async def test_a_replayed_fact_that_fails_again_waits_for_its_operator(desk: Desk) -> None:
    # given a fact in the waiting room, ready, that meets a bug
    key = uuid4()

    async def fail(_: Transaction, __: Sequence[Event]) -> None:
        raise RuntimeError("a bug")

    effects = Effects(before=fail)
    consumer = desk.facts(effects.on_deployed)
    await desk.database.pool.execute(
        "insert into waiting (topic, partition, record_offset, key, sequence, event_id, raw, ready)"
        " values ('workforce.worker.v1', 0, 1, $1, 1, 'e', $2, true)",
        str(key),
        fact(key, 1),
    )
    # when it is drained
    await desk.drain(consumer)
    # then it is dead, and does not come again
    assert [letter["state"] for letter in await desk.letters(key)] == ["open"]
    assert await desk.waiting(key) == []


def cause(event: Event) -> str:
    return f"cause:{event.subject}"


class Needy:
    """A handler that needs a row of `once` before it takes a fact of the same key."""

    def __init__(self) -> None:
        self.looked = asyncio.Event()
        self.go_on = asyncio.Event()
        self.pause_at = 0
        self.calls = 0

    async def on_deployed(self, tx: Transaction, events: Sequence[Event]) -> list[Outcome]:
        self.calls += 1
        rows = await tx.connection.fetch("select key from once")
        there = {row[0] for row in rows}
        if self.calls == self.pause_at:
            self.looked.set()
            await self.go_on.wait()
        taken = [event for event in events if event.subject in there]
        await tx.connection.executemany(
            "insert into effects values ($1, $2)", [(e.subject, e.sequence) for e in taken]
        )
        return [Waits(event, cause(event)) for event in events if event.subject not in there]


async def give(desk: Desk, key: object) -> None:
    """The cause of a key comes, as a consumer of another topic brings it."""
    async with desk.database.transaction() as tx:
        await tx.connection.execute("insert into once values ($1)", str(key))
        await inbox.release(tx.connection, [f"cause:{key}"])


async def test_what_waits_for_its_cause_is_taken_in_order_when_it_comes(desk: Desk) -> None:
    key, other = uuid4(), uuid4()
    await give(desk, other)
    consumer = desk.facts(Needy().on_deployed)
    await consumer.process([*facts(key, 1, 2), *facts(other, 1)])
    await consumer.process(facts(key, 3))
    assert await desk.applied(other) == [1]
    assert [(n, ready) for n, _, ready in await desk.waiting(key)] == [
        (1, False),
        (2, False),
        (3, False),
    ]
    await give(desk, key)
    await desk.drain(consumer)
    assert await desk.applied(key) == [1, 2, 3]
    assert await desk.waiting(key) == []


@pytest.mark.parametrize("pause_at", [1, 2], ids=["before its lock", "behind its lock"])
async def test_a_cause_that_comes_while_somebody_decides_to_wait_is_not_missed(
    desk: Desk, pause_at: int
) -> None:
    # given a fact that has looked for its cause in vain and has not committed yet
    key, needy = uuid4(), Needy()
    needy.pause_at = pause_at
    consumer = desk.facts(needy.on_deployed)
    waiting = asyncio.create_task(consumer.process(facts(key, 1)))
    await needy.looked.wait()
    # when the cause comes
    giving = asyncio.create_task(give(desk, key))
    await asyncio.wait([giving], timeout=0.3)
    needy.go_on.set()
    await asyncio.gather(waiting, giving)
    # then the fact is taken
    await desk.drain(consumer)
    assert await desk.applied(key) == [1]
    assert await desk.waiting(key) == []


async def test_a_handler_that_takes_a_fact_although_one_before_it_waits_takes_it_once(
    desk: Desk,
) -> None:
    # given a handler that lets the first fact of a key wait and takes the second in one call
    key, first_may_go = uuid4(), False

    async def on_deployed(tx: Transaction, events: Sequence[Event]) -> list[Outcome]:
        waits = [e for e in events if e.sequence == 1 and not first_may_go]
        rows = [(e.subject, e.sequence) for e in events if e not in waits]
        await tx.connection.executemany("insert into effects values ($1, $2)", rows)
        return [Waits(event, cause(event)) for event in waits]

    consumer = desk.facts(on_deployed)
    await consumer.process(facts(key, 1, 2))
    assert await desk.applied(key) == []
    # when the first may go
    first_may_go = True
    await give(desk, key)
    await desk.drain(consumer)
    assert await desk.applied(key) == [1, 2]
    assert await desk.letters(key) == []


async def test_what_follows_from_a_fact_is_sent_after_the_commit_and_deleted(desk: Desk) -> None:
    key = uuid4()

    async def on_deployed(_: Transaction, events: Sequence[Event]) -> list[Outcome]:
        return [opened(event) for event in events]  # type: ignore[arg-type]

    await desk.facts(on_deployed).process(facts(key, 1, 2))
    assert [(topic, to) for topic, to, _ in desk.sent if to == str(key)] == [
        ("casework.case.v1", str(key)),
        ("casework.case.v1", str(key)),
    ]
    assert await desk.fetch("select * from outbox where key = $1", str(key)) == []


def deployed(record_id: str, **changes: object) -> WorkerDeployed:
    """What a centre says of a worker."""
    plain = {
        "record_id": record_id,
        "communities": ("VN00001",),
        "languages": ("vi",),
        "first_day": NOW.date(),
        "last_day": NOW.date() + timedelta(days=90),
    }
    return WorkerDeployed.model_validate(plain | changes)


async def accept_all(_: Transaction, events: Sequence[Event]) -> list[Outcome]:
    return [Accepted(event) for event in events]


async def answers(desk: Desk, claim_id: str) -> list[tuple[str, str | None]]:
    """How a claim is answered in the inbox: (outcome, code)."""
    rows = await desk.fetch(
        "select outcome, code from inbox where id = $1 or id like $1 || '#%' order by id", claim_id
    )
    return [tuple(row) for row in rows]


def receipts(desk: Desk, claim_id: str) -> list[str]:
    """What the region was told of a claim."""
    told = [event.data for event in desk.told(REGION)]
    return [
        getattr(data, "code", "accepted")
        for data in told
        if isinstance(data, EventAccepted | EventRejected) and data.claim_id == claim_id
    ]


async def test_a_claim_is_answered_once_however_often_it_comes(desk: Desk) -> None:
    event = claim(deployed("r-1"))
    consumer = desk.claims({WorkerDeployed: accept_all})
    came = record("r-1", encode(event), CLAIMS)
    await consumer.process([came, came])
    await consumer.process([came, record("r-1", encode(event), CLAIMS)])
    assert await answers(desk, event.id) == [("accepted", None)]
    assert receipts(desk, event.id) == ["accepted"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"source": "urn:hamroh:region:vn-01"}, "claim.wrong_source"),
        ({"regioncode": "VN-01"}, "claim.wrong_region"),
        ({"regioncode": None}, "claim.wrong_region"),
        ({"time": NOW - timedelta(days=401)}, "claim.too_old"),
        ({"time": NOW + timedelta(days=2)}, "claim.in_future"),
    ],
)
async def test_a_claim_out_of_place_or_time_is_rejected_unseen_by_handlers(
    desk: Desk, changes: dict[str, object], code: str
) -> None:
    seen: list[str] = []

    async def on_any(_: Transaction, events: Sequence[Event]) -> list[Outcome]:
        seen.extend(event.id for event in events)
        return [Accepted(event) for event in events]

    event = claim(deployed("r-2")).model_copy(update=changes)
    await desk.claims({WorkerDeployed: on_any}).process([record("r-2", encode(event), CLAIMS)])
    assert seen == []
    assert await answers(desk, event.id) == [("rejected", code)]
    assert receipts(desk, event.id) == [code]


async def test_an_id_used_again_for_other_bytes_is_rejected_and_the_first_stands(
    desk: Desk,
) -> None:
    first = claim(deployed("r-3"))
    second = first.model_copy(update={"data": deployed("r-4")})
    consumer = desk.claims({WorkerDeployed: accept_all})
    both = [record("r-3", encode(first), CLAIMS), record("r-4", encode(second), CLAIMS)]
    await consumer.process(both)
    await consumer.process(both)
    assert await answers(desk, first.id) == [("accepted", None), ("rejected", "claim.id_reused")]
    assert sorted(receipts(desk, first.id)) == ["accepted", "claim.id_reused"]


async def test_bytes_without_an_id_are_answered_by_their_position(desk: Desk) -> None:
    consumer = desk.claims({WorkerDeployed: accept_all})
    came = record("", b"{", CLAIMS, offset=77_000)
    await consumer.process([came])
    await consumer.process([came])
    found = [event.data for event in desk.told(REGION) if isinstance(event.data, EventRejected)]
    assert [data.code for data in found if data.position == came.position] == ["json.malformed"]


async def silent(_: Transaction, __: Sequence[Event]) -> list[Outcome]:
    return []


async def twice(_: Transaction, events: Sequence[Event]) -> list[Outcome]:
    return [*(Accepted(e) for e in events), *(Rejected(e, "no", "data") for e in events)]


async def broken(_: Transaction, __: Sequence[Event]) -> list[Outcome]:
    raise RuntimeError("a bug")


@pytest.mark.parametrize("handler", [silent, twice, broken])
async def test_a_claim_that_a_bug_meets_is_pending_until_an_operator_settles_it(
    desk: Desk, handler: object
) -> None:
    bad, good = claim(deployed("r-5")), claim(deployed("r-6"))

    async def on_any(tx: Transaction, events: Sequence[Event]) -> list[Outcome]:
        hit = [event for event in events if event.id == bad.id]
        outcomes = await handler(tx, hit) if hit else []  # type: ignore[operator]
        return [*outcomes, *(Accepted(event) for event in events if event.id != bad.id)]

    consumer = desk.claims({WorkerDeployed: on_any})
    came = [record("r-5", encode(bad), CLAIMS), record("r-6", encode(good), CLAIMS)]
    await consumer.process(came)
    await consumer.process(came)
    assert await answers(desk, good.id) == [("accepted", None)]
    assert await answers(desk, bad.id) == [("pending", None)]
    assert receipts(desk, bad.id) == []
    rows = await desk.fetch("select state from dead_letters where event_id = $1", bad.id)
    assert [row[0] for row in rows] == ["open"]


async def test_a_claim_that_the_database_cannot_hold_is_rejected(desk: Desk) -> None:
    async def hold(tx: Transaction, events: Sequence[Event]) -> list[Outcome]:
        await tx.connection.execute("select $1::text", "\x00")
        return [Accepted(event) for event in events]

    event = claim(deployed("r-7"))
    await desk.claims({WorkerDeployed: hold}).process([record("r-7", encode(event), CLAIMS)])
    assert await answers(desk, event.id) == [("rejected", "claim.unprocessable")]
    assert receipts(desk, event.id) == ["claim.unprocessable"]
