"""The worker process of a service: its subscriptions and the leader's work, until told to stop.

`GET /health/ready` says whether it progresses (not whether it lives); `GET /status` says what is
still on its way: lag, outbox, waiting records, timers.
"""

import asyncio
import gc
import json
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import uvloop

from services.runtime.broker import Intake, Publisher, make_broker
from services.runtime.clock import BusinessClock
from services.runtime.consumer import ClaimConsumer, Consumer, FactConsumer
from services.runtime.database import Database, connect
from services.runtime.rehearsal import clock_subscription
from services.runtime.routes import Job, Subscription, TimerHandler, together
from services.runtime.sealing import DeadLetterBox
from services.runtime.settings import Settings
from services.runtime.telemetry import Telemetry
from services.runtime.timers import Leader

STALLED_S: Final = 30.0
"""Records that wait so long without any being applied make a worker unready."""
UNSENT_S: Final = 60.0
"""So does a fact that was committed so long ago and is not sent."""
UNLED_S: Final = 60.0
"""So does a service in which so long nobody led, or whose leader did not sweep."""

COLLECT_EVERY_S: Final = 10.0
LOOKS_AT_ALL: Final = 360
"""Every so many looks of the collector are at everything."""


def no_preparation(_: Settings) -> None:
    """A service that has nothing to read beforehand."""


def no_jobs(_: Settings, __: Telemetry) -> Sequence[Job]:
    """A service that calls nobody outside."""
    return ()


@dataclass(frozen=True, slots=True)
class Worker:
    """What a service's `worker.py` declares; `run` is the process."""

    service: str
    subscriptions: Sequence[Subscription]
    timers: Mapping[str, TimerHandler] = field(default_factory=dict)
    jobs: Callable[[Any, Telemetry], Sequence[Job]] = no_jobs
    settings: type[Settings] = Settings
    prepare: Callable[[Any], None] = no_preparation
    """Reads, once per process, what the first record would have to wait for."""

    def run(self) -> None:
        """Runs until SIGTERM or SIGINT; what is in hand is finished or comes again."""
        settings = self.settings()
        self.prepare(settings)
        gc.disable()  # a batch is many live objects and no garbage; see `collecting`
        uvloop.run(self._main(settings))

    async def _main(self, settings: Settings) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        running = await Running.start(self, settings)
        told = asyncio.create_task(stop.wait())
        await asyncio.wait([told, *running.tasks], return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        await running.stop()
        if not stop.is_set():
            raise RuntimeError("a part of the worker ended by itself: start it again")


async def collecting() -> None:
    """Frees what only cycles hold, and lays aside what outlives a look: it is looked at hourly.

    Left to itself the collector would walk every batch several times, and everything now and then.
    """
    for look in count(1):
        if look % LOOKS_AT_ALL == 0:
            gc.unfreeze()
        gc.collect()
        gc.freeze()
        await asyncio.sleep(COLLECT_EVERY_S)


@dataclass(slots=True)
class Running:
    """A started worker. Tests start one in their own process, too."""

    intakes: list[Intake]
    leader: Leader
    database: Database
    publisher: Publisher
    tasks: list[asyncio.Task[None]]

    @classmethod
    async def start(cls, worker: Worker, settings: Settings) -> "Running":
        """Connects, subscribes and starts everything; returns when the broker answers."""
        service, telemetry = worker.service, Telemetry(worker.service, settings)
        database = await connect(settings, BusinessClock(settings.business_time))
        publisher, signals = Publisher(settings), (asyncio.Event(), asyncio.Event())
        box = DeadLetterBox.from_settings(settings)
        means = database, publisher.send, box, telemetry, *signals
        claims = [s for s in worker.subscriptions if s.is_pattern]
        facts = [s for s in worker.subscriptions if not s.is_pattern]
        facts.append(clock_subscription(service))
        consumers: list[Consumer] = [ClaimConsumer(service, one, *means) for one in claims]
        consumers.append(FactConsumer(service, together(service, facts), *means))
        broker = make_broker(settings)
        intakes = [Intake(broker, c.subscription, c.take, settings, telemetry) for c in consumers]
        own = worker.timers, worker.jobs(settings, telemetry)
        leader = Leader(service, database, publisher.send, telemetry, consumers, *own, *signals)
        await broker.connect()
        await asyncio.gather(*(intake.start() for intake in intakes))
        running = cls(intakes, leader, database, publisher, [])
        loops = [leader.run(), collecting(), *(intake.run() for intake in intakes)]
        running.tasks += [asyncio.create_task(loop) for loop in loops]
        if settings.http_port:
            server = await asyncio.start_server(
                running.answer, settings.http_host, settings.http_port
            )
            running.tasks.append(asyncio.create_task(server.serve_forever()))
        return running

    async def stop(self) -> None:
        """Stops taking, commits what was applied, closes connections."""
        while running := [task for task in self.tasks if not task.done()]:
            for task in running:
                task.cancel()
            await asyncio.wait(running, timeout=5)  # a library may swallow a cancellation
        await asyncio.gather(*(intake.stop() for intake in self.intakes))
        leaving = (consumer.settled() for consumer in self.leader.consumers)
        await asyncio.gather(*leaving, return_exceptions=True)
        await self.publisher.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await self.database.pool.close()
        self.leader.telemetry.close()

    async def status(self) -> dict[str, Any]:
        """What is on its way: records not taken by topic, rows not sent, records that wait, timers.

        Where the broker does not say what is not taken, it is None under the group's name.
        """
        lag: dict[str, int | None] = {}
        told = await asyncio.gather(*(intake.lag() for intake in self.intakes))
        for intake, by_topic in zip(self.intakes, told, strict=True):
            lag |= {intake.subscription.group: None} if by_topic is None else by_topic
        pending = await self.leader.pending()
        next_due_at = pending.pop("next_due_at")
        async with self.database.pool.acquire() as connection:
            business_time = await self.database.business_now(connection)
        stalled = [i.subscription.group for i in self.intakes if i.progress.stalled_s > STALLED_S]
        ails = {
            "broker.away": None in lag.values(),
            "consumer.stalled": bool(stalled),
            "outbox.old": pending["outbox_age_s"] > UNSENT_S,
            "leader.missing": time.monotonic() - self.leader.led_at > UNLED_S,
        }
        return {
            "service": self.leader.service,
            "ails": [code for code, found in ails.items() if found],
            "lag": lag,
            "stalled": stalled,
            **pending,
            "next_due_at": next_due_at.isoformat() if next_due_at else None,
            "business_time": business_time.isoformat(),
            "rehearsal": self.database.settings.rehearsal,
        }

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers a health or status request and closes."""
        code, body = 200, {}
        try:
            async with asyncio.timeout(5):
                line = await reader.readline()
            if line.startswith((b"GET /status", b"GET /health/ready")):
                async with asyncio.timeout(10):
                    body = await self.status()
                code = 200 if not body["ails"] or line.startswith(b"GET /status") else 503
            elif not line.startswith(b"GET /health/live"):
                code = 404
        except Exception as error:  # noqa: BLE001 - whatever it is, it is answered
            self.leader.telemetry.fault(f"{self.leader.service}.status", error)
            code, body = 503, {"ails": ["database.away"]}
        text = json.dumps(body).encode()
        head = f"HTTP/1.1 {code} -\r\ncontent-type: application/json\r\ncontent-length: {len(text)}"
        with suppress(OSError):
            writer.write(head.encode() + b"\r\nconnection: close\r\n\r\n" + text)
            await writer.drain()
        writer.close()
