"""The heart: a batch of bytes in, exactly one effect per event out.

Decode; open one transaction; let the guard pick what is due; cut it into waves (a key's consecutive
events of one type share a wave); one handler call per type per wave; store what was decided in the
outbox; commit; send. A fault of the data splits the batch in halves down to the one record, which
is set aside with its reason. An outage escapes: the batch comes again.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final, assert_never
from uuid import UUID

import asyncpg

from contracts.catalogue import TOPIC_BY_NAME, Topic, region_of_topic
from contracts.codec import Event, Undecodable, decode, decode_claim
from contracts.envelope import Payload
from contracts.platform import EventAccepted, EventRejected
from contracts.values import descends, region_source, service_source
from services.runtime import inbox, outbox
from services.runtime.database import Database, Transaction, is_outage
from services.runtime.dead_letters import Fault, bury
from services.runtime.inbox import Answer, Read, Record, fingerprint, sequence_of
from services.runtime.outbox import Send
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

CONTENT_FAULTS: Final = (
    asyncpg.DataError,
    asyncpg.InterfaceError,
    asyncpg.ProgramLimitExceededError,
)
"""What is raised about a value PostgreSQL cannot hold: the record's fault, not the handler's."""
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
    waits: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    """(topic, key) → the first sequence that waits, and its cause; what follows waits, too."""
    releases: list[str] = field(default_factory=list)
    turned: bool = False
    """Whether parked records may have become ready."""

    def wait(self, read: Read, cause: str) -> None:
        """Holds a fact back, and what follows of its key."""
        if not self.holds(read):
            self.waits[read.place] = sequence_of(read), cause

    def holds(self, read: Read) -> bool:
        """Whether a fact, or one before it of its key, waits for a cause."""
        return read.place in self.waits and sequence_of(read) >= self.waits[read.place][0]


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
        """Halves a batch down to the record at fault."""
        try:
            await self._apply(items)
        except Exception as error:
            if is_outage(error):
                raise
            self.telemetry.fault(self.subscription.group, error)
        else:
            return
        if len(items) == 1:
            await self._apply_or_set_aside(items[0], attempts + 1)
            return
        middle = len(items) // 2
        await self._apply_or_split(items[:middle], attempts + 1)
        await self._apply_or_split(items[middle:], attempts + 1)

    async def _apply_or_set_aside(self, item: Item, attempts: int) -> None:
        """A last try alone: what failed may be that another process applied it meanwhile."""
        try:
            await self._apply([item])
        except Exception as error:
            if is_outage(error):
                raise
            give_up = partial(self._set_aside, item=item, error=error, attempts=attempts)
            await self._commit(give_up)

    async def _apply(self, items: Sequence[Item]) -> None:
        await self._commit(partial(self._effects, items=items))

    async def _commit(self, decide: Callable[[Transaction], Awaitable[Effects]]) -> None:
        """Stores effects in one transaction; wakes who waits and sends, after the commit."""
        async with self.database.transaction() as tx:
            effects = await decide(tx)
            if effects.releases:
                await tx.connection.execute(inbox.LOCK_TO_RELEASE)
                await tx.connection.execute(inbox.RELEASE, effects.releases)
            unsent = await outbox.append(tx, self.service, effects.decisions, inline=True)
        if effects.releases or effects.turned:
            self.released.set()
        self._tell(effects)
        await outbox.send_inline(self.database, self.send, unsent)

    def _tell(self, effects: Effects) -> None:
        facts = Counter(decision.payload.type_name for decision in effects.decisions)
        for type_name, many in facts.items():
            self.telemetry.record("decision.facts", many, type=type_name)
        codes = Counter(answer.code for answer in effects.answers.values() if answer.code)
        for code, many in codes.items():
            self.telemetry.record("rejection.claims", many, code=code)

    async def _effects(self, tx: Transaction, items: Sequence[Item]) -> Effects:
        raise NotImplementedError

    async def _set_aside(
        self, tx: Transaction, item: Item, error: Exception, attempts: int
    ) -> Effects:
        """A dead letter, published with its digest and no content."""
        code = "record.unprocessable" if isinstance(error, CONTENT_FAULTS) else "handler.failed"
        read = item if isinstance(item, Read) else None
        fault = Fault(item.record, code, "data", read=read, attempts=attempts)
        await inbox.unpark(tx.connection, [item.record])
        return Effects(decisions=await bury(tx, self.box, [fault]))

    async def _handle(self, tx: Transaction, reads: Sequence[Read], effects: Effects) -> None:
        """One handler call per type; types without a handler are passed over."""
        by_type: dict[type[Payload], list[Event]] = {}
        for read in reads:
            by_type.setdefault(type(read.event.data), []).append(read.event)
        names = {(read.event.source, read.event.id): read for read in reads}
        for payload, handler in self.subscription.handlers.items():
            if payload in by_type:
                outcomes = await handler(tx, by_type[payload])
                for outcome in outcomes:
                    self._collect(effects, outcome, names)
                waiting = {(o.event.source, o.event.id) for o in outcomes if isinstance(o, Waits)}
                for event in by_type[payload]:
                    name = event.source, event.id
                    if effects.holds(names[name]) and name not in waiting:
                        raise LookupError("it took a fact whose predecessor of the same key waits")

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
                effects.wait(reads[event.source, event.id], cause)
            case Releases(cause):
                effects.releases.append(cause)
            case _:
                assert_never(outcome)


@dataclass(slots=True)
class FactConsumer(Consumer):
    """Facts of another service, each key in its sequence.

    One that cannot be handled keeps its place: later facts of its key wait for its settlement.
    """

    async def _effects(self, tx: Transaction, items: Sequence[Item]) -> Effects:
        effects = Effects()
        reads, faults = self._trusted(items)
        effects.decisions += await bury(tx, self.box, faults)
        turns = await inbox.take_turns(tx.connection, reads, self._topic.compacted)
        applied: dict[tuple[str, str], int] = {}
        for wave in waves(turns.due):
            await self._apply_wave(tx, [r for r in wave if not effects.holds(r)], effects)
            applied |= {r.place: sequence_of(r) for r in wave if not effects.holds(r)}
        held = [read for read in turns.due if effects.holds(read)]
        parked: list[tuple[Read, str | None]] = [(read, None) for read in turns.ahead]
        parked += [(read, effects.waits[read.place][1]) for read in held]
        await inbox.park(tx.connection, turns.positions, parked)
        await inbox.unpark(
            tx.connection, [item.record for item in items], [read.record for read, _ in parked]
        )
        effects.turned = await inbox.advance(tx.connection, turns.positions, applied)
        return effects

    async def _apply_wave(self, tx: Transaction, wave: Sequence[Read], effects: Effects) -> None:
        """Handles a wave; who has to wait is asked again once nobody else can release.

        Otherwise a cause that comes between the look and the commit would find nobody waiting.
        """
        known = dict(effects.waits)
        await self._handle(tx, wave, effects)
        if waiting := [read for read in wave if effects.holds(read)]:
            await tx.connection.execute(inbox.LOCK_TO_WAIT)
            effects.waits = known
            await self._handle(tx, waiting, effects)

    @property
    def _topic(self) -> Topic:
        return TOPIC_BY_NAME[self.subscription.topic]

    def _trusted(self, items: Sequence[Item]) -> tuple[list[Read], list[Fault]]:
        """Facts of the topic's owner, numbered; everything else is a fault.

        The end of a key on a compacted topic is no fact and no fault.
        """
        source = service_source(self._topic.owner)
        reads, faults = [], []
        for item in items:
            if isinstance(item, Fault):
                if item.record.value is not None or not self._topic.compacted:
                    faults.append(item)
            elif item.event.source != source:
                faults.append(Fault(item.record, "fact.wrong_source", "source"))
            elif item.event.sequence is None:
                faults.append(Fault(item.record, "fact.no_sequence", "sequence"))
            else:
                reads.append(item)
        return reads, faults


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
        await self._note(tx, effects, items)
        return effects

    async def _note(self, tx: Transaction, effects: Effects, items: Sequence[Item]) -> None:
        records = [item.record for item in items]
        await inbox.unpark(tx.connection, records)
        await inbox.answer_claims(tx.connection, [*effects.answers.values()])
        await inbox.take_inbound(tx.connection, records)

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

    async def _set_aside(
        self, tx: Transaction, item: Item, error: Exception, attempts: int
    ) -> Effects:
        """What PostgreSQL refuses is the claim's fault: rejected. A bug is ours: a dead letter."""
        if isinstance(error, CONTENT_FAULTS):
            effects = Effects()
            reject(effects, item, "claim.unprocessable", "data")
        else:
            effects = await super(ClaimConsumer, self)._set_aside(tx, item, error, attempts)
            effects.answers[name_of(item)] = answer_to(item, "pending")
        await self._note(tx, effects, [item])
        return effects


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


def note(effects: Effects, name: tuple[str, str], answer: Answer) -> None:
    """Adds an answer; a `LookupError` if the claim has one already."""
    if effects.answers.setdefault(name, answer) is not answer:
        raise LookupError("a claim was answered twice")


def accept(effects: Effects, read: Read, person_id: UUID | None) -> None:
    """Answers a claim: it took effect."""
    answer = answer_to(read, "accepted")
    answer.person_id = person_id
    note(effects, name_of(read), answer)
    event = read.event
    receipt = EventAccepted(claim_id=event.id, claim_source=event.source, person_id=person_id)
    effects.decisions.append(Decided(Cause.of(event), receipt))


def reject(
    effects: Effects, item: Item, code: str, path: str, name: tuple[str, str] | None = None
) -> None:
    """Answers a claim: it had no effect, and why. The path never holds a value."""
    answer = answer_to(item, "rejected", name)
    answer.code, answer.path = code, path
    note(effects, name or name_of(item), answer)
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
