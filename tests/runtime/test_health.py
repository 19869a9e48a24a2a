"""A worker is ready while it progresses; what ails it is named."""

import asyncio
import signal
from typing import Any
from uuid import uuid4

import pytest

from deploy.local.stack import Stack
from services.runtime import outbox
from services.runtime import worker as worker_module
from services.runtime.worker import Running
from tests.runtime.stage import Effects, Stage, any_of, raw, until, worker
from tests.runtime.test_worker import get

pytestmark = pytest.mark.stack


async def ails(running: Running) -> list[str]:
    """What the door says of a worker's readiness."""
    server = await asyncio.start_server(running.answer, "127.0.0.1", 0)
    async with server:
        code, body = await get(server.sockets[0].getsockname()[1], "/health/ready")
    named: list[str] = body["ails"]
    assert code == (503 if named else 200)
    return named


async def named(running: Running, *codes: str) -> bool:
    return await ails(running) == [*codes]


@pytest.mark.local
async def test_a_broker_that_does_not_answer(stage: Stage, infrastructure: Stack) -> None:
    async with stage.running(worker(Effects().on_deployed)) as running:
        await until(lambda: named(running))
        infrastructure.kill("kafka-1", signal.SIGSTOP)
        try:
            await until(lambda: named(running, "broker.away"))
        finally:
            infrastructure.kill("kafka-1", signal.SIGCONT)
        await until(lambda: named(running), 60)


@pytest.mark.local
async def test_a_database_that_is_away(stage: Stage, infrastructure: Stack) -> None:
    async with stage.running(worker(Effects().on_deployed)) as running:
        await until(lambda: named(running))
        async with stage.without_database(infrastructure):
            await until(lambda: named(running, "database.away"))
        await until(lambda: named(running))


async def test_a_fact_that_nobody_can_send(stage: Stage) -> None:
    async with stage.running(worker(Effects().on_deployed)) as running:
        # given a row that the broker refuses: the topic is another service's
        await stage.admin.execute(
            "insert into casework.outbox (topic, key, event, inline, created_at) values"
            " ('benefits.payment.v1', 'any', '', false, now() - interval '2 minutes')"
        )
        # then the worker is not ready until it is gone
        await until(lambda: named(running, "outbox.old"))
        await stage.admin.execute("delete from casework.outbox")
        await until(lambda: named(running))


async def test_a_leader_that_does_not_lead(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "UNLED_S", 2.5)
    stuck, sweep = asyncio.Event(), outbox.sweep

    async def hang(*arguments: Any) -> bool:
        await stuck.wait()
        return await sweep(*arguments)

    async with stage.running(worker(Effects().on_deployed)) as running:
        await until(lambda: named(running))
        # when its sweep hangs
        monkeypatch.setattr(outbox, "sweep", hang)
        await until(lambda: named(running, "leader.missing"))
        # then it is ready again once it goes on
        stuck.set()
        await until(lambda: named(running))
        # and not when nobody contends for the lead
        running.tasks[0].cancel()
        await until(lambda: named(running, "leader.missing"))


async def test_a_consumer_that_applies_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "STALLED_S", 0.5)
    key, stuck = uuid4(), asyncio.Event()

    async def hang(*_: Any) -> None:
        await stuck.wait()

    effects = Effects(before=hang)
    async with stage.running(worker(effects.on_deployed)) as running:
        await stage.produce([raw(key, 1)])
        await until(lambda: any_of(effects.batches))
        await until(lambda: named(running, "consumer.stalled"))
        stuck.set()
        await until(lambda: stage.have([key], 1))
        await until(lambda: named(running))
