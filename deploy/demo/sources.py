"""Each total of the main job from every place that can tell it, and whether they agree.

Nothing here asks a service for a total: topics are read from their first record, tables counted by
an auditor's eyes, the bank and the SMS provider show their own books.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any, Final

import asyncpg
import httpx

from contracts.catalogue import claims_topic, receipts_topic
from contracts.codec import decode, decode_claim
from contracts.envelope import Envelope
from deploy.demo.platform import Platform
from services.runtime.broker import read_from_start
from services.runtime.inbox import Record

TABLES: Final = {
    ("claims", "inbox"): "select count(*) from beneficiary.inbox",
    ("registered", "registry"): "select count(*) from beneficiary.persons",
    ("rejected", "inbox"): "select count(*) from beneficiary.inbox where outcome = 'rejected'",
    ("suspected", "registry"): "select count(*) from beneficiary.pairs",
    ("entitled", "entitlements"): (
        "select count(*) from benefits.entitlements where phase = 'running'"
    ),
    ("ordered", "journal"): "select count(*) from benefits.transfers where posting = 'ordered'",
    ("paid", "journal"): (
        "select count(*) filter (where posting = 'settled')"
        " - count(*) filter (where posting = 'returned') from benefits.transfers"
    ),
    ("returned", "journal"): (
        "select count(*) from benefits.transfers where posting in ('rejected', 'returned')"
    ),
    ("ordered_minor", "journal"): (
        "select coalesce(sum(amount_minor), 0) from benefits.transfers where posting = 'ordered'"
    ),
    ("paid_minor", "journal"): (
        "select coalesce(sum(amount_minor) filter (where posting = 'settled'), 0)"
        " - coalesce(sum(amount_minor) filter (where posting = 'returned'), 0)"
        " from benefits.transfers"
    ),
    ("returned_minor", "journal"): (
        "select coalesce(sum(amount_minor), 0) from benefits.transfers"
        " where posting in ('rejected', 'returned')"
    ),
    ("cases", "casework"): "select count(*) from casework.cases",
    ("messages", "outgoing"): (
        "select count(*) from notifications.messages where state <> 'queued'"
    ),
}
IN_PERSON: Final = "select count(*) from notifications.messages where state = 'failed'"
CUBE: Final = "select measure, sum(count), sum(amount_minor) from insights.cube group by measure"
CUBE_COUNTS: Final = (
    "registered",
    "suspected",
    "entitled",
    "ordered",
    "paid",
    "returned",
    "cases",
    "messages",
)
CUBE_SUMS: Final = {"ordered": "ordered_minor", "paid": "paid_minor", "returned": "returned_minor"}
FACTS: Final = {
    "beneficiary.person.registered": "registered",
    "beneficiary.duplicate.suspected": "suspected",
    "platform.event.rejected": "rejected",
    "benefits.entitlement.started": "entitled",
    "benefits.payment.ordered": "ordered",
    "casework.case.opened": "cases",
    "notifications.message.delivered": "messages",
    "notifications.message.failed": "messages",
}
FACT_TOPICS: Final = (
    "beneficiary.person.v1",
    "beneficiary.identity-review.v1",
    "benefits.application.v1",
    "benefits.entitlement.v1",
    "benefits.payment.v1",
    "casework.case.v1",
    "notifications.message.v1",
)
ORDER: Final = (
    "claims",
    "registered",
    "rejected",
    "suspected",
    "entitled",
    "ordered",
    "ordered_minor",
    "paid",
    "paid_minor",
    "returned",
    "returned_minor",
    "cases",
    "messages",
)
EQUALITIES: Final = (
    ("claims", ("registered", "rejected")),
    ("ordered", ("paid", "returned")),
    ("ordered_minor", ("paid_minor", "returned_minor")),
    ("cases", ("returned",)),
    ("messages", ("entitled",)),
)
"""The left side is the sum of the right side."""


@dataclass(slots=True)
class Totals:
    """Total → source → what that source says; and how long decisions took to reach people."""

    said: dict[str, dict[str, int]] = field(default_factory=dict)
    latencies_ms: list[float] = field(default_factory=list)
    unbalanced: int = 0
    """Journals of the bank whose debits and credits differ."""
    in_person: int = 0
    """Messages that no provider could take: somebody must be told by a person."""

    def say(self, total: str, source: str, value: int) -> None:
        """Notes what a source says."""
        self.said.setdefault(total, {})[source] = value

    def value(self, total: str) -> int:
        """The total, where all sources agree; otherwise the smallest that was said."""
        return min(self.said[total].values())

    def disagreements(self) -> list[str]:
        """What does not agree, in sentences; empty when everything does."""
        found = [
            f"{total}: " + ", ".join(f"{source} says {n}" for source, n in sources.items())
            for total, sources in self.said.items()
            if len(set(sources.values())) > 1
        ]
        found += [
            f"{total}: only one source told it" for total, s in self.said.items() if len(s) == 1
        ]
        if self.unbalanced:
            found.append(f"the bank's books: {self.unbalanced} journals do not balance")
        for left, right in EQUALITIES:
            total = sum(self.value(part) for part in right)
            if self.value(left) != total:
                found.append(f"{left} is {self.value(left)}, but {' + '.join(right)} is {total}")
        return found

    def percentile_ms(self, percent: int) -> int:
        """The n-th percentile of claim to decision message, in milliseconds."""
        if not self.latencies_ms[1:]:
            return 0
        return round(quantiles(self.latencies_ms, n=100)[percent - 1])


async def gather(platform: Platform, rows: int) -> Totals:
    """Asks every source. `rows` is how many rows the list had."""
    totals = Totals()
    totals.say("claims", "list", rows)
    await _tables(platform, totals)
    await _topics(platform, totals)
    _outside(platform, totals)
    return totals


async def _tables(platform: Platform, totals: Totals) -> None:
    connection = await asyncpg.connect(platform.instance.database_url())
    try:
        for (total, source), query in TABLES.items():
            totals.say(total, source, int(await connection.fetchval(query)))
        totals.in_person = await connection.fetchval(IN_PERSON)
        cube = {row[0]: (int(row[1]), int(row[2])) for row in await connection.fetch(CUBE)}
    finally:
        await connection.close()
    for measure in CUBE_COUNTS:
        totals.say(measure, "cube", cube.get(measure, (0, 0))[0])
    for measure, total in CUBE_SUMS.items():
        totals.say(total, "cube", cube.get(measure, (0, 0))[1])


async def _topics(platform: Platform, totals: Totals) -> None:
    region = platform.region
    owner = platform.kafka_settings("beneficiary")
    claims = [r async for r in read_from_start(owner, [claims_topic(region, "beneficiary")])]
    centre = platform.kafka_settings(f"region.{region.lower()}")
    receipts = [r async for r in read_from_start(centre, [receipts_topic(region)])]
    reader = platform.kafka_settings("insights")
    facts = [r async for r in read_from_start(reader, FACT_TOPICS)]
    totals.say("claims", "topic", len({_name(record) for record in claims}))
    ours = _from_registry(claims, receipts)
    events = _events([*ours, *facts])
    counted = Counter(FACTS.get(event.type, "") for event in events.values())
    for total in set(FACTS.values()):
        totals.say(total, "topic", counted[total])
    _payments(events.values(), totals)
    totals.latencies_ms = _latencies(claims, facts)


def _name(record: Record) -> str:
    """What makes a claim on the topic one: its id, or the record itself where it has none."""
    event = decode_claim(record.value)
    return (event.id if isinstance(event, Envelope) else event.event_id) or record.position


def _from_registry(claims: Iterable[Record], receipts: Iterable[Record]) -> list[Record]:
    """The receipts that answer these claims: a region's workers are answered on the same topic."""
    asked = {_name(record) for record in claims}
    answers = []
    for record in receipts:
        event = decode(record.value)
        if isinstance(event, Envelope) and getattr(event.data, "claim_id", None) in asked:
            answers.append(record)
    return answers


def _events(records: Iterable[Record]) -> dict[str, Envelope[Any]]:
    """Facts by id: one that was sent twice counts once."""
    decoded = (decode(record.value) for record in records)
    return {event.id: event for event in decoded if isinstance(event, Envelope)}


def _payments(events: Iterable[Envelope[Any]], totals: Totals) -> None:
    """Folds each payment's facts: a payment that came back after it was booked is returned."""
    amounts: dict[Any, int] = {}
    ends: dict[Any, str] = {}
    for event in events:
        if event.type == "benefits.payment.ordered":
            amounts[event.data.payment_id] = event.data.amount_minor
        elif event.type == "benefits.payment.returned":
            ends[event.data.payment_id] = "returned"
        elif event.type == "benefits.payment.settled":
            ends.setdefault(event.data.payment_id, "paid")
    totals.say("ordered_minor", "topic", sum(amounts.values()))
    for end in ("paid", "returned"):
        ids = [payment_id for payment_id, how in ends.items() if how == end]
        totals.say(end, "topic", len(ids))
        totals.say(f"{end}_minor", "topic", sum(amounts[payment_id] for payment_id in ids))


def _latencies(claims: Iterable[Record], facts: Iterable[Record]) -> list[float]:
    """Milliseconds from a claim's record to its decision message's, on the broker's clock."""
    sent_at = {_name(record): record.timestamp_ms for record in claims}
    took = []
    for record in facts:
        event = decode(record.value)
        if isinstance(event, Envelope) and event.type == "notifications.message.delivered":
            began = sent_at.get(event.correlationid or "")
            if began is not None:
                took.append(float(record.timestamp_ms - began))
    return took


def _outside(platform: Platform, totals: Totals) -> None:
    """The bank's books and what the SMS provider took."""
    books = httpx.get(f"{platform.url('bank')}/ledger", timeout=30).json()
    totals.unbalanced = books["unbalanced_journals"]
    figures: Mapping[str, Mapping[str, int]] = books["totals"].get("VND", {})

    def booked(name: str, unit: str) -> int:
        return figures.get(name, {}).get(unit, 0)

    for unit, suffix in (("count", ""), ("amount_minor", "_minor")):
        back = booked("returned", unit) + booked("rejected", unit)
        totals.say(f"ordered{suffix}", "bank", booked("instructed", unit))
        totals.say(f"paid{suffix}", "bank", booked("booked", unit) - booked("returned", unit))
        totals.say(f"returned{suffix}", "bank", back)
    sms = httpx.get(f"{platform.url('sms')}/count", timeout=30).json()
    totals.say("messages", "sms sink and in person", sms["messages"] + totals.in_person)
