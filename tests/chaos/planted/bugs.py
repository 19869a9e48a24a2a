"""Bugs as they are made: each puts one mistake into the runtime of the process it is called in.

Nothing of the product knows of them: a function here replaces a function there, before the worker
starts.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Final

import asyncpg
from aiokafka import TopicPartition
from faststream.kafka import KafkaBroker

from services.runtime import inbox, outbox
from services.runtime.broker import Intake
from services.runtime.consumer.batches import Consumer
from services.runtime.consumer.effects import Effects
from services.runtime.database import Connection, Database, Transaction
from services.runtime.inbox import Read, Record, Turns
from services.runtime.outbox import Send, Unsent
from services.runtime.settings import Settings

AFTER_CURSOR: Final = """
select id, topic, key, event from outbox
where id > $1 and (not inline or created_at < now() - make_interval(secs => $2))
order by id limit $3
"""
SKIP_LOCKED: Final = """
select id, topic, key, event from outbox
where not inline or created_at < now() - make_interval(secs => $1)
order by id limit $2
for update skip locked
"""
FEW_ROWS: Final = 50


def _plant(where: Any, name: str, bug: Callable[..., Any]) -> None:
    """Puts a function in the place of another."""
    setattr(where, name, bug)


def cursor_polling() -> None:
    """The sweeper remembers the last id it sent and looks beyond it."""
    cursor = 0

    async def sweep(connection: Connection, send: Send, _: int) -> bool:
        nonlocal cursor
        rows = await connection.fetch(AFTER_CURSOR, cursor, outbox.GRACE_S, outbox.SWEEP_ROWS)
        if rows:
            await send([(row["topic"], row["key"], row["event"]) for row in rows])
            await connection.execute(outbox.DELETE_SENT, [row["id"] for row in rows])
            cursor = rows[-1]["id"]
        return len(rows) == outbox.SWEEP_ROWS

    _plant(outbox, "sweep", sweep)


def publish_before_commit() -> None:
    """Facts go out from inside the transaction that decides them."""

    async def commit(self: Consumer, decide: Callable[[Transaction], Awaitable[Effects]]) -> None:
        async with self.database.transaction() as tx:
            effects = await decide(tx)
            unsent = await outbox.append(tx, self.service, effects.decisions, inline=True)
            await self.send(unsent.records)
        if unsent.ids:
            await self.database.pool.execute(outbox.DELETE_SENT, unsent.ids)

    _plant(Consumer, "_commit", commit)


def offset_before_effect() -> None:
    """The broker is told that a batch is done when it has only been taken."""
    consume = Intake._consume

    async def told_first(self: Intake, records: list[Record]) -> None:
        for record in records:
            self._done[TopicPartition(record.topic, record.partition)] = record.offset + 1
        await self.commit()
        await consume(self, records)

    _plant(Intake, "_consume", told_first)


def no_guard() -> None:
    """Every fact that comes is applied, whether it was before or not."""

    async def take_turns(_: Connection, reads: Sequence[Read], __: bool) -> Turns:
        return Turns(due=[*reads])

    async def advance(
        connection: Connection,
        _: Mapping[Any, int],
        applied: Mapping[tuple[str, str], int],
        __: Collection[str],
    ) -> bool:
        topics, keys = [place[0] for place in applied], [place[1] for place in applied]
        await connection.execute(
            "insert into positions select * from unnest($1::text[], $2::text[], $3::bigint[])"
            " on conflict (topic, key) do update"
            " set sequence = greatest(positions.sequence, excluded.sequence)",
            topics,
            keys,
            [*applied.values()],
        )
        return False

    _plant(inbox, "take_turns", take_turns)
    _plant(inbox, "advance", advance)


def skip_locked() -> None:
    """Whoever has time sweeps what nobody else has in hand: there is no leader."""

    async def lead(_: Connection) -> int:
        return 0

    async def sweep(connection: Connection, send: Send, _: int) -> bool:
        async with connection.transaction():
            rows = await connection.fetch(SKIP_LOCKED, outbox.GRACE_S, FEW_ROWS)
            if rows:
                await send([(row["topic"], row["key"], row["event"]) for row in rows])
                await connection.execute(outbox.DELETE_SENT, [row["id"] for row in rows])
        return len(rows) == FEW_ROWS

    _plant(outbox, "lead", lead)
    _plant(outbox, "sweep", sweep)


def latest_after_offset_loss() -> None:
    """A group that the broker has forgotten begins with what comes next."""
    subscriber = KafkaBroker.subscriber

    def from_the_end(self: KafkaBroker, *topics: Any, **options: Any) -> Any:
        return subscriber(self, *topics, **{**options, "auto_offset_reset": "latest"})

    _plant(KafkaBroker, "subscriber", from_the_end)


def mark_before_publish() -> None:
    """Rows of the outbox are deleted when they are about to be sent."""

    async def send_inline(database: Database, send: Send, unsent: Unsent) -> None:
        if unsent.ids:
            await database.pool.execute(outbox.DELETE_SENT, unsent.ids)
            await send(unsent.records)

    _plant(outbox, "send_inline", send_inline)


def guard_in_another_transaction() -> None:
    """That a fact was applied is written down by itself, before its effect is committed."""

    async def advance(
        _: Connection,
        before: dict[tuple[str, str], int],
        applied: dict[tuple[str, str], int],
        causes: Collection[str],
    ) -> bool:
        own = await asyncpg.connect(Settings().database_url.get_secret_value())
        try:
            topics, keys = [place[0] for place in applied], [place[1] for place in applied]
            was = [before.get(place) for place in applied]
            moves = topics, keys, was, [*applied.values()]
            await own.execute(inbox.ADVANCE, *moves, [*causes])
        finally:
            await own.close()
        return False

    _plant(inbox, "advance", advance)


BUGS: Final[Mapping[str, Callable[[], None]]] = {
    "cursor polling": cursor_polling,
    "publish before commit": publish_before_commit,
    "offset before effect": offset_before_effect,
    "no guard": no_guard,
    "SKIP LOCKED with three sweepers": skip_locked,
    "latest after offset loss": latest_after_offset_loss,
    "mark before publish": mark_before_publish,
    "guard in another transaction": guard_in_another_transaction,
}
