"""The outbox: facts are stored with the change that made them and sent after the commit.

The process that committed sends from memory and deletes exactly the ids it sent. What a crash or
an API process leaves is swept by one leader per service, fenced by an epoch. `sequence` is given
under the row lock of (topic, key), so the facts of one key are numbered in commit order.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from contracts.catalogue import BY_PAYLOAD, TOPICS, key_of, topic_for
from contracts.codec import Head, encode_fact
from contracts.values import derived_text, service_source
from services.runtime.database import Connection, Database, Transaction
from services.runtime.routes import Decided

# Most keys are new: facts that are numbered from 1 are stored at once if all their keys begin, and
# else numbered anew by what was reserved, and stored with nothing left to reserve.
APPEND: Final = """
with reserved as (
    insert into sequences as s (topic, key, last)
    select topic, key, many
    from unnest($6::text[], $7::text[], $8::bigint[]) as given (topic, key, many)
    order by topic, key
    on conflict (topic, key) do update set last = s.last + excluded.last
    returning topic, key, last
), numbered as (
    select coalesce(sum(last) = cardinality($3::bytea[]), true) as rightly from reserved
), added as (
    insert into outbox (topic, key, event, inline)
    select topic, key, event, inline
    from unnest($1::text[], $2::text[], $3::bytea[], $4::boolean[])
    with ordinality as given (topic, key, event, inline, place)
    where (select rightly from numbered)
    order by place
    returning id
)
select id, case when $5 then (select pg_notify('outbox', current_schema())::text) end,
       null as topic, null as key, null as last
from added
union all
select null, null, topic, key, last from reserved where not (select rightly from numbered)
"""
DELETE_SENT: Final = "delete from outbox where id = any($1::bigint[])"
DELETE_SWEPT: Final = """
delete from outbox where id = any($1::bigint[]) and (select epoch from relay) = $2
"""
UNSENT: Final = """
select id, topic, key, event from outbox
where (not inline or created_at < now() - make_interval(secs => $1))
  and (select epoch from relay) = $3
  and (topic, key) not in (  -- the first of a compacted key is on its way: its others come after it
      select topic, key from outbox
      where inline and created_at >= now() - make_interval(secs => $1) and topic = any($4::text[]))
order by id limit $2
"""
NEXT_EPOCH: Final = "update relay set epoch = epoch + 1 returning epoch"
TRY_LEAD: Final = (
    "select pg_try_advisory_lock(hashtext('hamroh.leader'), hashtext(current_schema()))"
)
COMPACTED: Final = frozenset(topic.name for topic in TOPICS if topic.compacted)
"""The broker keeps the last record of a key: only the leader writes them, in their order. Of two
senders one may come late, and leave an older fact as the last for ever. Most facts are the first
of their key: before those nothing can come, and a leader that commits one sends it at once."""
FACT_BYTES: Final = 1_000_000
"""What the broker takes. A larger fact could never be sent and would hold up all after it."""
GRACE_S: Final = 5.0
"""How long the sweeper leaves a row to the process that committed it."""
SWEEP_ROWS: Final = 1000


@dataclass(frozen=True, slots=True)
class Unsent:
    """Rows of the outbox: their ids, and (topic, key, bytes) in the order to send."""

    ids: tuple[int, ...]
    records: tuple[tuple[str, str, bytes | None], ...]


Send = Callable[[Sequence[tuple[str, str, bytes | None]]], Awaitable[None]]


async def append(
    tx: Transaction,
    service: str,
    decisions: Sequence[Decided],
    *,
    inline: bool,
    leads: bool = False,
) -> Unsent:
    """Stores facts with their sequence; `inline` if this process sends them after the commit.

    Of compacted topics it sends those alone that begin a key, and only if it `leads`.
    """
    if not decisions:
        return Unsent((), ())
    places = [
        (topic_for(BY_PAYLOAD[type(fact.payload)], service, _region(fact)), key_of(fact.payload))
        for fact in decisions
    ]
    tx.tally.facts.update(fact.payload.type_name for fact in decisions)
    topics, keys = [place[0] for place in places], [place[1] for place in places]
    wanted, before = Counter(places), dict[tuple[str, str], int]()
    reserved = [place[0] for place in wanted], [place[1] for place in wanted], [*wanted.values()]
    events = _encode(service, tx, decisions, places, before)
    inlines = [inline and (leads or topic not in COMPACTED) for topic in topics]
    facts = topics, keys, events, inlines
    rows = await tx.connection.fetch(APPEND, *facts, not all(inlines), *reserved)
    if rows[0]["id"] is None:
        last = {(row["topic"], row["key"]): row["last"] for row in rows}
        before = {place: at - wanted[place] for place, at in last.items() if at > wanted[place]}
        events = _encode(service, tx, decisions, places, before)
        inlines = [
            by_us and (place not in before or place[0] not in COMPACTED)
            for by_us, place in zip(inlines, places, strict=True)
        ]
        facts = topics, keys, events, inlines
        rows = await tx.connection.fetch(APPEND, *facts, not all(inlines), [], [], [])
    records = [*zip(topics, keys, events, strict=True)]
    ours = [place for place, by_us in enumerate(inlines) if by_us]
    return Unsent(tuple(rows[i][0] for i in ours), tuple(records[i] for i in ours))


def _region(fact: Decided) -> str | None:
    return fact.region or fact.cause.region


def _encode(
    service: str,
    tx: Transaction,
    decisions: Sequence[Decided],
    places: Sequence[tuple[str, str]],
    before: Mapping[tuple[str, str], int],
) -> list[bytes]:
    """The bytes of facts, numbered behind the last of their key."""
    sequences = defaultdict[tuple[str, str], int](int, before)
    source, share = service_source(service), tx.settings.traced_share
    ordinals: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    events = []
    for fact, place in zip(decisions, places, strict=True):
        sequences[place] += 1
        cause, type_name = fact.cause, fact.payload.type_name
        same = (cause.seed, type_name, place[1])
        parent = cause.traceparent
        if share is not None:
            parent = tx.tally.step(service, cause.seed, parent, share).traceparent
        head = Head(
            id=derived_text(cause.seed, type_name, place[1], ordinals[same]),
            source=source,
            subject=place[1],
            time=tx.business_now,
            causation=cause.id,
            correlation=cause.correlation,
            region=_region(fact),
            traceparent=parent,
            sequence=sequences[place],
        )
        ordinals[same] += 1
        event = encode_fact(head, fact.payload)
        if len(event) > FACT_BYTES:
            raise ValueError(f"a fact of type {type_name} is larger than the broker takes")
        events.append(event)
    return events


async def send_inline(database: Database, send: Send, unsent: Unsent) -> None:
    """Sends what was just committed and deletes exactly those rows."""
    if unsent.ids:
        await send(unsent.records)
        await database.pool.execute(DELETE_SENT, unsent.ids)


@dataclass(slots=True)
class Sender:
    """Sends behind the commits of one consumer: while a batch leaves, the next one is applied.

    One batch at a time, so the facts of a partition leave in their order.
    """

    database: Database
    send: Send
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _leaving: asyncio.Task[None] | None = None

    async def after_commit(self, unsent: Unsent) -> None:
        """Begins to send, once what was given before has left.

        An `OutageError` if that could not be sent: both are the sweeper's then.
        """
        async with self._turn:
            await self.settled()
            self._leaving = asyncio.create_task(send_inline(self.database, self.send, unsent))

    async def settled(self) -> None:
        """Waits for what is leaving; an `OutageError` if it could not be sent."""
        if (leaving := self._leaving) is None:
            return
        try:
            await leaving
        finally:
            if self._leaving is leaving:
                self._leaving = None


async def sweep(connection: Connection, send: Send, epoch: int) -> bool:
    """Sends rows that nobody sent, in order; tells whether there may be more.

    Who lost the lead sees no rows and deletes none.
    """
    rows = await connection.fetch(UNSENT, GRACE_S, SWEEP_ROWS, epoch, [*COMPACTED])
    if rows:
        await send([(row["topic"], row["key"], row["event"]) for row in rows])
        await connection.execute(DELETE_SWEPT, [row["id"] for row in rows], epoch)
    return len(rows) == SWEEP_ROWS


async def lead(connection: Connection) -> int | None:
    """Tries to become the service's leader; returns the new epoch, or None if another leads.

    The lead lasts as long as the connection: who gives it up closes it.
    """
    if not await connection.fetchval(TRY_LEAD):
        return None
    epoch: int = await connection.fetchval(NEXT_EPOCH)
    return epoch


async def woken(wake: asyncio.Event, timeout_s: float) -> None:
    """Waits for the event, at most so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await wake.wait()


def by_topic(
    records: Iterable[tuple[str, str, bytes | None]],
) -> dict[str, list[tuple[str, bytes | None]]]:
    """Groups records by topic, keeping their order."""
    groups: dict[str, list[tuple[str, bytes | None]]] = {}
    for topic, key, value in records:
        groups.setdefault(topic, []).append((key, value))
    return groups
