"""Facts of other services: each key in its sequence, each fact once."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.catalogue import TOPIC_BY_NAME
from contracts.values import service_source
from services.runtime import inbox, outbox
from services.runtime.consumer.batches import Consumer, waves
from services.runtime.consumer.effects import Effects, Item
from services.runtime.database import Transaction
from services.runtime.dead_letters import Fault, bury
from services.runtime.inbox import Read, sequence_of


@dataclass(slots=True)
class FactConsumer(Consumer):
    """Facts of other services, each key in its sequence.

    One that cannot be handled keeps its place: later facts of its key wait for its settlement.
    """

    async def _effects(self, tx: Transaction, items: Sequence[Item]) -> Effects:
        effects = Effects()
        reads, faults = self._trusted(await self._end_keys(tx, items, effects))
        effects.decisions += await bury(tx, self.box, faults)
        turns = await inbox.take_turns(tx.connection, reads, outbox.COMPACTED)
        applied: dict[tuple[str, str], int] = {}
        for wave in waves(turns.due, self.subscription.handlers):
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
        # In the guard's own round trip: the commit finds nothing left to release.
        causes, effects.releases = effects.releases, set()
        effects.turned = await inbox.advance(tx.connection, turns.positions, applied, causes)
        return effects

    async def _end_keys(
        self, tx: Transaction, items: Sequence[Item], effects: Effects
    ) -> Sequence[Item]:
        """Forgets keys that ended; returns what is left to apply: nothing from before the end.

        A tombstone has no envelope, hence no sequence: its place is its offset, and to forget
        twice is to forget once.
        """
        ends = {
            (item.record.topic, item.record.key): place
            for place, item in enumerate(items)
            if item.record.value is None and item.record.topic in outbox.COMPACTED
        }
        for part in self.subscription.parts or (self.subscription,):
            if keys := [key for topic, key in ends if topic == part.topic]:
                await inbox.forget(tx.connection, part.topic, keys)
                if part.forget is not None:
                    for outcome in await part.forget(tx, keys):
                        self._collect(effects, outcome, {})
        places = ((item.record.topic, item.record.key) for item in items)
        return [
            i for n, (i, key) in enumerate(zip(items, places, strict=True)) if n > ends.get(key, -1)
        ]

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

    def _trusted(self, items: Sequence[Item]) -> tuple[list[Read], list[Fault]]:
        """Facts of the topic's owner, numbered; everything else is a fault."""
        reads, faults = [], []
        for item in items:
            topic = TOPIC_BY_NAME[item.record.topic]
            if isinstance(item, Fault):
                faults.append(item)
            elif item.event.source != service_source(topic.owner):
                faults.append(Fault(item.record, "fact.wrong_source", "source"))
            elif item.event.sequence is None:
                faults.append(Fault(item.record, "fact.no_sequence", "sequence"))
            else:
                reads.append(item)
        return reads, faults
