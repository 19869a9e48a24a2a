"""Facts of other services: each key in its sequence, each fact once."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.catalogue import TOPIC_BY_NAME, Topic
from contracts.values import service_source
from services.runtime import inbox
from services.runtime.consumer.batches import Consumer, waves
from services.runtime.consumer.effects import Effects, Item
from services.runtime.database import Transaction
from services.runtime.dead_letters import Fault, bury
from services.runtime.inbox import Read, sequence_of


@dataclass(slots=True)
class FactConsumer(Consumer):
    """Facts of another service, each key in its sequence.

    One that cannot be handled keeps its place: later facts of its key wait for its settlement.
    """

    async def _effects(self, tx: Transaction, items: Sequence[Item]) -> Effects:
        effects = Effects()
        reads, faults = self._trusted(await self._end_keys(tx, items))
        effects.decisions += await bury(tx, self.box, faults)
        turns = await inbox.take_turns(tx.connection, reads, self._topic.compacted)
        applied: dict[tuple[str, str], int] = {}
        for wave in waves(turns.due):
            await self._apply_wave(tx, [r for r in wave if not effects.holds(r)], effects)
            taken = [r for r in wave if not effects.holds(r)]
            applied |= {r.place: sequence_of(r) for r in taken}
            effects.taken += taken
        held = [read for read in turns.due if effects.holds(read)]
        parked: list[tuple[Read, str | None]] = [(read, None) for read in turns.ahead]
        parked += [(read, effects.waits[read.place][1]) for read in held]
        await inbox.park(tx.connection, turns.positions, parked)
        await inbox.unpark(
            tx.connection, [item.record for item in items], [read.record for read, _ in parked]
        )
        effects.turned = await inbox.advance(tx.connection, turns.positions, applied)
        return effects

    async def _end_keys(self, tx: Transaction, items: Sequence[Item]) -> Sequence[Item]:
        """Forgets keys that ended; returns what is left to apply: nothing from before the end.

        A tombstone has no envelope, hence no sequence: its place is its offset, and to forget
        twice is to forget once.
        """
        if not self._topic.compacted:
            return items
        ends = {i.record.key: place for place, i in enumerate(items) if i.record.value is None}
        if ends:
            await inbox.forget(tx.connection, self._topic.name, [*ends])
            if self.subscription.forget is not None:
                await self.subscription.forget(tx, [*ends])
        return [i for place, i in enumerate(items) if place > ends.get(i.record.key, -1)]

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
