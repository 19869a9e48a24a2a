"""Consumers without a broker: records are handed to them, what they send is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from contracts.catalogue import BY_PAYLOAD, key_of, receipts_topic
from contracts.codec import Head, decode, encode_fact
from contracts.envelope import Envelope, Payload
from contracts.workforce import DeploymentStarted
from services.runtime import inbox
from services.runtime.consumer import ClaimConsumer, FactConsumer
from services.runtime.database import Database
from services.runtime.inbox import Record
from services.runtime.routes import Forget, Handler, on, on_claims
from services.runtime.sealing import DeadLetterBox
from services.runtime.settings import Settings
from services.runtime.telemetry import Telemetry
from tests.runtime.stage import TOPIC, fact

SETTINGS = Settings(dead_letter_key=SecretStr("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="))
EFFECTS = """
create table casework.effects (
    key text not null, sequence bigint not null, place bigint generated always as identity
);
create table casework.once (key text primary key);
grant select, insert, delete on casework.effects, casework.once to casework_worker;
"""
_offsets = count()

Sent = tuple[str, str, bytes | None]


def record(key: UUID | str, value: bytes | None, topic: str = TOPIC, offset: int = -1) -> Record:
    """A record as it comes from Kafka."""
    return Record(topic, 0, offset if offset >= 0 else next(_offsets), str(key), value)


def record_of(event: Envelope[Any]) -> Record:
    """A fact as its owner sends it."""
    topic, key = BY_PAYLOAD[type(event.data)].topic, key_of(event.data)
    head = Head(
        id=event.id,
        source=event.source,
        subject=key,
        time=event.time,
        causation="cause",
        correlation="correlation",
        region=event.regioncode,
        traceparent=None,
        sequence=event.sequence or 0,
    )
    return record(key, encode_fact(head, event.data), topic)


def facts(key: UUID, *sequences: int) -> list[Record]:
    """Facts of a key, in the order given."""
    return [record(key, fact(key, sequence)) for sequence in sequences]


@dataclass
class Desk:
    """A service's database, and consumers at work on it."""

    database: Database
    service: str = "casework"
    sent: list[Sent] = field(default_factory=list)

    async def send(self, records: Sequence[Sent]) -> None:
        """Keeps what is sent."""
        self.sent.extend(records)

    def facts(self, handler: Handler) -> FactConsumer:
        """A consumer of deployments."""
        return self.listening(TOPIC, DeploymentStarted, handler)

    def listening(
        self,
        topic: str,
        payload: type[Payload],
        handler: Handler,
        forget: Forget | None = None,
    ) -> FactConsumer:
        """A consumer of one type of facts."""
        subscription = on(self.service, topic, {payload: handler}, forget=forget)
        return FactConsumer(self.service, subscription, *self._means())

    def claims(
        self, handlers: Mapping[type[Payload], Handler], owner: str = "workforce"
    ) -> ClaimConsumer:
        """A consumer of claims."""
        return ClaimConsumer(owner, on_claims(owner, handlers), *self._means())

    def _means(self) -> tuple[Any, ...]:
        box, telemetry = DeadLetterBox.from_settings(SETTINGS), Telemetry(self.service, SETTINGS)
        return self.database, self.send, box, telemetry

    async def drain(self, consumer: FactConsumer | ClaimConsumer) -> int:
        """Hands over what waited and can be taken now, until nothing is left; tells how much."""
        taken = 0
        while True:
            async with self.database.pool.acquire() as connection:
                ready = await inbox.ready(connection, 500, [consumer.subscription.pattern])
            if not ready:
                return taken
            assert taken < 10_000, "the same records come for ever"
            await consumer.process(ready)
            taken += len(ready)

    async def fetch(self, sql: str, *arguments: Any) -> list[Any]:
        """Rows as the worker sees them."""
        rows: list[Any] = await self.database.pool.fetch(sql, *arguments)
        return rows

    async def applied(self, key: UUID) -> list[int]:
        """The sequences of a key that took effect, in their order."""
        sql = "select sequence from effects where key = $1 order by place"
        return [row[0] for row in await self.fetch(sql, str(key))]

    async def waiting(self, key: UUID | str) -> list[tuple[int, str | None, bool]]:
        """(sequence, cause, ready) of what waits of a key."""
        sql = "select sequence, waits_for, ready from waiting where key = $1 order by sequence"
        return [tuple(row) for row in await self.fetch(sql, str(key))]

    async def letters(self, key: UUID | str) -> list[Any]:
        """The dead letters of a key."""
        return await self.fetch("select * from dead_letters where key = $1", str(key))

    def told(self, region: str) -> list[Envelope[Any]]:
        """What was sent to a region."""
        topic = receipts_topic(region)
        events = [decode(value) for to, _, value in self.sent if to == topic]
        return [event for event in events if isinstance(event, Envelope)]
