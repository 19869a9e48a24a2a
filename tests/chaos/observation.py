"""What stands in the platform when all is quiet: every topic from its first record, every table.

Read with an auditor's eyes, past the services. What the checker needs of it is plain data, so that
stories of the checker can make their own.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg
import httpx
from pydantic import SecretStr

from contracts.catalogue import CLAIM_OWNERS, SERVICES, TOPICS, receipts_topic
from contracts.codec import digest
from deploy.demo.platform import Platform
from deploy.instance import BANK, KAFKA_ADMIN, SMS
from services.runtime.broker import read_from_start

Place = tuple[str, str]
"""A topic and a key on it."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One record of a topic, as it stands there."""

    topic: str
    key: str
    sequence: int
    id: str
    type: str
    cause: str
    region: str
    data: Mapping[str, Any]
    digest: str = ""
    at: float = 0.0
    """When the broker had it, seconds since the epoch."""

    @property
    def place(self) -> Place:
        """Whose order it keeps."""
        return self.topic, self.key


@dataclass(frozen=True, slots=True)
class Answer:
    """A row of an inbox."""

    source: str
    id: str
    digest: str
    outcome: str
    code: str | None = None


@dataclass(slots=True)
class Observation:
    """Everything that the checker looks at."""

    facts: list[Fact] = field(default_factory=list)
    """In the order of each partition; what was sent twice stands here twice."""
    answers: list[Answer] = field(default_factory=list)
    persons: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Person → (source and record, household), from the registry."""
    deployments: set[str] = field(default_factory=set)
    sequences: dict[Place, int] = field(default_factory=dict)
    """The last number given to a key, from the tables of its owner."""
    positions: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """(service, topic, key) → the last number that a reader applied."""
    copies: dict[str, dict[str, int]] = field(default_factory=dict)
    """Read model → id → how often it stands there."""
    heads: dict[str, str | None] = field(default_factory=dict)
    """Household → head, as benefits knows it."""
    cube: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    """(measure, region) → (count, amount)."""
    left: dict[str, int] = field(default_factory=dict)
    """Rows that nobody took, sent or settled."""
    payments: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Payment → (state, amount), from benefits."""
    transfers: list[tuple[str, str, int]] = field(default_factory=list)
    """(payment, posting, amount), from the journal."""
    bank: Mapping[str, Any] = field(default_factory=dict)
    """Totals of the bank's own books."""
    instructed: dict[str, int] = field(default_factory=dict)
    """Payment → how often the bank booked it."""
    messages_sent: int = 0
    """By the provider's count."""


READ_MODELS: Final = {
    "casework.people": "select person_id::text from casework.people",
    "casework.deployments": "select deployment_id::text from casework.deployments",
    "casework.cases": "select payment_id::text from casework.cases",
    "notifications.languages": "select person_id::text from notifications.languages",
    "notifications.contacts": "select person_id::text from notifications.contacts",
    "notifications.keys": "select person_id::text from notifications.keys",
    "notifications.messages": "select message_id::text from notifications.messages",
    "benefits.persons": "select id::text from benefits.persons",
    "benefits.contacts": "select person_id::text from benefits.contacts",
    "benefits.entitlements": ("select id::text from benefits.entitlements where phase = 'running'"),
    "benefits.payments": (
        "select id::text from benefits.payments p"
        " where exists (select from benefits.transfers t where t.payment_id = p.id)"
    ),
}
PERSONS: Final = "select id::text, source, record_id, household_id::text from beneficiary.persons"
DEPLOYMENTS: Final = "select deployment_id::text from workforce.deployments"
ANSWERS: Final = "select source, id, digest, outcome, code from {}.inbox"
HEADS: Final = "select id::text, head_id::text from benefits.households"
CUBE: Final = (
    "select measure, region, sum(count), sum(amount_minor) from insights.cube group by 1, 2"
)
PAYMENTS: Final = "select id::text, state, amount_minor from benefits.payments"
TRANSFERS: Final = "select payment_id::text, posting, amount_minor from benefits.transfers"
LEFT: Final = {
    "outbox": "select count(*) from {}.outbox",
    "waiting": "select count(*) from {}.waiting",
    "inbound": "select count(*) from {}.inbound where taken_at is null",
    "dead letters": "select count(*) from {}.dead_letters",
    "failed timers": "select count(*) from {}.timers where failure is not null",
}
ENTRIES_A_PAGE: Final = 10_000


async def observe(platform: Platform, services: tuple[str, ...] = SERVICES) -> Observation:
    """Reads all of it, of these services; the platform must be quiet."""
    found = Observation()
    connection = await asyncpg.connect(platform.instance.database_url())
    try:
        await _tables(connection, found, services)
    finally:
        await connection.close()
    found.facts = await _facts(platform, services)
    if "benefits" in services:
        _outside(platform, found)
    return found


async def _tables(
    connection: "asyncpg.Connection[asyncpg.Record]", found: Observation, services: tuple[str, ...]
) -> None:
    rows = await connection.fetch(PERSONS)
    found.persons = {row[0]: (f"{row[1]} {row[2]}", row[3]) for row in rows}
    found.deployments = {row[0] for row in await connection.fetch(DEPLOYMENTS)}
    for owner in CLAIM_OWNERS:
        rows = await connection.fetch(ANSWERS.format(owner))
        found.answers += [Answer(*row) for row in rows]
    for service in services:
        for topic, key, last in await connection.fetch(
            f"select topic, key, last from {service}.sequences"
        ):
            found.sequences[topic, key] = last
        for topic, key, sequence in await connection.fetch(
            f"select topic, key, sequence from {service}.positions"
        ):
            found.positions[service, topic, key] = sequence
        for what, query in LEFT.items():
            found.left[f"{service} {what}"] = await connection.fetchval(query.format(service))
    for model, query in READ_MODELS.items():
        if model.partition(".")[0] in services:
            found.copies[model] = _counted(row[0] for row in await connection.fetch(query))
    found.heads = {row[0]: row[1] for row in await connection.fetch(HEADS)}
    rows = await connection.fetch(CUBE)
    found.cube = {(row[0], row[1]): (int(row[2]), int(row[3])) for row in rows}
    rows = await connection.fetch(PAYMENTS)
    found.payments = {row[0]: (row[1], row[2]) for row in rows}
    found.transfers = [(row[0], row[1], row[2]) for row in await connection.fetch(TRANSFERS)]


def _counted(ids: Any) -> dict[str, int]:
    counts: defaultdict[str, int] = defaultdict(int)
    for one in ids:
        counts[one] += 1
    return dict(counts)


async def _facts(platform: Platform, services: tuple[str, ...]) -> list[Fact]:
    settings = platform.kafka_settings("operator").model_copy(
        update={
            "kafka_username": KAFKA_ADMIN,
            "kafka_password": SecretStr(platform.instance.credentials.kafka_admin),
        }
    )
    topics = [topic.name for topic in TOPICS if topic.owner in services]
    topics += [receipts_topic(region) for region in platform.instance.regions]
    return [
        _fact(record.topic, record.key, record.value, record.timestamp_ms / 1000)
        async for record in read_from_start(settings, topics)
        if record.value is not None
    ]


def _fact(topic: str, key: str, raw: bytes, at: float) -> Fact:
    event = json.loads(raw)
    return Fact(
        topic,
        key,
        event["sequence"],
        event["id"],
        event["type"],
        event.get("causationid", ""),
        event.get("regioncode", ""),
        event["data"],
        digest(raw),
        at,
    )


def _outside(platform: Platform, found: Observation) -> None:
    """The bank's books and the message provider's count."""
    with httpx.Client(timeout=30, trust_env=False) as web:
        books = web.get(f"{platform.url(BANK)}/ledger").json()
        found.bank = books
        after = 0
        while True:
            address = f"{platform.url(BANK)}/ledger/entries"
            entries = web.get(address, params={"after": after, "limit": ENTRIES_A_PAGE}).json()
            for entry in entries:
                if entry["kind"] == "booking" and entry["side"] == "debit":
                    one = entry["end_to_end_id"]
                    found.instructed[one] = found.instructed.get(one, 0) + 1
            if len(entries) < ENTRIES_A_PAGE:
                break
            after = entries[-1]["number"]
        found.messages_sent = web.get(f"{platform.url(SMS)}/count").json()["messages"]
