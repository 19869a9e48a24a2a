"""The worker process of a service: its subscriptions and the leader's work, until told to stop.

`GET /health/ready` says whether it progresses (not whether it lives); `GET /status` says what is
still on its way: lag, outbox, waiting records, timers.
"""

import asyncio
import gc
import json
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import uvloop

from services.runtime.broker import Intake, Publisher, make_broker
from services.runtime.clock import BusinessClock
from services.runtime.consumer import Consumer, consumer_class
from services.runtime.database import OUTAGES, Database, connect
from services.runtime.routes import Job, Subscription, TimerHandler
from services.runtime.sealing import DeadLetterBox
from services.runtime.settings import Settings
from services.runtime.telemetry import Telemetry
from services.runtime.timers import PENDING, Leader

READY_LAG_S: Final = 30.0


def no_jobs(_: Settings) -> Sequence[Job]:
    """A service that calls nobody outside."""
    return ()


@dataclass(frozen=True, slots=True)
class Worker:
    """What a service's `worker.py` declares; `run` is the process."""

    service: str
    subscriptions: Sequence[Subscription]
    timers: Mapping[str, TimerHandler] = field(default_factory=dict)
    jobs: Callable[[Any], Sequence[Job]] = no_jobs
    settings: type[Settings] = Settings

    def run(self) -> None:
        """Runs until SIGTERM or SIGINT; what is in hand is finished or comes again."""
        settings = self.settings()
        gc.collect()
        gc.freeze()  # decoded batches are many live objects: the collector would walk all modules
        gc.set_threshold(50_000, 50, 50)
        uvloop.run(self._main(settings))

    async def _main(self, settings: Settings) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        running = await Running.start(self, settings)
        await stop.wait()
        await running.stop()


@dataclass(slots=True)
class Running:
    """A started worker. Tests start one in their own process, too."""

    intakes: list[Intake]
    consumers: list[Consumer]
    leader: Leader
    database: Database
    publisher: Publisher
    tasks: list[asyncio.Task[None]]
    close: Callable[[], Any]

    @classmethod
    async def start(cls, worker: Worker, settings: Settings) -> "Running":
        """Connects, subscribes and starts everything; returns when the broker answers."""
        telemetry = Telemetry(worker.service, settings)
        database = await connect(settings, BusinessClock(settings.business_time))
        publisher = Publisher(settings)
        box = DeadLetterBox.from_settings(settings)
        consumers = [
            consumer_class(subscription)(
                worker.service, subscription, database, publisher.send, box, telemetry
            )
            for subscription in worker.subscriptions
        ]
        broker = make_broker(settings)
        intakes = [
            Intake(broker, consumer.subscription, consumer.process, settings, telemetry)
            for consumer in consumers
        ]
        leader = Leader(
            worker.service,
            database,
            publisher.send,
            telemetry,
            consumers,
            worker.timers,
            worker.jobs(settings),
        )
        await broker.start()
        running = cls(intakes, consumers, leader, database, publisher, [], broker.stop)
        loops = [leader.run(), *(intake.run() for intake in intakes)]
        running.tasks += [asyncio.create_task(loop) for loop in loops]
        if settings.http_port:
            server = await asyncio.start_server(
                running.answer, settings.http_host, settings.http_port
            )
            running.tasks.append(asyncio.create_task(server.serve_forever()))
        return running

    async def stop(self) -> None:
        """Stops taking, commits what was applied, closes connections."""
        with suppress(Exception):
            await asyncio.gather(*(intake.commit() for intake in self.intakes))
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        with suppress(Exception):
            await asyncio.wait_for(self.close(), 15)
        await self.publisher.stop()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.database.pool.close(), 5)

    async def status(self) -> dict[str, Any]:
        """What is on its way: records not taken, rows not sent, records that wait, timers."""
        lags = await asyncio.gather(*(intake.lag() for intake in self.intakes))
        row = await self.database.pool.fetchrow(PENDING)
        pending = dict(row) if row else {}
        next_due_at = pending.pop("next_due_at", None)
        return {
            "service": self.leader.service,
            "lag": {i.subscription.group: lag for i, lag in zip(self.intakes, lags, strict=True)},
            **pending,
            "next_due_at": next_due_at.isoformat() if next_due_at else None,
            "business_time": self.database.clock.now().isoformat(),
        }

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers a health or status request and closes."""
        try:
            line = await asyncio.wait_for(reader.readline(), 5)
            code, body = 200, {}
            if line.startswith((b"GET /status", b"GET /health/ready")):
                body = await asyncio.wait_for(self.status(), 10)
                code = 503 if None in body["lag"].values() else 200
            elif not line.startswith(b"GET /health/live"):
                code = 404
        except OUTAGES:
            code, body = 503, {"reason": "the database does not answer"}
        text = json.dumps(body).encode()
        head = f"HTTP/1.1 {code} -\r\ncontent-type: application/json\r\ncontent-length: {len(text)}"
        writer.write(head.encode() + b"\r\nconnection: close\r\n\r\n" + text)
        with suppress(OSError):
            await writer.drain()
            writer.close()
