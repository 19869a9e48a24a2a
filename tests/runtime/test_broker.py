"""Kafka misbehaves: commits fail, brokers die, members come, producers wedge."""

import asyncio
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import CommitFailedError, OutOfOrderSequenceNumber

from contracts.benefits import PaymentReturned
from contracts.codec import Event, encode_fact
from contracts.workforce import DeploymentStarted
from deploy.local.stack import Stack
from services.runtime import broker
from services.runtime.broker import Publisher
from services.runtime.consumer import FactConsumer
from services.runtime.database import OutageError, Transaction
from services.runtime.inbox import Record
from services.runtime.routes import Outcome, on
from services.runtime.worker import Running, Worker
from tests.runtime.stage import (
    PARTITIONS,
    TOPIC,
    Effects,
    Raw,
    Stage,
    any_of,
    fact,
    head,
    idle,
    raw,
    until,
    worker,
)

pytestmark = pytest.mark.stack

CASES, PAYMENTS = "casework.case.v1", "benefits.payment.v1"


def spread(keys: Sequence[UUID], sequence: int) -> list[tuple[str, str, bytes | None]]:
    """The n-th fact of each key, for a `Publisher`."""
    return [(TOPIC, str(key), fact(key, sequence)) for key in keys]


async def published(stage: Stage, keys: Sequence[UUID]) -> dict[str, list[int]]:
    """The sequences of the cases opened per key, as they stand in the topic, each once."""
    names = {str(key) for key in keys}
    found: defaultdict[str, list[int]] = defaultdict(list)
    for event in await stage.events(CASES, "insights"):
        if event.subject in names and event.sequence not in found[event.subject]:
            found[event.subject].append(event.sequence or 0)
    return dict(found)


@pytest.fixture
async def publisher(stage: Stage) -> AsyncIterator[Publisher]:
    """Workforce's producer."""
    publisher = Publisher(stage.login("workforce"))
    yield publisher
    await publisher.stop()


async def test_a_commit_that_fails_costs_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, effects, failed = uuid4(), Effects(), 0
    commit = AIOKafkaConsumer.commit

    async def fail(consumer: AIOKafkaConsumer, offsets: object) -> None:
        nonlocal failed
        failed += 1
        if failed <= 3:
            raise CommitFailedError
        await commit(consumer, offsets)

    monkeypatch.setattr(AIOKafkaConsumer, "commit", fail)
    async with stage.running(worker(effects.on_deployed)) as running:
        for n in range(1, 6):
            await stage.produce([raw(key, n)])
        await until(lambda: stage.have([key], 5))
        await until(lambda: committed(running))
    assert failed > 3
    assert await stage.applied(key) == [1, 2, 3, 4, 5]


async def test_what_is_applied_during_a_commit_is_left_to_the_next(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a worker whose commit of one partition is under way
    keys, begun, go_on = [uuid4(), uuid4()], asyncio.Event(), asyncio.Event()
    faults: list[object] = []
    commit = AIOKafkaConsumer.commit

    async def dawdle(consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, int]) -> None:
        begun.set()
        await go_on.wait()
        await commit(consumer, offsets)

    async with stage.running(worker(Effects().on_deployed)) as running:
        intake = running.intakes[0]
        await until(lambda: idle(running))
        await until(lambda: committed(running))
        monkeypatch.setattr(AIOKafkaConsumer, "commit", dawdle)
        monkeypatch.setattr(intake._telemetry, "fault", lambda *fault: faults.append(fault))
        await stage.produce([raw(keys[0], 1, partition=0)])
        async with asyncio.timeout(60):
            await begun.wait()
        # when a fact of another partition is applied meanwhile
        await stage.produce([raw(keys[1], 1, partition=1)])
        await until(lambda: noted(running, 2))
        go_on.set()
        # then both are committed, and nothing was met that went wrong
        await until(lambda: committed(running))
    assert faults == []


async def noted(running: Running, many: int) -> bool:
    """Whether so many partitions have something to commit."""
    return len(running.intakes[0]._done) >= many


async def committed(running: Running) -> bool:
    """Whether the offsets in the broker are those of everything that was taken."""
    consumer = running.intakes[0]._subscriber.consumer
    assert consumer is not None
    places = consumer.assignment()
    return bool(places) and all(
        [(await consumer.committed(p) or 0) == await consumer.position(p) for p in places]
    )


async def test_a_worker_that_stops_has_committed_what_it_applied(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, given, take = uuid4(), list[str](), FactConsumer.take

    async def note(consumer: FactConsumer, records: Sequence[Record]) -> None:
        given.extend(record.key for record in records)
        await take(consumer, records)

    async with stage.running(worker(Effects().on_deployed)):
        await stage.produce([raw(key, 1)])
        await until(lambda: stage.have([key], 1))
    # then the next is not given it again, however surely it would pass over it
    monkeypatch.setattr(FactConsumer, "take", note)
    async with stage.running(worker(Effects().on_deployed)) as running:
        await until(lambda: idle(running))
    assert str(key) not in given


@pytest.mark.local
async def test_a_broker_that_dies_while_all_consume_and_produce_loses_and_doubles_nothing(
    infrastructure: Stack, stage: Stage, publisher: Publisher
) -> None:
    # given forty keys and a worker that opens a case for each of their facts
    keys, effects = [uuid4() for _ in range(40)], Effects(decides=True)
    async with stage.running(worker(effects.on_deployed), batch_facts=20):
        # when the broker is killed twice while facts keep coming
        for n in range(1, 9):
            if n in {3, 6}:
                infrastructure.kill("kafka-1", signal.SIGKILL)
            await until(lambda n=n: sent(publisher, spread(keys, n)), 90)  # type: ignore[misc]
        await asyncio.to_thread(infrastructure.await_ready, "kafka-1")
        await until(lambda: stage.have(keys, 8), 90)
        # then each fact took effect once and in order
        everything = list(range(1, 9))
        assert [await stage.applied(key) for key in keys] == [everything] * len(keys)
        # and each case is told of, without a gap
        await until(lambda: outbox_empty(stage), 60)
    told = await published(stage, keys)
    assert {key: sorted(found) for key, found in told.items()} == {
        str(key): everything for key in keys
    }


async def sent(publisher: Publisher, records: Sequence[tuple[str, str, bytes | None]]) -> bool:
    try:
        await publisher.send(records)
    except OutageError:
        return False
    return True


async def outbox_empty(stage: Stage) -> bool:
    return not await stage.admin.fetchval("select count(*) from casework.outbox")


async def test_facts_of_several_topics_that_wait_share_a_transaction(stage: Stage) -> None:
    # given facts of two topics that nobody has taken yet
    key, met = uuid4(), list[Transaction]()
    await stage.produce([raw(key, 1)])
    await stage.produce([Raw(str(key).encode(), returned(key))], topic=PAYMENTS)

    async def meet(tx: Transaction, events: Sequence[Event]) -> list[Outcome]:
        met.extend(tx for event in events if event.subject == str(key))
        return []

    handlers = (
        on("casework", TOPIC, {DeploymentStarted: meet}),
        on("casework", PAYMENTS, {PaymentReturned: meet}),
    )
    # when a worker comes that listens to both
    async with stage.running(Worker("casework", handlers)) as running:
        await until(lambda: idle(running))
    # then what it knows by one is there when it takes the other
    assert len(met) == 2
    assert met[0] is met[1]


def returned(key: UUID) -> bytes:
    """The bytes of a payment's return."""
    payload = PaymentReturned(
        payment_id=key,
        entitlement_id=key,
        person_id=key,
        month="2026-09",
        amount_minor=500_000,
        currency="VND",
        reason="AC04",
        provider_sequence=1,
    )
    return encode_fact(head("benefits", key, 1), payload)


async def test_a_record_larger_than_what_is_fetched_of_a_partition_is_taken_all_the_same(
    stage: Stage,
) -> None:
    keys = [uuid4() for _ in range(PARTITIONS)]
    large = b"x" * (2 * broker.FETCH_BYTES)
    async with stage.running(worker(Effects().on_deployed)) as running:
        await stage.produce(
            [Raw(str(key).encode(), large, partition) for partition, key in enumerate(keys)]
        )
        await until(lambda: idle(running))
    # then none was stepped over: each is set aside with its reason
    assert [len(await stage.letters(key)) for key in keys] == [1] * PARTITIONS


async def test_a_second_worker_that_joins_in_mid_batch_doubles_nothing(stage: Stage) -> None:
    # given a worker in the middle of a batch of all partitions
    keys, begun, go_on = [uuid4() for _ in range(60)], asyncio.Event(), asyncio.Event()

    async def dawdle(_: Transaction, __: Sequence[Event]) -> None:
        begun.set()
        await go_on.wait()

    slow, quick = Effects(before=dawdle), Effects()
    facts = [raw(key, n, i % PARTITIONS) for n in (1, 2, 3) for i, key in enumerate(keys)]
    async with stage.running(worker(slow.on_deployed), batch_facts=200) as first:
        await stage.produce(facts)
        await begun.wait()
        # when a second joins, takes some of its partitions and their records again
        async with stage.running(worker(quick.on_deployed), batch_facts=200) as second:
            await until(lambda: shared(first, second))
            await until(lambda: any_of(quick.batches))
            go_on.set()
            await until(lambda: stage.have(keys, 3), 60)
            await until(lambda: idle(first))
            await until(lambda: idle(second))
    # then each fact took effect once, in order
    assert {tuple(await stage.applied(key)) for key in keys} == {(1, 2, 3)}
    assert [letter for key in keys for letter in await stage.letters(key)] == []


async def shared(*workers: Running) -> bool:
    """Whether the partitions of the facts are divided between the workers."""
    consumers = [running.intakes[0]._subscriber.consumer for running in workers]
    many = [
        len([place for place in consumer.assignment() if place.topic == TOPIC]) if consumer else 0
        for consumer in consumers
    ]
    return all(many) and sum(many) == PARTITIONS


async def test_offsets_of_partitions_that_went_to_another_worker_are_left_to_it(
    stage: Stage,
) -> None:
    key = uuid4()
    async with stage.running(worker(Effects().on_deployed)) as running:
        await stage.produce([raw(key, 1)])
        await until(lambda: stage.have([key], 1))
        intake = running.intakes[0]
        await intake.commit()
        intake._done[TopicPartition("insights.indicator.v1", 0)] = 7
        await intake.commit()
    assert intake._done == {}


def end_sending(producer: AIOKafkaProducer) -> None:
    producer._sender.sender_task.cancel()


def refuse_sequence(producer: AIOKafkaProducer) -> None:
    producer._message_accumulator.fail_all(OutOfOrderSequenceNumber())


@pytest.mark.parametrize("wedge", [end_sending, refuse_sequence])
async def test_a_wedged_producer_is_replaced(
    publisher: Publisher,
    monkeypatch: pytest.MonkeyPatch,
    wedge: Callable[[AIOKafkaProducer], None],
) -> None:
    # given a producer that has sent before and can send no more
    keys = [uuid4() for _ in range(3)]
    await publisher.send(spread(keys, 1))
    first = publisher._producer
    assert first is not None
    wedge(first)
    # when two ask it to send at once
    with monkeypatch.context() as impatient:
        impatient.setattr(broker, "SEND_TIMEOUT_S", 2.0)
        sends = [publisher.send(spread(keys, n)) for n in (2, 3)]
        outcomes = await asyncio.gather(*sends, return_exceptions=True)
    # then who was not served is told, and the next send goes through another
    assert OutageError in [type(outcome) for outcome in outcomes]
    await publisher.send(spread(keys, 2))
    assert publisher._producer is not first


async def test_who_fails_late_does_not_end_the_producer_that_others_have_made(
    publisher: Publisher,
) -> None:
    await publisher.send(spread([uuid4()], 1))
    old = publisher._producer
    await publisher._discard(old)
    await publisher.send(spread([uuid4()], 1))
    made = publisher._producer
    await publisher._discard(old)
    assert publisher._producer is made


@pytest.mark.local
async def test_a_producer_that_is_given_up_leaves_no_task_behind(
    infrastructure: Stack, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a producer with records in hand and a broker that takes none
    publisher = Publisher(stage.login("workforce"))
    before = asyncio.all_tasks()
    await publisher.send(spread([uuid4()], 1))
    monkeypatch.setattr(broker, "SEND_TIMEOUT_S", 0.5)
    infrastructure.kill("kafka-1", signal.SIGSTOP)
    try:
        await until(lambda: refused(publisher))  # a signal takes a while to reach every thread
        for _ in range(2):
            assert await refused(publisher)
        # then nothing of it goes on, although nobody has answered
        await until(lambda: nothing_beyond(before))
    finally:
        infrastructure.kill("kafka-1", signal.SIGCONT)


async def refused(publisher: Publisher) -> bool:
    try:
        await publisher.send(spread([uuid4()], 1))
    except OutageError:
        return True
    return False


async def nothing_beyond(tasks: set[asyncio.Task[object]]) -> bool:
    return asyncio.all_tasks() <= tasks
