"""The heart: a batch of bytes in, exactly one effect per event out.

Decode; open one transaction; let the guard pick what is due; cut it into waves (a key's consecutive
events of one type share a wave); one handler call per type per wave; store what was decided in the
outbox; commit; send. A fault of the data splits the batch in halves down to the one record, which
is set aside with its reason. An outage escapes: the batch comes again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, assert_never
from uuid import UUID

import asyncpg

from contracts.catalogue import TOPIC_BY_NAME, Topic, region_of_topic
from contracts.codec import Event, Undecodable, decode, decode_claim
from contracts.envelope import Payload
from contracts.platform import EventAccepted, EventRejected
from contracts.values import descends, region_source, service_source
from services.runtime import inbox, outbox
from services.runtime.database import OUTAGES, Database, Transaction
from services.runtime.dead_letters import Fault, bury
from services.runtime.inbox import Answer, Read, Record, fingerprint
from services.runtime.outbox import Send, Unsent
from services.runtime.routes import (
    Accepted,
    Cause,
    Decided,
    Outcome,
    Rejected,
    Releases,
    Subscription,
    Waits,
)
from services.runtime.sealing import DeadLetterBox
from services.runtime.telemetry import Telemetry

CONTENT_FAULTS: Final = (asyncpg.DataError, asyncpg.ProgramLimitExceededError)
"""What PostgreSQL raises about a value it cannot hold: the record's fault, not the handler's."""
CLAIM_AGE: Final = timedelta(days=400)
"""Inbox rows are kept this long; an older claim could not be told from a repeated one."""
CLAIM_LEAD: Final = timedelta(days=1)
"""How far ahead of business time a centre's clock may run."""

Item = Read | Fault


@dataclass(slots=True)
class Effects:
    """What one transaction adds up to."""

    decisions: list[Decided] = field(default_factory=list)
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    waits: dict[tuple[str, str], str] = field(default_factory=dict)
    """(topic, key) → the cause its next event waits for."""
    releases: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Consumer:
    """Processes the records of one subscription; `FactConsumer` and `ClaimConsumer` say how."""

    service: str
    subscription: Subscription
    database: Database
    send: Send
    box: DeadLetterBox
    telemetry: Telemetry
    released: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when parked records may have become ready; the worker drains them."""

    async def process(self, records: Sequence[Record]) -> None:
        """Applies a batch; returns when all of it is committed, parked or set aside."""
        with self.telemetry.batch(self.subscription.group, len(records)):
            await self._apply_or_split([self._read(record) for record in records], attempts=1)

    def _read(self, record: Record) -> Item:
        event = (decode_claim if self.subscription.is_pattern else decode)(record.value)
        if isinstance(event, Undecodable):
            return Fault(record, event.code, event.path, event_id=event.event_id)
        return Read(record, event)

    async def _apply_or_split(self, items: Sequence[Item], attempts: int) -> None:
        try:
            unsent = await self._apply(items)
        except OUTAGES:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a handler raises is about these records
            self.telemetry.fault(self.subscription.group, error)
            if len(items) == 1:
                unsent = await self._set_aside(items[0], error, attempts)
                await outbox.send_inline(self.database, self.send, unsent)
                return
            middle = len(items) // 2
            await self._apply_or_split(items[:middle], attempts + 1)
            await self._apply_or_split(items[middle:], attempts + 1)
        else:
            await outbox.send_inline(self.database, self.send, unsent)

    async def _apply(self, items: Sequence[Item]) -> Unsent:
        async with self.database.transaction() as tx:
            effects = await self._effects(tx, items)
            return await self._store(tx, effects)

    async def _store(self, tx: Transaction, effects: Effects) -> Unsent:
        if effects.releases:
            await tx.connection.execute(inbox.RELEASE, effects.releases)
            self.released.set()
        return await outbox.append(tx, self.service, effects.decisions, inline=True)

    async def _effects(self, tx: Transaction, items: Sequence[Item]) -> Effects:
        raise NotImplementedError

    async def _set_aside(self, item: Item, error: Exception, attempts: int) -> Unsent:
        raise NotImplementedError

    async def _bury(self, tx: Transaction, item: Item, error: Exception, attempts: int) -> Effects:
        read = item if isinstance(item, Read) else None
        record = item.record
        code = "record.unprocessable" if isinstance(error, CONTENT_FAULTS) else "handler.failed"
        fault = Fault(record, code, "data", read=read, attempts=attempts)
        return Effects(decisions=await bury(tx, self.box, [fault]))

    async def _handle(self, tx: Transaction, wave: Sequence[Read], effects: Effects) -> None:
        """One handler call per type; types without a handler are passed over."""
        by_type: dict[type[Payload], list[Event]] = {}
        for read in wave:
            by_type.setdefault(type(read.event.data), []).append(read.event)
        reads = {(read.event.source, read.event.id): read for read in wave}
        for payload, handler in self.subscription.handlers.items():
            if payload in by_type:
                for outcome in await handler(tx, by_type[payload]):
                    self._collect(effects, outcome, reads)

    def _collect(
        self, effects: Effects, outcome: Outcome, reads: Mapping[tuple[str, str], Read]
    ) -> None:
        match outcome:
            case Decided():
                effects.decisions.append(outcome)
            case Accepted(claim, person_id):
                accept(effects, reads[claim.source, claim.id], person_id)
            case Rejected(claim, code, path):
                reject(effects, reads[claim.source, claim.id], code, path)
            case Waits(event, cause):
                effects.waits[reads[event.source, event.id].place] = cause
            case Releases(cause):
                effects.releases.append(cause)
            case _:
                assert_never(outcome)


@dataclass(slots=True)
class FactConsumer(Consumer):
    """Facts of another service, each key in its sequence."""

    async def _effects(self, tx: Transaction, items: Sequence[Item]) -> Effects:
        effects = Effects()
        reads, faults = self._trusted(items)
        effects.decisions += await bury(tx, self.box, faults)
        turns = await inbox.take_turns(tx.connection, reads, self._topic.compacted)
        applied: dict[tuple[str, str], int] = {}
        for wave in waves(turns.due):
            await self._handle(tx, [r for r in wave if r.place not in effects.waits], effects)
            for read in wave:
                if read.place not in effects.waits:
                    applied[read.place] = read.event.sequence or 0
        parked: list[tuple[Read, str | None]] = [(read, None) for read in turns.ahead]
        parked += [(r, effects.waits[r.place]) for r in turns.due if r.place in effects.waits]
        await inbox.unpark(tx.connection, [*turns.done, *turns.due])
        await inbox.park(tx.connection, parked)
        if await inbox.advance(tx.connection, turns.positions, applied):
            self.released.set()
        return effects

    @property
    def _topic(self) -> Topic:
        return TOPIC_BY_NAME[self.subscription.topic]

    def _trusted(self, items: Sequence[Item]) -> tuple[list[Read], list[Fault]]:
        """Facts of the topic's owner, numbered; everything else is a fault."""
        source = service_source(self._topic.owner)
        reads, faults = [], []
        for item in items:
            if isinstance(item, Fault):
                faults.append(item)
            elif item.event.source != source:
                faults.append(Fault(item.record, "fact.wrong_source", "source"))
            elif item.event.sequence is None:
                faults.append(Fault(item.record, "fact.no_sequence", "sequence"))
            else:
                reads.append(item)
        return reads, faults

    async def _set_aside(self, item: Item, error: Exception, attempts: int) -> Unsent:
        """A dead letter; its position stays, so later facts of its key wait."""
        async with self.database.transaction() as tx:
            return await self._store(tx, await self._bury(tx, item, error, attempts))


@dataclass(slots=True)
class ClaimConsumer(Consumer):
    """Claims of regional centres: each is answered exactly once."""

    async def _effects(self, tx: Transaction, items: Sequence[Item]) -> Effects:
        effects = Effects()
        due = await self._unanswered(tx, items, effects)
        for wave in waves(due):
            await self._handle(tx, wave, effects)
        for read in due:
            if name_of(read) not in effects.answers:
                raise LookupError(f"no handler answered a claim of type {read.event.type}")
        await inbox.unpark(tx.connection, due)
        await inbox.answer_claims(tx.connection, [*effects.answers.values()])
        await inbox.take_inbound(tx.connection, [item.record for item in items])
        return effects

    async def _unanswered(
        self, tx: Transaction, items: Sequence[Item], effects: Effects
    ) -> list[Read]:
        """The claims to handle; what is malformed, forged or out of time is answered here."""
        names = {name_of(item) for item in items} | {reused_name(item) for item in items}
        known = await inbox.known_claims(tx.connection, sorted(names))
        prints = {name: print_ for name, (print_, _) in known.items()}
        due: dict[tuple[str, str], Read] = {}
        for item in items:
            name, fault = name_of(item), self._objection(tx, item)
            print_ = fingerprint(item.record)
            if prints.setdefault(name, print_) != print_ and not item.record.parked:
                name, fault = reused_name(item), ("claim.id_reused", "id")
            if name in effects.answers or name in due or settled(known.get(name), item):
                continue
            if fault:
                reject(effects, item, *fault, name=name)
            elif isinstance(item, Read):
                due[name] = item
        return [*due.values()]

    def _objection(self, tx: Transaction, item: Item) -> tuple[str, str] | None:
        """Why a claim is refused before any handler sees it: (code, path)."""
        if isinstance(item, Fault):
            return item.code, item.path
        event, region = item.event, region_of_topic(item.record.topic)
        objections = (
            (event.source != region_source(region), "claim.wrong_source", "source"),
            (not descends(event.regioncode or "", region), "claim.wrong_region", "regioncode"),
            (event.time < tx.business_now - CLAIM_AGE, "claim.too_old", "time"),
            (event.time > tx.business_now + CLAIM_LEAD, "claim.in_future", "time"),
            (type(event.data) not in self.subscription.handlers, "event.wrong_topic", "type"),
        )
        return next(((code, path) for wrong, code, path in objections if wrong), None)

    async def _set_aside(self, item: Item, error: Exception, attempts: int) -> Unsent:
        """What PostgreSQL refuses is the claim's fault: rejected. A bug is ours: a dead letter."""
        async with self.database.transaction() as tx:
            if isinstance(error, CONTENT_FAULTS):
                effects = Effects()
                reject(effects, item, "claim.unprocessable", "data")
            else:
                effects = await self._bury(tx, item, error, attempts)
                effects.answers[name_of(item)] = answer_to(item, "pending")
            await inbox.answer_claims(tx.connection, [*effects.answers.values()])
            await inbox.take_inbound(tx.connection, [item.record])
            return await self._store(tx, effects)


def consumer_class(subscription: Subscription) -> type[Consumer]:
    """Claims come by pattern, facts by topic."""
    return ClaimConsumer if subscription.is_pattern else FactConsumer


def waves(reads: Sequence[Read]) -> list[list[Read]]:
    """Cuts a batch so that handlers see each key's events in order and each type in bulk.

    A key's consecutive events of one type share a wave, a change of type starts its next one.
    """
    last: dict[tuple[str, str], tuple[int, str]] = {}
    cut: list[list[Read]] = []
    for read in reads:
        wave, type_name = last.get(read.place, (0, read.event.type))
        wave += type_name != read.event.type
        last[read.place] = wave, read.event.type
        if wave == len(cut):
            cut.append([])
        cut[wave].append(read)
    return cut


def name_of(item: Item) -> tuple[str, str]:
    """What the guard knows a claim by: the source its topic proves, and its id or its position."""
    source = region_source(region_of_topic(item.record.topic))
    event_id = item.event.id if isinstance(item, Read) else item.event_id
    return source, event_id or f"@{item.record.position}"


def reused_name(item: Item) -> tuple[str, str]:
    """The name of a second claim that came under an id already used for other bytes."""
    source, event_id = name_of(item)
    return source, f"{event_id}#{fingerprint(item.record)[:16]}"


def settled(known: tuple[str, str] | None, item: Item) -> bool:
    """Whether a claim was answered before; a pending one is not, once an operator replays it."""
    return known is not None and not (known[1] == "pending" and item.record.parked)


def answer_to(item: Item, outcome: str, name: tuple[str, str] | None = None) -> Answer:
    """The inbox row of a claim."""
    source, event_id = name or name_of(item)
    region = region_of_topic(item.record.topic)
    return Answer(source, event_id, fingerprint(item.record), region, outcome)


def accept(effects: Effects, read: Read, person_id: UUID | None) -> None:
    """Answers a claim: it took effect."""
    answer = answer_to(read, "accepted")
    answer.person_id = person_id
    effects.answers[name_of(read)] = answer
    event = read.event
    receipt = EventAccepted(claim_id=event.id, claim_source=event.source, person_id=person_id)
    effects.decisions.append(Decided(Cause.of(event), receipt))


def reject(
    effects: Effects, item: Item, code: str, path: str, name: tuple[str, str] | None = None
) -> None:
    """Answers a claim: it had no effect, and why. The path never holds a value."""
    answer = answer_to(item, "rejected", name)
    answer.code, answer.path = code, path
    effects.answers[name or name_of(item)] = answer
    record = item.record
    claim_id = item.event.id if isinstance(item, Read) else item.event_id
    receipt = EventRejected(
        claim_id=claim_id,
        claim_source=answer.source,
        code=code,
        path=path,
        digest=answer.digest,
        position=record.position,
    )
    wire_id = claim_id or answer.digest
    cause = Cause(f"{answer.source}\x1f{answer.id}", wire_id, wire_id, answer.region)
    effects.decisions.append(Decided(cause, receipt))
