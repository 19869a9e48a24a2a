"""Kafka, and every option of it that matters: the only place that touches FastStream and aiokafka.

FastStream's defaults lose messages (ADR 2). Here records are taken as bytes, headers never read,
offsets committed only after the database, partitions sought back by us after an outage.
"""

import asyncio
import ssl
import time
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import chain
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.security import BaseSecurity, SASLScram512

from services.runtime.database import OutageError, backoff_s
from services.runtime.inbox import Record
from services.runtime.outbox import by_topic
from services.runtime.progress import Progress
from services.runtime.routes import Subscription
from services.runtime.settings import Settings
from services.runtime.telemetry import Telemetry

POLL_MS: Final = 1000
CLAIMS_EVERY_S: Final = 0.02
"""Claims are taken at the earliest so long after those before. They are the door: what comes in by
larger batches goes on in larger ones, costs less and arrives sooner (ADR 12)."""
FETCH_BYTES: Final = 262_144
"""Of one partition at once. What is fetched is handed out partition by partition, and more comes
only behind it: a topic's backlog must not go far ahead of the topics that its facts refer to."""
SEND_TIMEOUT_S: Final = 30.0
STUCK_S: Final = 30.0
"""Records of a partition waiting and none taken for so long: the consumer is rebuilt."""
COMMIT_EVERY_S: Final = 1.0
WATCH_EVERY_S: Final = 5.0
Process = Callable[[Sequence[Record]], Awaitable[None]]


def make_broker(settings: Settings) -> KafkaBroker:
    """The FastStream broker: it consumes; what is published goes through `Publisher`."""
    return KafkaBroker(
        settings.kafka_bootstrap.split(","),
        security=_security(settings),
        client_id=settings.kafka_username,
        consumer_only=True,
        allow_auto_create_topics=False,
        metadata_max_age_ms=5000,  # the default leaves a new region's topic unseen for minutes
        graceful_timeout=10.0,
        ack_policy=AckPolicy.MANUAL,
        apply_types=False,
        logger=None,
    )


def _ssl_context(settings: Settings) -> ssl.SSLContext | None:
    encrypted = settings.kafka_security.endswith("SSL")
    return ssl.create_default_context(cafile=settings.kafka_ca_file) if encrypted else None


def _security(settings: Settings) -> BaseSecurity | None:
    if settings.kafka_security == "PLAINTEXT":
        return None
    context = _ssl_context(settings)
    return SASLScram512(
        username=settings.kafka_username,
        password=settings.kafka_password.get_secret_value(),
        ssl_context=context,
        use_ssl=context is not None,
    )


def make_producer(settings: Settings) -> AIOKafkaProducer:
    """An idempotent producer that waits for all replicas."""
    return AIOKafkaProducer(
        **_credentials(settings),
        acks="all",
        enable_idempotence=True,
        max_batch_size=262_144,
        max_request_size=1_048_576,
        request_timeout_ms=20_000,
        metadata_max_age_ms=30_000,
    )


class Publisher:
    """Sends records and waits until the broker has them; rebuilt after any error."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def send(self, records: Sequence[tuple[str, str, bytes | None]]) -> None:
        """Sends (topic, key, bytes) in order per key; an `OutageError` if any is not confirmed."""
        producer = None
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                producer = await self._started()
                await asyncio.gather(*await self._enqueue(producer, records))
        except (KafkaError, OSError, TimeoutError) as error:
            await self._discard(producer)  # it may be wedged after an indefinite error
            raise OutageError(f"the broker did not take records: {type(error).__name__}") from error

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = make_producer(self._settings)
                try:
                    await producer.start()
                except BaseException:
                    await _end(producer)
                    raise
                self._producer = producer
            return self._producer

    async def _discard(self, producer: AIOKafkaProducer | None) -> None:
        """Ends a producer; the next send makes a new one. Others may have discarded it before."""
        if producer is not None and producer is self._producer:
            self._producer = None
            await _end(producer)

    async def stop(self) -> None:
        """Sends what was given and closes."""
        if self._producer is not None:
            with suppress(Exception):
                async with asyncio.timeout(10):
                    await self._producer.flush()
        await self._discard(self._producer)

    async def _enqueue(
        self, producer: AIOKafkaProducer, records: Sequence[tuple[str, str, bytes | None]]
    ) -> list[Awaitable[Any]]:
        sent: list[Awaitable[Any]] = []
        for topic, entries in by_topic(records).items():
            partitions = sorted(await producer.partitions_for(topic))
            batches: dict[int, Any] = {}
            for key, value in entries:
                raw = key.encode()
                partition = partitions[zlib.crc32(raw) % len(partitions)]
                batch = batches.get(partition) or producer.create_batch()
                if batch.append(key=raw, value=value, timestamp=None) is None:
                    sent.append(await producer.send_batch(batch, topic, partition=partition))
                    batch = producer.create_batch()
                    batch.append(key=raw, value=value, timestamp=None)
                batches[partition] = batch
            sent += [await producer.send_batch(b, topic, partition=p) for p, b in batches.items()]
        return sent


async def _end(producer: AIOKafkaProducer) -> None:
    """Ends a producer and forgets what it has in hand: that stands in the outbox.

    Its own `stop` waits for deliveries that may never come and, cancelled, leaves tasks behind.
    """
    for close in (producer._sender.close, producer.client.close):  # noqa: SLF001 - see above
        with suppress(Exception):
            async with asyncio.timeout(5):
                await close()
    producer._closed = True  # noqa: SLF001 - or it complains when it is collected


class Intake:
    """One subscription: takes batches, commits offsets after them, knows whether it progresses."""

    def __init__(
        self,
        broker: KafkaBroker,
        subscription: Subscription,
        process: Process,
        settings: Settings,
        telemetry: Telemetry,
    ) -> None:
        self.subscription = subscription
        self._process = process
        self._telemetry = telemetry
        self._done: dict[TopicPartition, int] = {}
        self._failures = 0
        self._alive = True
        self._pause_s = CLAIMS_EVERY_S if subscription.is_pattern else 0.0
        self._taken_at = 0.0
        self.progress = Progress(subscription.topics)
        self._ending: set[asyncio.Task[None]] = set()
        self._subscriber: Any = broker.subscriber(
            *subscription.topics,
            pattern=subscription.pattern if subscription.is_pattern else None,
            group_id=subscription.group,
            batch=True,
            max_records=settings.batch_claims if subscription.is_pattern else settings.batch_facts,
            max_partition_fetch_bytes=FETCH_BYTES,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            parser=self._parse,
            decoder=self._decode,
            max_poll_interval_ms=600_000,
            session_timeout_ms=15_000,
            include_in_schema=False,
        )
        self._subscriber(self._consume)
        self._subscriber.get_msg = self._take  # type: ignore[method-assign]

    async def start(self) -> None:
        """Joins the group; returns with its first partitions."""
        await self._subscriber.start()
        self.progress.start()

    async def _take(self, consumer: AIOKafkaConsumer) -> tuple[ConsumerRecord[bytes, bytes], ...]:
        """In place of FastStream's, which sleeps after an empty poll for as long again."""
        if (wait_s := self._taken_at + self._pause_s - time.monotonic()) > 0:
            await asyncio.sleep(wait_s)
        found = await consumer.getmany(timeout_ms=POLL_MS, max_records=self._subscriber.max_records)
        self._taken_at = time.monotonic()
        return tuple(chain.from_iterable(found.values()))

    async def _parse(self, raw: tuple[ConsumerRecord[bytes, bytes], ...]) -> KafkaMessage:
        """Never raises, whatever the headers hold: they are not looked at."""
        return KafkaMessage(body=b"", raw_message=raw, consumer=self._subscriber.consumer)

    async def _decode(self, message: KafkaMessage) -> list[Record]:
        return [_record(raw) for raw in message.raw_message]

    async def _consume(self, records: list[Record]) -> None:
        with self.progress.batch(record.topic for record in records):
            try:
                await self._process(records)
            except Exception as error:  # noqa: BLE001 - whatever it is, no record is stepped over
                await self._back(records, error)
                return
            self._failures = 0
            self.progress.applied()
            self._done |= {TopicPartition(r.topic, r.partition): r.offset + 1 for r in records}

    async def _back(self, records: list[Record], error: Exception) -> None:
        """Seeks every partition of the batch to its first record and waits a while."""
        self._telemetry.fault(self.subscription.group, error)
        first = {TopicPartition(r.topic, r.partition): r.offset for r in reversed(records)}
        consumer = self._subscriber.consumer
        for place, offset in first.items():
            if consumer is not None and place in consumer.assignment():
                consumer.seek(place, offset)
        await asyncio.sleep(backoff_s(self._failures))
        self._failures += 1

    async def commit(self) -> None:
        """Commits what was applied. A failed commit costs a redelivery, which the guard ignores."""
        consumer = self._subscriber.consumer
        if consumer is None or not self._done:
            return
        assigned = consumer.assignment()
        done = {place: at for place, at in self._done.items() if place in assigned}
        if done:
            async with asyncio.timeout(10):
                await consumer.commit(done)
        self._done = {p: at for p, at in self._done.items() if p in assigned and at != done.get(p)}

    async def lag(self) -> dict[str, int] | None:
        """Topic → records not yet taken or in hand; None if the broker does not say."""
        consumer = self._subscriber.consumer
        if consumer is None or not self._alive:
            return None
        try:
            async with asyncio.timeout(5):
                places = list(consumer.assignment())
                ends = await consumer.end_offsets(places) if places else {}
                at = {place: await consumer.position(place) for place in places}
        except (KafkaError, OSError, TimeoutError):
            return None
        return self.progress.lag(at, ends)

    async def watch(self) -> None:
        """Rebuilds a consumer that takes nothing of a partition, or that never started."""
        group = self.subscription.group
        for topic, many in (await self.lag() or {}).items():
            self._telemetry.record("lag.records", many, group=group, topic=topic)
        if not self._alive or self.progress.stuck_s > STUCK_S:
            self._telemetry.rebuilt(group)
            await self.rebuild()

    async def rebuild(self) -> None:
        """Ends the consumer and starts a new one from the committed offsets."""
        self._alive = False
        consumer, self._subscriber.consumer = self._subscriber.consumer, None
        await self._subscriber.stop()
        self._done.clear()
        if consumer is not None:
            # It may wait for an answer that never comes; cancelled it would stay in the group.
            ending = asyncio.create_task(consumer.stop())
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
            await asyncio.wait([ending], timeout=10)
        async with asyncio.timeout(60):
            await self.start()
        self._alive = True

    async def run(self) -> None:
        """Commits offsets and watches progress until cancelled."""
        next_watch = time.monotonic() + WATCH_EVERY_S
        while True:
            await asyncio.sleep(COMMIT_EVERY_S)
            try:
                await self.commit()
                if time.monotonic() >= next_watch:
                    next_watch = time.monotonic() + WATCH_EVERY_S
                    await self.watch()
            except Exception as error:  # noqa: BLE001 - nobody would start it again
                self._telemetry.fault(self.subscription.group, error)

    async def stop(self) -> None:
        """Finishes the batch in hand, commits it and leaves the group."""
        self._subscriber.running = False
        with suppress(Exception):
            async with asyncio.timeout(10):
                while self.progress.in_hand:  # noqa: ASYNC110 - it ends in its own time, or not
                    await asyncio.sleep(0.01)
                await self.commit()
        with suppress(Exception):
            async with asyncio.timeout(15):
                await self._subscriber.stop()


def _text(key: bytes | None) -> str:
    """A record's key as text; one that is none of ours keeps its place under its bytes in hex."""
    text = (key or b"").decode(errors="replace")
    ours = text.isprintable() and "\ufffd" not in text
    return (text if ours else (key or b"").hex())[:200]


def _credentials(settings: Settings) -> dict[str, Any]:
    """How a plain aiokafka client logs in."""
    secured = settings.kafka_security != "PLAINTEXT"
    return {
        "bootstrap_servers": settings.kafka_bootstrap.split(","),
        "client_id": settings.kafka_username,
        "security_protocol": settings.kafka_security,
        "sasl_mechanism": "SCRAM-SHA-512" if secured else "PLAIN",
        "sasl_plain_username": settings.kafka_username if secured else None,
        "sasl_plain_password": settings.kafka_password.get_secret_value() if secured else None,
        "ssl_context": _ssl_context(settings),
    }


@asynccontextmanager
async def reader(
    settings: Settings, topics: Sequence[str]
) -> AsyncIterator[tuple[AIOKafkaConsumer, list[TopicPartition]]]:
    """A consumer of some topics from their first record; joins no group, commits nothing."""
    consumer = AIOKafkaConsumer(
        *topics,
        **_credentials(settings),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    try:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await consumer.start()
            while {place.topic for place in consumer.assignment()} != set(topics):  # noqa: ASYNC110 - aiokafka offers no event
                await asyncio.sleep(0.05)
        yield consumer, sorted(consumer.assignment())
    except (KafkaError, TimeoutError) as error:
        raise OutageError(f"not every topic of {', '.join(topics)} can be read") from error
    finally:
        await consumer.stop()


async def read_from_start(
    settings: Settings, topics: Sequence[str]
) -> AsyncGenerator[Record, None]:
    """Every record from the first to what is the last now: for audits, totals, projections."""
    async with reader(settings, topics) as (consumer, places):
        ends = await consumer.end_offsets(places)
        unread = {place for place in places if await consumer.position(place) < ends[place]}
        while unread:
            for place, rows in (await consumer.getmany(*unread, timeout_ms=1000)).items():
                for row in rows:
                    yield _record(row)
                if await consumer.position(place) >= ends[place]:
                    unread.discard(place)


async def follow(settings: Settings, topics: Sequence[str]) -> AsyncGenerator[list[Record], None]:
    """Batches from the first record on, for ever; an empty one whenever a second brings nothing."""
    async with reader(settings, topics) as (consumer, _):
        while True:
            found = await consumer.getmany(timeout_ms=1000)
            yield [_record(row) for rows in found.values() for row in rows]


def _record(raw: ConsumerRecord[bytes, bytes]) -> Record:
    return Record(
        raw.topic, raw.partition, raw.offset, _text(raw.key), raw.value, timestamp_ms=raw.timestamp
    )
