"""What the benchmark needs of a pipe, and one measured run through it."""

import asyncio
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import SecretStr

from deploy.instance import KAFKA_ADMIN
from deploy.local.plan import ROOT
from deploy.local.processes import base_environment
from deploy.local.stack import Stack
from services.runtime.broker import Publisher
from services.runtime.settings import Settings
from tests.load import machine
from tests.load.newcomers import Claim

SEND_BATCH = 500
PATIENCE_S = 60.0
"""No message row for so long: the pipe has lost what is missing."""
STOP_S = 60.0
LOOK_EVERY_S = 0.2


class LostError(Exception):
    """A pipe did not carry what it was given; the message says what is missing where."""


@dataclass(slots=True)
class Run:
    """One run: how many claims, how fast, at what cost."""

    events: int
    seconds: float
    """From the first publish to the commit of the last message row."""
    cpu_us: dict[str, float]
    """Process → CPU microseconds per claim, until nothing was on its way any more."""
    memory_mb: dict[str, float]
    latencies_ms: list[float] = field(default_factory=list)

    @property
    def events_s(self) -> float:
        return self.events / self.seconds

    @property
    def total_us(self) -> float:
        return sum(self.cpu_us.values())


class Pipe(ABC):
    """Three services between a topic of claims and a table of messages."""

    name: str

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def pids(self) -> dict[str, int]:
        """Service → process, while they run."""
        return {name: process.pid for name, process in self._processes.items()}

    @abstractmethod
    async def start(self) -> None:
        """Starts the services; returns when they take claims."""

    @property
    def ended(self) -> list[str]:
        """Services that should run and do not."""
        return [name for name, one in self._processes.items() if one.poll() is not None]

    def spawn(self, service: str, command: Sequence[str], settings: dict[str, str]) -> None:
        """Starts one service as a process of its own: `python -m` and the command."""
        with self.stack.log(f"load-{self.name}-{service}").open("ab") as log:
            self._processes[service] = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env=base_environment() | settings,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    async def stop(self) -> None:
        """Ends the services; what is in hand is finished."""
        for process in self._processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self._processes.values():
            await asyncio.to_thread(process.wait, STOP_S)
        self._processes.clear()

    @abstractmethod
    async def on_its_way(self) -> bool:
        """Whether anything that claims caused is still on its way."""

    @property
    @abstractmethod
    def claims_topic(self) -> str:
        """Where claims are published."""

    @property
    @abstractmethod
    def carried(self) -> Mapping[str, int]:
        """Topic → records that each claim must leave on it."""

    @property
    @abstractmethod
    def publisher(self) -> Settings:
        """Who publishes claims."""

    count: str
    """Counts message rows."""
    committed: str
    """(claim id, when its message row was committed, in seconds) of claims $1."""
    stored: Mapping[str, str]
    """What is counted → the statement; each must grow by one a claim."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Started, and ended afterwards."""
        await self.start()
        try:
            yield
        finally:
            await self.stop()


def administrator(stack: Stack) -> Settings:
    """Who may do everything on Kafka."""
    return Settings(
        kafka_bootstrap=stack.plan.cluster.bootstrap("client"),
        kafka_security="SASL_PLAINTEXT",
        kafka_username=KAFKA_ADMIN,
        kafka_password=SecretStr(stack.state.secrets.kafka_admin),
    )


async def measure(pipe: Pipe, claims: Sequence[Claim], per_second: float | None = None) -> Run:
    """Sends claims as fast as the broker takes them, or at a rate, and waits for all messages."""
    database = await asyncpg.connect(pipe.stack.plan.server.url())
    try:
        before = await _counts(pipe, database), await _offsets(pipe)
        pids = {**machine.infrastructure(pipe.stack), **pipe.pids}
        spent = machine.cpu_s(pids) | {"generator": time.process_time()}
        sent_at = await _feed(pipe.publisher, pipe.claims_topic, claims, per_second)
        await _arrived(pipe, database, before[0]["messages"] + len(claims))
        while await pipe.on_its_way():
            await asyncio.sleep(LOOK_EVERY_S)
        now_spent = machine.cpu_s(pids) | {"generator": time.process_time()}
        after = await _counts(pipe, database), await _offsets(pipe)
        _check(pipe, len(claims), before, after)
        rows = await database.fetch(pipe.committed, [*sent_at])
        arrived = {row[0]: row[1] for row in rows}
    finally:
        await database.close()
    return Run(
        events=len(claims),
        seconds=max(arrived.values()) - min(sent_at.values()),
        cpu_us={name: (now_spent[name] - spent[name]) / len(claims) * 1e6 for name in spent},
        memory_mb=machine.memory_mb(pipe.pids),
        latencies_ms=[(arrived[name] - at) * 1000 for name, at in sent_at.items()],
    )


async def _feed(
    settings: Settings, topic: str, claims: Sequence[Claim], per_second: float | None
) -> dict[str, float]:
    """Publishes claims; claim id → when it was given to the client, in seconds."""
    publisher = Publisher(settings)
    sent_at: dict[str, float] = {}
    step = 1 if per_second else SEND_BATCH
    began, sending = time.time(), set()
    try:
        for start in range(0, len(claims), step):
            part = claims[start : start + step]
            if per_second:
                await asyncio.sleep(max(0.0, began + start / per_second - time.time()))
            sent_at |= dict.fromkeys((name for name, _, _ in part), time.time())
            records = [(topic, key, raw) for _, key, raw in part]
            if not per_second:
                await publisher.send(records)
                continue
            sending.add(task := asyncio.create_task(publisher.send(records)))
            task.add_done_callback(sending.discard)
        await asyncio.gather(*sending)
    finally:
        await publisher.stop()
    return sent_at


async def _arrived(pipe: Pipe, database: asyncpg.Connection, wanted: int) -> None:
    """Waits for message rows; a `LostError` when none comes any more."""
    have, last = -1, time.monotonic()
    while have < wanted:
        await asyncio.sleep(LOOK_EVERY_S)
        now = await database.fetchval(pipe.count)
        if now != have:
            have, last = now, time.monotonic()
        if ended := pipe.ended:
            raise LostError(f"{pipe.name}: {', '.join(ended)} ended by itself")
        if time.monotonic() - last > PATIENCE_S:
            raise LostError(f"{pipe.name}: {wanted - have} messages never came")


async def _counts(pipe: Pipe, database: asyncpg.Connection) -> dict[str, int]:
    statements = {**pipe.stored, "messages": pipe.count}
    return {name: await database.fetchval(query) for name, query in statements.items()}


async def _offsets(pipe: Pipe) -> dict[str, int]:
    """Topic → records ever written on it."""
    settings = administrator(pipe.stack)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap,
        security_protocol=settings.kafka_security,
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=settings.kafka_username,
        sasl_plain_password=settings.kafka_password.get_secret_value(),
    )
    await consumer.start()
    try:
        wanted = {pipe.claims_topic, *pipe.carried}
        await consumer._client.force_metadata_update()
        await consumer._client.set_topics(wanted)
        places = [
            TopicPartition(topic, number)
            for topic in wanted
            for number in consumer.partitions_for_topic(topic) or ()
        ]
        ends = await consumer.end_offsets(places)
    finally:
        await consumer.stop()
    return {
        topic: sum(at for place, at in ends.items() if place.topic == topic) for topic in wanted
    }


Counted = tuple[dict[str, int], dict[str, int]]


def _check(pipe: Pipe, claims: int, before: Counted, after: Counted) -> None:
    """A `LostError` unless each table grew by a row a claim and each topic by its records."""
    wrong = [
        f"{after[0][name] - before[0][name]} {name} of {claims}"
        for name in after[0]
        if after[0][name] - before[0][name] != claims
    ]
    for topic, each in {pipe.claims_topic: 1, **pipe.carried}.items():
        carried = after[1][topic] - before[1][topic]
        if carried != each * claims:
            wrong.append(f"{carried} of {each * claims} records on {topic}")
    if wrong:
        raise LostError(f"{pipe.name}: {', '.join(wrong)}")
