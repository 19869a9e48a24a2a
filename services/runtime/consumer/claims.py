"""Claims of regional centres: each is answered once, whatever it holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from contracts.catalogue import region_of_topic
from contracts.values import descends, region_source
from services.runtime import inbox
from services.runtime.consumer.batches import CONTENT_FAULTS, Consumer, waves
from services.runtime.consumer.effects import (
    Effects,
    Item,
    answer_to,
    name_of,
    reject,
    reused_name,
)
from services.runtime.database import Transaction
from services.runtime.dead_letters import Fault
from services.runtime.inbox import Read, fingerprint

CLAIM_AGE: Final = timedelta(days=400)
"""Inbox rows are kept this long; an older claim could not be told from a repeated one."""
CLAIM_LEAD: Final = timedelta(days=1)
"""How far ahead of business time a centre's clock may run."""


@dataclass(slots=True)
class ClaimConsumer(Consumer):
    """Claims of regional centres: each is answered exactly once."""

    async def _effects(self, tx: Transaction, items: Sequence[Item]) -> Effects:
        effects = Effects()
        due = effects.taken = await self._unanswered(tx, items, effects)
        for wave in waves(due, self.subscription.handlers):
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


def settled(known: tuple[str, str] | None, item: Item) -> bool:
    """Whether a claim was answered before; a pending one is not, once an operator replays it."""
    return known is not None and not (known[1] == "pending" and item.record.parked)
