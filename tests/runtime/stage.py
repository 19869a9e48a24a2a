"""The stage of the runtime's stories: workers in this process, on real Kafka and PostgreSQL.

The service is casework, whose topics and tables are real; its handlers are the story's own. Each
story plays with keys of its own, so that none meets what another left.
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from aiokafka import AIOKafkaProducer

from contracts.casework import CaseOpened
from contracts.codec import Event, Head, decode, encode_fact
from contracts.envelope import Envelope
from contracts.values import service_source
from contracts.workforce import DeploymentStarted
from deploy.instance import Instance
from deploy.local import postgres
from deploy.local.stack import Stack
from services.runtime.broker import _credentials, read_from_start
from services.runtime.database import Transaction
from services.runtime.inbox import Record
from services.runtime.routes import Cause, Decided, Handler, Outcome, on
from services.runtime.settings import Settings
from services.runtime.worker import Running, Worker

TOPIC = "workforce.worker.v1"
PARTITIONS = 6
NOW = datetime(2026, 9, 15, 2, 30, tzinfo=UTC)
EFFECTS = """
create table if not exists casework.effects (
    key text not null, sequence bigint not null, place bigint generated always as identity
);
grant select, insert on casework.effects to casework_worker;
"""
Headers = Sequence[tuple[str, bytes | None]]


def fact(key: UUID, sequence: int, *, owner: str = "workforce", note: str = "VN-07") -> bytes:
    """The bytes of a fact of a key: the n-th."""
    payload = DeploymentStarted(
        worker_id=key,
        deployment_id=uuid4(),
        region=note,
        communities=("VN00001",),
        languages=("vi",),
        first_day=date(2026, 9, 1),
        last_day=date(2026, 12, 31),
    )
    return encode_fact(head(owner, key, sequence), payload)


def head(owner: str, key: UUID, sequence: int) -> Head:
    """The head of a fact of a service: the n-th of its key."""
    return Head(
        id=uuid4().hex,
        source=service_source(owner),
        subject=str(key),
        time=NOW,
        causation="cause",
        correlation="correlation",
        region="VN-07",
        traceparent=None,
        sequence=sequence,
    )


@dataclass
class Raw:
    """A record as a producer makes it, however odd."""

    key: bytes | None
    value: bytes | None
    partition: int = 0
    headers: Headers = ()


def raw(key: UUID, sequence: int, partition: int = 0, headers: Headers = ()) -> Raw:
    """A good fact, with whatever headers."""
    return Raw(str(key).encode(), fact(key, sequence), partition, headers)


@dataclass
class Effects:
    """A handler whose effect is a row per fact, so that a second one is seen."""

    before: Callable[[Transaction, Sequence[Event]], Awaitable[None]] | None = None
    decides: bool = False
    """Whether a case is opened for each fact, under the fact's key."""
    batches: list[list[tuple[str, int]]] = field(default_factory=list)
    """What each call was given."""

    async def on_deployed(
        self, tx: Transaction, events: Sequence[Envelope[DeploymentStarted]]
    ) -> list[Outcome]:
        """Writes a row per fact."""
        rows = [(str(event.data.worker_id), event.sequence or 0) for event in events]
        self.batches.append(rows)
        if self.before is not None:
            await self.before(tx, events)
        await tx.connection.executemany("insert into effects values ($1, $2)", rows)
        return [opened(event) for event in events] if self.decides else []


def opened(event: Envelope[DeploymentStarted]) -> Decided:
    """A fact that follows from a fact, under the same key."""
    case = CaseOpened(
        case_id=event.data.worker_id,
        person_id=event.data.worker_id,
        risk_level="none",
        contact_due_at=NOW,
        setting="community",
    )
    return Decided(Cause.of(event), case)


def worker(handler: Handler) -> Worker:
    """A casework that listens to workforce alone."""
    return Worker("casework", (on("casework", TOPIC, {DeploymentStarted: handler}),))


@dataclass
class Stage:
    """The infrastructure, and what stories ask of it."""

    instance: Instance
    admin: asyncpg.Connection

    def settings(self, service: str = "casework", **changes: Any) -> Settings:
        """What the service's worker is started with."""
        environment = self.instance.environment(service, "worker")
        named: dict[str, Any] = {
            name.removeprefix("HAMROH_").lower(): value for name, value in environment.items()
        }
        named |= {"http_port": 0, "business_time": NOW, **changes}
        return Settings(**named)

    def login(self, user: str) -> Settings:
        """Kafka as this user."""
        password = self.instance.credentials.kafka_users[user]
        return self.settings(kafka_username=user, kafka_password=password)

    @asynccontextmanager
    async def without_database(self, stack: Stack) -> AsyncIterator[None]:
        """The database killed with -9, and away until the story goes on: no restart is raced."""
        stack.kill(postgres.NAME, signal.SIGKILL)
        await asyncio.to_thread(stack.stop, postgres.NAME)
        try:
            yield
        finally:
            await asyncio.to_thread(stack.start, postgres.NAME)
            self.admin = await asyncpg.connect(self.instance.database_url())

    @asynccontextmanager
    async def running(self, worker: Worker, **changes: Any) -> AsyncIterator[Running]:
        """A started worker; stopped at the end."""
        running = await Running.start(worker, self.settings(worker.service, **changes))
        try:
            yield running
        finally:
            await running.stop()

    async def produce(self, records: Iterable[Raw], *, topic: str = TOPIC, user: str = "") -> None:
        """Sends records as they are, in one request per partition."""
        owner = user or topic.partition(".")[0]
        producer = AIOKafkaProducer(**_credentials(self.login(owner)), acks="all", linger_ms=50)
        await producer.start()
        try:
            sent = [
                await producer.send(
                    topic, r.value, r.key, partition=r.partition, headers=list(r.headers)
                )
                for r in records
            ]
            await asyncio.gather(*sent)
        finally:
            await producer.stop()

    async def applied(self, key: UUID) -> list[int]:
        """The sequences of a key that took effect, in the order in which they did."""
        rows = await self.admin.fetch(
            "select sequence from casework.effects where key = $1 order by place", str(key)
        )
        return [row[0] for row in rows]

    async def have(self, keys: Sequence[UUID], many: int) -> bool:
        """Whether that many facts of each key, or more, took effect."""
        counted = await self.admin.fetchval(
            "select count(*) from (select key from casework.effects where key = any($1)"
            " group by key having count(*) >= $2) as done",
            [str(key) for key in keys],
            many,
        )
        return bool(counted == len(set(keys)))

    async def letters(self, key: UUID | str) -> list[asyncpg.Record]:
        """The dead letters of a key, oldest first."""
        rows: list[asyncpg.Record] = await self.admin.fetch(
            "select * from casework.dead_letters where key = $1 order by created_at", str(key)
        )
        return rows

    async def records(self, topic: str, user: str = "operator") -> list[Record]:
        """Everything that stands in a topic."""
        return [record async for record in read_from_start(self.login(user), [topic])]

    async def events(self, topic: str, user: str) -> list[Event]:
        """Everything in a topic, decoded."""
        found = [decode(record.value) for record in await self.records(topic, user)]
        return [event for event in found if isinstance(event, Envelope)]


async def idle(running: Running) -> bool:
    """Whether a worker has taken everything that it is to take."""
    status = await running.status()
    return not any(lag is None or lag for lag in status["lag"].values())


async def any_of(things: Sequence[object]) -> bool:
    """Whether there is anything yet."""
    return bool(things)


async def until(look: Callable[[], Awaitable[Any]], timeout_s: float = 60) -> Any:
    """Looks until there is something; fails if it never comes."""
    deadline = time.monotonic() + timeout_s
    while not (found := await look()):
        assert time.monotonic() < deadline, "it did not happen"
        await asyncio.sleep(0.05)
    return found
