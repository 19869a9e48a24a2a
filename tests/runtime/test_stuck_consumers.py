"""Consumers that take nothing although records wait: they are told of and rebuilt."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.runtime import broker
from services.runtime import worker as worker_module
from services.runtime.worker import Running
from tests.runtime.stage import TOPIC, Effects, Stage, raw, until, worker

pytestmark = pytest.mark.stack


def end_fetching(consumer: AIOKafkaConsumer) -> None:
    consumer._fetcher._fetch_task.cancel()


def pause(consumer: AIOKafkaConsumer) -> None:
    consumer.pause(*consumer.assignment())


@pytest.mark.parametrize("stick", [end_fetching, pause])
async def test_a_consumer_that_sticks_is_rebuilt(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, stick: Callable[[AIOKafkaConsumer], None]
) -> None:
    # given a worker that looks after its consumers often
    monkeypatch.setattr(broker, "WATCH_EVERY_S", 0.2)
    key, effects = uuid4(), Effects()
    async with stage.running(worker(effects.on_deployed)) as running:
        await stage.produce([raw(key, 1)])
        await until(lambda: stage.have([key], 1))
        # when one of them stands still although the process lives
        first = running.intakes[0]._subscriber.consumer
        assert first is not None
        stick(first)
        with monkeypatch.context() as impatient:
            impatient.setattr(broker, "STUCK_S", 1.0)
            await stage.produce([raw(key, 2)])
            # (what was asked for before may still come)
            await until(lambda: stage.have([key], 2))
            await stage.produce([raw(key, 3)])
            # then another takes its place
            await until(lambda: replaced(running, first))
        await until(lambda: stage.have([key], 3))
    assert await stage.applied(key) == [1, 2, 3]


async def test_a_partition_that_sticks_is_not_hidden_by_those_that_go_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a worker that looks after its consumer often, one of whose partitions stands still
    monkeypatch.setattr(broker, "WATCH_EVERY_S", 0.2)
    monkeypatch.setattr(worker_module, "STALLED_S", 1.0)
    key, other, effects, sent, stalled = uuid4(), uuid4(), Effects(), 0, set[str]()
    async with stage.running(worker(effects.on_deployed)) as running:
        await stage.produce([raw(key, 1)])
        await until(lambda: stage.have([key], 1))
        first = running.intakes[0]._subscriber.consumer
        assert first is not None
        first.pause(TopicPartition(TOPIC, 0))
        await stage.produce([raw(key, 2), raw(key, 3)])

        async def replaced_while_others_go_on() -> bool:
            nonlocal sent
            sent += 1
            await stage.produce([raw(other, sent, partition=1)])
            await until(lambda: stage.have([other], sent))
            stalled.update((await running.status())["stalled"])
            return await replaced(running, first)

        # when facts of another are taken all the time
        with monkeypatch.context() as impatient:
            impatient.setattr(broker, "STUCK_S", 2.0)
            await until(replaced_while_others_go_on)
        # then it is told of, and another consumer takes its place
        assert stalled == {"casework.facts"}
        await until(lambda: stage.have([key], 3))
    assert await stage.applied(key) == [1, 2, 3]
    assert await stage.applied(other) == list(range(1, sent + 1))


async def replaced(running: Running, first: AIOKafkaConsumer) -> bool:
    """Whether another consumer stands where the first stood."""
    return running.intakes[0]._subscriber.consumer not in {None, first}


async def test_a_consumer_that_cannot_be_rebuilt_is_tried_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a consumer that stands still while the broker refuses everybody
    monkeypatch.setattr(broker, "WATCH_EVERY_S", 0.2)
    key, effects, tries = uuid4(), Effects(), 0

    async def refuse(_: AIOKafkaConsumer) -> None:
        nonlocal tries
        tries += 1
        raise ConnectionRefusedError

    async def tried_again() -> bool:
        return tries > 3

    async with stage.running(worker(effects.on_deployed)) as running:
        consumer = running.intakes[0]._subscriber.consumer
        assert consumer is not None
        pause(consumer)
        with monkeypatch.context() as refusing:
            refusing.setattr(broker, "STUCK_S", 0.5)
            refusing.setattr(AIOKafkaConsumer, "start", refuse)
            await stage.produce([raw(key, 1)])
            # then it is tried again, and says meanwhile that it does not go on
            await until(tried_again)
            await until(lambda: unready(running))
        # and it goes on when the broker takes it again
        await until(lambda: stage.have([key], 1))
    assert await stage.applied(key) == [1]


async def unready(running: Running) -> bool:
    return None in (await running.status())["lag"].values()
