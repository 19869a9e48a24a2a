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
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic import SecretStr

from deploy.instance import KAFKA_ADMIN
from deploy.local.plan import ROOT
from deploy.local.processes import base_environment
from deploy.local.stack import Stack
from services.runtime.broker import Publisher
from services.runtime.settings import Settings
from tests.load import machine
from tests.load.alike import CARRIED, CLAIMS
from tests.load.newcomers import Claim

SEND_BATCH = 500
PATIENCE_S = 60.0
"""No message row for so long: the pipe has lost what is missing."""
STOP_S = 60.0
LOOK_EVERY_S = 0.2
SETTLING_S = 2.0
"""The beginning of a run at a fixed rate, whose latencies are not counted."""
SCHEMAS = ("beneficiary", "benefits", "notifications")
ROWS = """
select coalesce(sum(n_tup_ins + n_tup_upd), 0)::bigint from pg_stat_user_tables
where schemaname = any($1::text[])
"""
TABLES = """
select format('%I.%I', schemaname, tablename) as name from pg_tables
where schemaname = any($1::text[])
"""
SESSIONS = """
select count(*) from pg_stat_activity
where backend_type = 'client backend' and pid <> pg_backend_pid()
"""
COMMITTED = """
select correlation_id, extract(epoch from pg_xact_commit_timestamp(xmin))::float8
from {0}notifications.messages where correlation_id = any($1::text[])
"""
MESSAGES = "select count(*) from {0}notifications.messages"
STORED: Mapping[str, tuple[int, str]] = {
    "answered claims": (1, "select count(*) from {0}beneficiary.inbox where outcome = 'accepted'"),
    "persons": (1, "select count(*) from {0}beneficiary.persons"),
    "keys of persons": (1, "select count(*) from {0}beneficiary.person_keys"),
    "statuses": (1, "select count(*) from {0}beneficiary.person_statuses"),
    "matching keys": (7, "select count(*) from {0}beneficiary.match_keys"),
    "persons with a status": (
        1,
        "select count(*) from {0}benefits.persons where jsonb_array_length(statuses) = 1",
    ),
    "households": (1, "select count(*) from {0}benefits.households"),
    "contacts for payments": (1, "select count(*) from {0}benefits.contacts"),
    "keys for payments": (1, "select count(*) from {0}benefits.person_keys"),
    "applications": (1, "select count(*) from {0}benefits.applications"),
    "decisions": (1, "select count(*) from {0}benefits.decisions where outcome = 'approved'"),
    "entitlements": (1, "select count(*) from {0}benefits.entitlements where phase = 'running'"),
    "plans of months": (1, "select count(distinct entitlement_id) from {0}benefits.terms"),
    "languages": (1, "select count(*) from {0}notifications.languages"),
    "contacts for messages": (1, "select count(*) from {0}notifications.contacts"),
    "keys for messages": (1, "select count(*) from {0}notifications.keys"),
    "messages": (1, MESSAGES),
}
"""What is counted → by how many rows it must grow a claim, in every pipe, and the statement."""


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
    log_kb: float
    """Write-ahead log per claim."""
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
        self.rows = 0
        """Inserted and updated in the last run."""
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
        """Ends the services and their sessions; what is in hand is finished."""
        for process in self._processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self._processes.values():
            await asyncio.to_thread(process.wait, STOP_S)
        self._processes.clear()
        async with asyncio.timeout(STOP_S), self.database() as database:
            while await database.fetchval(SESSIONS):
                await asyncio.sleep(LOOK_EVERY_S)

    @abstractmethod
    async def on_its_way(self) -> bool:
        """Whether anything that claims caused is still on its way."""

    @property
    @abstractmethod
    def publisher(self) -> Settings:
        """Who publishes claims."""

    schemas: str = ""
    """What stands before the names of the platform's schemas in this pipe's."""

    @property
    def topics(self) -> str:
        """What stands before the names of the platform's topics in this pipe's."""
        return ""

    @property
    def claims_topic(self) -> str:
        """Where claims are published."""
        return self.topics + CLAIMS

    @property
    def carried(self) -> Mapping[str, int]:
        """Topic → records that each claim must leave on it."""
        return {self.topics + topic: many for topic, many in CARRIED.items()}

    @abstractmethod
    async def clear(self) -> None:
        """Takes away what the next pipe would find in its way."""

    async def _rows_written(self) -> int:
        """Rows inserted and updated so far; a session tells it at the latest when it ends."""
        async with self.database() as database:
            schemas = [self.schemas + schema for schema in SCHEMAS]
            rows: int = await database.fetchval(ROWS, schemas)
        return rows

    @asynccontextmanager
    async def database(self) -> AsyncIterator[asyncpg.Connection]:
        """A session that may see everything."""
        database = await asyncpg.connect(self.stack.plan.server.url())
        try:
            yield database
        finally:
            await database.close()

    async def _put_in_order(self) -> None:
        """Vacuums, analyses, and begins a new interval of the log: no pipe finds it half done."""
        async with self.database() as database:
            schemas = [self.schemas + schema for schema in SCHEMAS]
            for row in await database.fetch(TABLES, schemas):
                await database.execute(f"vacuum (analyze) {row['name']}", timeout=120)
            await database.execute("checkpoint", timeout=120)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Started, and ended afterwards; `rows` tells then how many were written meanwhile."""
        await self.start()
        await self._put_in_order()
        before = await self._rows_written()
        try:
            yield
        finally:
            await self.stop()
            self.rows = await self._rows_written() - before
            await self.clear()


def administrator(stack: Stack) -> Settings:
    """Who may do everything on Kafka."""
    return Settings(
        kafka_bootstrap=stack.plan.cluster.bootstrap("client"),
        kafka_security="SASL_PLAINTEXT",
        kafka_username=KAFKA_ADMIN,
        kafka_password=SecretStr(stack.state.secrets.kafka_admin),
    )


async def measure(pipe: Pipe, claims: Sequence[Claim], per_second: float | None = None) -> Run:
    """Sends claims as fast as the broker takes them, or at a rate, and waits for what they cause.

    At a rate the latencies of the first two seconds are not counted, whichever pipe it is.
    """
    async with pipe.database() as database, _generator(pipe) as publisher:
        before = await _counts(pipe, database), await _offsets(pipe)
        pids = {**machine.infrastructure(pipe.stack), **pipe.pids}
        spent = machine.cpu_s(pids) | {"generator": time.process_time()}
        log = await database.fetchval("select pg_current_wal_lsn()")
        sent_at = await _feed(publisher, pipe.claims_topic, claims, per_second)
        await _arrived(pipe, database, before[0]["messages"] + len(claims))
        await _settled(pipe)
        now_spent = machine.cpu_s(pids) | {"generator": time.process_time()}
        logged = await database.fetchval("select pg_current_wal_lsn() - $1::pg_lsn", log)
        _check(pipe, len(claims), before, (await _counts(pipe, database), await _offsets(pipe)))
        rows = await database.fetch(COMMITTED.format(pipe.schemas), [*sent_at])
        arrived = {row[0]: row[1] for row in rows}
    began = min(sent_at.values())
    counted_from = began + SETTLING_S if per_second else began
    return Run(
        events=len(claims),
        seconds=max(arrived.values()) - began,
        cpu_us={name: (now_spent[name] - spent[name]) / len(claims) * 1e6 for name in spent},
        memory_mb=machine.memory_mb(pipe.pids),
        log_kb=float(logged) / len(claims) / 1000,
        latencies_ms=[
            (arrived[name] - at) * 1000 for name, at in sent_at.items() if at >= counted_from
        ],
    )


@asynccontextmanager
async def _generator(pipe: Pipe) -> AsyncIterator[Publisher]:
    """Who publishes claims, logged in and told where the topic is: no claim waits for that."""
    publisher = Publisher(pipe.publisher)
    try:
        producer = await publisher._started()
        await producer.partitions_for(pipe.claims_topic)
        for broker in producer.client.cluster.brokers():
            await producer.client.ready(broker.nodeId)
        yield publisher
    finally:
        await publisher.stop()


async def _feed(
    publisher: Publisher, topic: str, claims: Sequence[Claim], per_second: float | None
) -> dict[str, float]:
    """Publishes claims; claim id → when it was given to the client, in seconds."""
    if per_second:
        return await _feed_steadily(await publisher._started(), topic, claims, per_second)
    sent_at: dict[str, float] = {}
    for start in range(0, len(claims), SEND_BATCH):
        part = claims[start : start + SEND_BATCH]
        sent_at |= dict.fromkeys((name for name, _, _ in part), time.time())
        await publisher.send([(topic, key, raw) for _, key, raw in part])
    return sent_at


async def _feed_steadily(
    producer: AIOKafkaProducer, topic: str, claims: Sequence[Claim], per_second: float
) -> dict[str, float]:
    """Claims one by one; while a request is under way the client gathers what comes meanwhile."""
    sent_at: dict[str, float] = {}
    began, sent = time.time(), []
    for number, (name, key, raw) in enumerate(claims):
        await asyncio.sleep(max(0.0, began + number / per_second - time.time()))
        sent_at[name] = time.time()
        sent.append(await producer.send(topic, raw, key=key.encode()))
    await asyncio.gather(*sent)
    return sent_at


async def _arrived(pipe: Pipe, database: asyncpg.Connection, wanted: int) -> None:
    """Waits for message rows; a `LostError` when none comes any more."""
    have, last = -1, time.monotonic()
    while have < wanted:
        await asyncio.sleep(LOOK_EVERY_S)
        now = await database.fetchval(MESSAGES.format(pipe.schemas))
        if now != have:
            have, last = now, time.monotonic()
        if ended := pipe.ended:
            raise LostError(f"{pipe.name}: {', '.join(ended)} ended by itself")
        if time.monotonic() - last > PATIENCE_S:
            raise LostError(f"{pipe.name}: {wanted - have} messages never came")


async def _settled(pipe: Pipe) -> None:
    """Waits until nothing is on its way; a `LostError` if something stays for ever."""
    deadline = time.monotonic() + PATIENCE_S
    while await pipe.on_its_way():
        if time.monotonic() > deadline:
            raise LostError(f"{pipe.name}: all messages came, and something is still on its way")
        await asyncio.sleep(LOOK_EVERY_S)


async def _counts(pipe: Pipe, database: asyncpg.Connection) -> dict[str, int]:
    statements = {name: query.format(pipe.schemas) for name, (_, query) in STORED.items()}
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
    """A `LostError` unless each table grew by its rows a claim and each topic by its records."""
    wrong = []
    for name, (each, _) in STORED.items():
        stored = after[0][name] - before[0][name]
        if stored != each * claims:
            wrong.append(f"{stored} of {each * claims} {name}")
    for topic, each in {pipe.claims_topic: 1, **pipe.carried}.items():
        carried = after[1][topic] - before[1][topic]
        if carried != each * claims:
            wrong.append(f"{carried} of {each * claims} records on {topic}")
    if wrong:
        raise LostError(f"{pipe.name}: {', '.join(wrong)}")
