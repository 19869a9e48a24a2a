"""What a record may hold, however odd, loses no other record and publishes nothing.

FastStream alone loses or repeats for ever every batch that is told of here.
"""

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
from asyncpg import Record as Row

from contracts.beneficiary import KeyIssued
from contracts.catalogue import key_of
from contracts.codec import Event, Head, decode, digest, encode_fact
from contracts.envelope import Envelope
from contracts.platform import RecordDeadLettered
from contracts.values import service_source
from services.runtime.database import OutageError, Transaction
from services.runtime.dead_letters import discard, replay
from services.runtime.routes import Outcome, on
from services.runtime.sealing import DeadLetterBox
from services.runtime.worker import Running, Worker
from tests.runtime.stage import (
    NOW,
    TOPIC,
    Effects,
    Headers,
    Raw,
    Stage,
    fact,
    idle,
    raw,
    until,
    worker,
)

pytestmark = pytest.mark.stack

TO_A_TOPIC_WE_MAY_WRITE = "casework.case.v1"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([("traceparent", None)], id="null"),
        pytest.param([("content-type", b"\xff\xfe\x80")], id="not UTF-8"),
        pytest.param([("content-type", b"application/x-nothing"), ("", b"")], id="unknown"),
        pytest.param([("correlation_id", b"\xc3\x28"), ("message_id", None)], id="broken ids"),
    ],
)
async def test_a_record_with_an_odd_header_is_taken_like_its_neighbours(
    stage: Stage, headers: Headers
) -> None:
    key, other, effects = uuid4(), uuid4(), Effects()
    await stage.produce([raw(key, 1), raw(key, 2, headers=headers), raw(key, 3), raw(other, 1)])
    async with stage.running(worker(effects.on_deployed)):
        await until(lambda: stage.have([key], 3))
        await until(lambda: stage.have([other], 1))
    assert (await stage.applied(key), await stage.applied(other)) == ([1, 2, 3], [1])


async def test_a_sender_cannot_have_an_answer_published_where_it_likes(stage: Stage) -> None:
    key, effects = uuid4(), Effects()
    reply_to = [("reply_to", TO_A_TOPIC_WE_MAY_WRITE.encode()), ("correlation_id", b"mine")]
    await stage.produce([raw(key, 1, headers=reply_to), raw(key, 2)])
    async with stage.running(worker(effects.on_deployed)):
        await until(lambda: stage.have([key], 2))
    # what stands there are facts that were decided, and no handler's return value
    found = await stage.records(TO_A_TOPIC_WE_MAY_WRITE, "insights")
    assert all(isinstance(decode(record.value), Envelope) for record in found)


POISON = {
    "no JSON": (b"\xff\xfe{", "json.malformed"),
    "empty": (b"", "json.malformed"),
    "cut off": (fact(uuid4(), 1)[:90], "json.malformed"),
    "of nobody we know": (fact(uuid4(), 1, owner="stranger"), "fact.wrong_source"),
    "of a type of tomorrow": (
        fact(uuid4(), 1).replace(b"workforce.deployment.started", b"workforce.deployment.dreamt"),
        "event.unknown_type",
    ),
    "null": (None, "event.empty"),
}


@pytest.mark.parametrize("kind", POISON)
async def test_an_unreadable_record_is_kept_sealed_and_told_of_and_blocks_nobody(
    stage: Stage, kind: str
) -> None:
    value, code = POISON[kind]
    name, key, effects = uuid4().hex, uuid4(), Effects()
    await stage.produce([raw(key, 1), Raw(name.encode(), value), raw(key, 2)])
    async with stage.running(worker(effects.on_deployed)):
        await until(lambda: stage.have([key], 2))
        letter = (await until(lambda: stage.letters(name)))[0]
        told = await until(lambda: reports(stage, letter["id"]))
    assert (letter["reason"], letter["state"], letter["digest"]) == (
        code,
        "open",
        digest(value or b""),
    )
    assert DeadLetterBox.from_settings(stage.settings()).open(letter["sealed"]) == (value or b"")
    assert [(r.reason, r.topic, r.digest) for r in told] == [(code, TOPIC, letter["digest"])]


async def reports(stage: Stage, letter_id: UUID) -> list[RecordDeadLettered]:
    """What the operator reads about a dead letter; what is sent twice is the same fact."""
    events = await stage.events("casework.dead-letter.v1", "operator")
    facts = {e.id: e.data for e in events if isinstance(e.data, RecordDeadLettered)}
    return [fact for fact in facts.values() if fact.dead_letter_id == letter_id]


@pytest.mark.parametrize("key", [None, b"", b"\xff\xfe", b"\x00", b"k" * 3000])
async def test_a_record_with_an_odd_key_is_kept_and_blocks_nobody(
    stage: Stage, key: bytes | None
) -> None:
    good, effects, value = uuid4(), Effects(), f"nothing {uuid4()}".encode()
    await stage.produce([raw(good, 1), Raw(key, value), raw(good, 2)])
    async with stage.running(worker(effects.on_deployed)):
        await until(lambda: stage.have([good], 2))
        kept = await until(lambda: letters_with(stage, digest(value)))
    assert [letter["state"] for letter in kept] == ["open"]


async def letters_with(stage: Stage, print_: str) -> Sequence[Row]:
    rows: Sequence[Row] = await stage.admin.fetch(
        "select * from casework.dead_letters where digest = $1", print_
    )
    return rows


async def test_a_tombstone_on_a_compacted_topic_is_forgotten_and_no_fault(stage: Stage) -> None:
    # given a reader of keys
    seen: list[str] = []
    forgotten: list[str] = []

    async def on_key_issued(_: Transaction, events: Sequence[Envelope[KeyIssued]]) -> list[Outcome]:
        seen.extend(str(event.data.person_id) for event in events)
        return []

    async def forget(_: Transaction, keys: Sequence[str]) -> list[Outcome]:
        forgotten.extend(keys)
        return []

    topic, gone, there = "beneficiary.key.v1", uuid4(), uuid4()
    reading = on("notifications", topic, {KeyIssued: on_key_issued}, forget=forget)
    listener = Worker("notifications", (reading,))
    key = KeyIssued(person_id=there, key_version=1, wrapped_key="a2V5")
    # when a key ends and another begins
    records = [Raw(str(gone).encode(), None), Raw(str(there).encode(), key_fact(key))]
    await stage.produce(records, topic=topic)
    async with stage.running(listener):
        await until(lambda: present(seen, str(there)))
    # then the first is forgotten and nothing is dead
    assert forgotten == [str(gone)]
    letters = "select count(*) from notifications.dead_letters where key = $1"
    assert await stage.admin.fetchval(letters, str(gone)) == 0


async def present(seen: Sequence[str], name: str) -> bool:
    return name in seen


def key_fact(key: KeyIssued) -> bytes:
    source = service_source("beneficiary")
    head = Head(uuid4().hex, source, key_of(key), NOW, "cause", "correlation", "VN-07", None, 1)
    return encode_fact(head, key)


async def test_one_bad_record_costs_a_batch_over_two_partitions_nothing(stage: Stage) -> None:
    # given forty keys on two partitions, one of which a bug cannot take
    keys, bad = [uuid4() for _ in range(40)], uuid4()

    async def fail(_: Transaction, events: Sequence[Event]) -> None:
        if any(getattr(event.data, "worker_id", None) == bad for event in events):
            raise RuntimeError("a bug")

    effects = Effects(before=fail)
    records = [raw(key, 1, partition=place % 2) for place, key in enumerate(keys)]
    await stage.produce([*records[:17], raw(bad, 1, partition=1), *records[17:]])
    # when they come in one batch
    async with stage.running(worker(effects.on_deployed)) as running:
        await until(lambda: stage.letters(bad))
        await until(lambda: stage.have(keys, 1))
        await until(lambda: idle(running))
    # then all but it took effect, once
    assert {tuple(await stage.applied(key)) for key in keys} == {(1,)}
    assert await stage.applied(bad) == []
    assert [letter["reason"] for letter in await stage.letters(bad)] == ["handler.failed"]
    # and nothing comes again to the next worker
    again = Effects()
    async with stage.running(worker(again.on_deployed)) as running:
        await until(lambda: idle(running))
    assert again.batches == []


@pytest.fixture
async def blocked(stage: Stage) -> tuple[UUID, UUID, Effects]:
    """A key whose second fact meets a bug, and a key of which no fact does."""
    key, other = uuid4(), uuid4()

    async def fail(_: Transaction, events: Sequence[Event]) -> None:
        if any((getattr(e.data, "worker_id", None), e.sequence) == (key, 2) for e in events):
            raise RuntimeError("a bug")

    effects = Effects(before=fail)
    facts = [raw(which, n) for n in (1, 2, 3, 4) for which in (key, other)]
    await stage.produce(facts)
    return key, other, effects


async def test_after_a_bug_later_facts_of_the_key_wait_until_a_replay(
    stage: Stage, blocked: tuple[UUID, UUID, Effects]
) -> None:
    key, other, effects = blocked
    async with stage.running(worker(effects.on_deployed)) as running:
        # given a bug's dead letter
        letter = (await until(lambda: stage.letters(key)))[0]
        await until(lambda: stage.have([other], 4))
        # then its key waits, and no other
        assert (letter["reason"], letter["sequence"]) == ("handler.failed", 2)
        assert await stage.applied(key) == [1]
        assert await stage.applied(other) == [1, 2, 3, 4]
        # when it is replayed too early
        await send_again(running, letter["id"])
        await until(lambda: reopened(stage, key))
        assert await stage.applied(key) == [1]
        # and once more when the bug is mended
        effects.before = None
        await send_again(running, letter["id"])
        await until(lambda: stage.have([key], 4))
    # then everything took effect in its order
    assert await stage.applied(key) == [1, 2, 3, 4]
    assert [row["state"] for row in await stage.letters(key)] == ["replayed"]
    waiting = "select count(*) from casework.waiting where key = $1"
    assert await stage.admin.fetchval(waiting, str(key)) == 0


async def test_a_discarded_fact_is_passed_over_and_releases_the_next(
    stage: Stage, blocked: tuple[UUID, UUID, Effects]
) -> None:
    key, _, effects = blocked
    async with stage.running(worker(effects.on_deployed)) as running:
        letter = (await until(lambda: stage.letters(key)))[0]
        await give_up(running, letter["id"])
        await until(lambda: stage.have([key], 3))
    assert await stage.applied(key) == [1, 3, 4]


async def test_the_first_fact_of_a_key_can_be_discarded_and_the_next_takes_effect(
    stage: Stage,
) -> None:
    key = uuid4()

    async def fail(_: Transaction, events: Sequence[Event]) -> None:
        if any((getattr(e.data, "worker_id", None), e.sequence) == (key, 1) for e in events):
            raise RuntimeError("a bug")

    effects = Effects(before=fail)
    async with stage.running(worker(effects.on_deployed)) as running:
        # given the only fact of a key, which meets a bug
        await stage.produce([raw(key, 1)])
        letter = (await until(lambda: stage.letters(key)))[0]
        # when it is discarded before anything comes after it
        await give_up(running, letter["id"])
        await stage.produce([raw(key, 2)])
        # then what comes takes effect
        await until(lambda: stage.have([key], 1))
    assert await stage.applied(key) == [2]


async def send_again(running: Running, letter_id: UUID) -> None:
    """What `hamroh dead-letters replay` does."""
    box = DeadLetterBox.from_settings(running.database.settings)
    async with running.database.transaction() as tx:
        await replay(tx.connection, box, letter_id, actor="an operator", reason="mended")


async def give_up(running: Running, letter_id: UUID) -> None:
    """What `hamroh dead-letters discard` does."""
    box = DeadLetterBox.from_settings(running.database.settings)
    async with running.database.transaction() as tx:
        await discard(tx, "casework", box, letter_id, actor="an operator", reason="worthless")


async def reopened(stage: Stage, key: UUID) -> bool:
    letter = (await stage.letters(key))[0]
    return bool(letter["state"] == "open" and letter["attempts"] > 2)


async def test_what_an_outage_interrupts_comes_again_and_nothing_is_stepped_over(
    stage: Stage,
) -> None:
    # given a handler that meets an outage with every second batch
    keys = [uuid4() for _ in range(6)]
    calls = 0

    async def fail(_: Transaction, __: Sequence[Event]) -> None:
        nonlocal calls
        calls += 1
        if calls % 2:
            raise OutageError("a neighbour is away")

    effects = Effects(before=fail)
    async with stage.running(worker(effects.on_deployed), batch_facts=5):
        # when facts come over two partitions, a few at a time
        for n in (1, 2, 3):
            await stage.produce([raw(key, n, partition=i % 2) for i, key in enumerate(keys)])
        await until(lambda: stage.have(keys, 3))
    # then each took effect once, in order, and nothing is dead
    assert {tuple(await stage.applied(key)) for key in keys} == {(1, 2, 3)}
    assert [letter for key in keys for letter in await stage.letters(key)] == []
