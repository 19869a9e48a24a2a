"""Whoever is told to stop stops, also in the instant in which what they waited for comes."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from services.runtime.broker import Intake
from services.runtime.outbox import woken
from tests.runtime.stage import Effects, Stage, worker


async def asleep(wake: asyncio.Event) -> None:
    """A loop of the leader: it sleeps until there is work."""
    while True:
        await woken(wake, 3600)


async def committing(answered: asyncio.Event) -> None:
    """A loop of an intake, whose commit is answered in the end."""
    intake: Any = object.__new__(Intake)
    intake._done = {"place": 1}
    intake._subscriber = Subscriber()
    intake._subscriber.consumer.answered = answered
    while True:
        await intake.commit()
        await asyncio.sleep(0.001)


class Consumer:
    answered: asyncio.Event

    def assignment(self) -> set[str]:
        return {"place"}

    async def commit(self, _: dict[str, int]) -> None:
        await self.answered.wait()


class Subscriber:
    def __init__(self) -> None:
        self.consumer = Consumer()


@pytest.mark.unit
@pytest.mark.parametrize("loop", [asleep, committing])
async def test_a_loop_that_is_told_to_stop_as_it_is_answered_stops(
    loop: Callable[[asyncio.Event], Coroutine[Any, Any, None]],
) -> None:
    # given a loop that waits
    answer = asyncio.Event()
    task = asyncio.create_task(loop(answer))
    await asyncio.sleep(0.01)
    # when the answer and the word to stop come at once
    answer.set()
    task.cancel()
    # then it is over
    for _ in range(10):
        await asyncio.sleep(0)
    ended = task.cancelled()
    answer.clear()
    await asyncio.sleep(0.01)
    task.cancel()
    assert ended


@pytest.mark.stack
async def test_a_worker_stops_although_a_library_swallows_a_cancellation(stage: Stage) -> None:
    async def stubborn() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        await asyncio.sleep(3600)

    async with stage.running(worker(Effects().on_deployed)) as running:
        running.tasks.append(asyncio.create_task(stubborn()))
        await asyncio.sleep(0.01)
    assert all(task.done() for task in running.tasks)
