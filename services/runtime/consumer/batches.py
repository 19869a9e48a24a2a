"""A batch is applied whole, or halved down to the record at fault."""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, assert_never

import asyncpg

from contracts.codec import Undecodable, decode, decode_claim
from contracts.envelope import Payload
from services.runtime import inbox, outbox
from services.runtime.consumer.effects import Effects, Item, accept, reject
from services.runtime.database import Database, Transaction, is_outage
from services.runtime.dead_letters import Fault, bury
from services.runtime.inbox import Read, Record
from services.runtime.outbox import Send, Sender
from services.runtime.routes import (
    Accepted,
    Cause,
    Decided,
    Handler,
    Outcome,
    Rejected,
    Releases,
    Subscription,
    Waits,
)
from services.runtime.sealing import DeadLetterBox
from services.runtime.telemetry import Telemetry
from services.runtime.tracing import INTAKE, Tally, context_of, traceparent

CONTENT_FAULTS: Final = (asyncpg.DataError, asyncpg.ProgramLimitExceededError)
"""What is raised about a value PostgreSQL cannot hold: the record's fault, not the handler's."""


@dataclass(slots=True)
class Consumer(ABC):
    """Processes the records of one subscription; `FactConsumer` and `ClaimConsumer` say how."""

    service: str
    subscription: Subscription
    database: Database
    send: Send
    box: DeadLetterBox
    telemetry: Telemetry
    released: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when parked records may have become ready; the worker drains them."""
    leading: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while this process leads its service."""
    _sender: Sender = field(init=False)

    def __post_init__(self) -> None:
        self._sender = Sender(self.database, self.send)

    async def process(self, records: Sequence[Record]) -> None:
        """Applies a batch; returns when what follows from it has been sent, too."""
        await self.take(records)
        await self.settled()

    async def take(self, records: Sequence[Record]) -> None:
        """Applies a batch; returns when all of it is committed, parked or set aside.

        What follows from it leaves while the next batch is taken; an `OutageError` if that of the
        batch before could not.
        """
        with self.telemetry.batch(self.subscription.group, len(records)) as span:
            items = [self._read(record) for record in records]
            if span.is_recording():  # the library keeps the first hundred or so
                for read in (item for item in items if isinstance(item, Read)):
                    span.add_link(context_of(read.event.traceparent))
            await self._apply_or_split(items, attempts=1)

    async def settled(self) -> None:
        """Waits until what was decided has been sent; an `OutageError` if it was not."""
        await self._sender.settled()

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
                effects.turned |= await inbox.release(tx.connection, effects.releases)
            unsent = await outbox.append(
                tx, self.service, effects.decisions, inline=True, leads=self.leading.is_set()
            )
        if effects.turned:
            self.released.set()
        self._tell(tx.tally, effects)
        await self._sender.after_commit(unsent)

    def _tell(self, tally: Tally, effects: Effects) -> None:
        if (share := self.database.settings.traced_share) is not None:
            for read in effects.taken:
                if type(read.event.data) in self.subscription.handlers:
                    self._describe(tally, read, share)
        self.telemetry.told(tally, self.subscription.group)
        codes = Counter(answer.code for answer in effects.answers.values() if answer.code)
        for code, many in codes.items():
            self.telemetry.record("rejection.claims", many, code=code)

    def _describe(self, tally: Tally, read: Read, share: float) -> None:
        """Notes the work on a record as a step of its trace, also where nothing was decided."""
        cause, record = Cause.of(read.event), read.record
        step = tally.step(self.service, cause.seed, cause.traceparent, share)
        step.name = read.event.type
        step.attributes = {
            "messaging.destination.name": record.topic,
            "hamroh.position": record.position,
        }
        if self.subscription.is_pattern:
            step.link = read.event.traceparent
        if record.partition == inbox.HTTP:
            step.parent = traceparent(INTAKE, cause.seed, None, share)

    @abstractmethod
    async def _effects(self, tx: Transaction, items: Sequence[Item]) -> Effects:
        """Applies a batch in a transaction."""

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
        """One call per handler; types without a handler are passed over."""
        names = {(read.event.source, read.event.id): read for read in reads}
        work: dict[Handler | None, list[Read]] = {}
        for read in reads:
            handler = self.subscription.handlers.get(type(read.event.data))
            work.setdefault(handler, []).append(read)
        for handler in dict.fromkeys(self.subscription.handlers.values()):
            if taken := work.get(handler):
                outcomes = await handler(tx, [read.event for read in taken])
                for outcome in outcomes:
                    self._collect(effects, outcome, names)
                _refuse_overtaking(effects, taken, outcomes)

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
                effects.releases.add(cause)
            case _:
                assert_never(outcome)


def _refuse_overtaking(
    effects: Effects, taken: Sequence[Read], outcomes: Sequence[Outcome]
) -> None:
    waiting = {(o.event.source, o.event.id) for o in outcomes if isinstance(o, Waits)}
    for read in taken if effects.waits else ():
        if effects.holds(read) and (read.event.source, read.event.id) not in waiting:
            raise LookupError("it took a fact whose predecessor of the same key waits")


def waves(reads: Sequence[Read], handlers: Mapping[type[Payload], Handler]) -> list[list[Read]]:
    """Cuts a batch so that handlers see each key's events in order, and many keys in bulk.

    A key's consecutive events for one handler share a wave; one for another starts its next.
    """
    last: dict[tuple[str, str], tuple[int, Handler | None]] = {}
    cut: list[list[Read]] = []
    for read in reads:
        handler = handlers.get(type(read.event.data))
        wave, before = last.get(read.place, (0, handler))
        wave += before != handler
        last[read.place] = wave, handler
        if wave == len(cut):
            cut.append([])
        cut[wave].append(read)
    return cut
