"""The guard: every event has one effect, through any redelivery, in any order.

Claims: a row per (source, id). Facts: the last sequence applied per (topic, key); what comes ahead
of its turn waits in the database. Both are written in the transaction of the effect, so a crash
leaves both or neither.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg

from contracts.codec import Event, digest
from services.runtime.database import ConflictError, Connection

HTTP: Final = -1
"""The partition of a record that came by HTTP; its offset is the row in `inbound`."""

KNOWN_CLAIMS: Final = """
select source, id, digest, outcome from inbox
where (source, id) in (select * from unnest($1::text[], $2::text[]))
"""
ANSWER_CLAIMS: Final = """
insert into inbox (source, id, digest, region, outcome, code, path, person_id, answered_at)
select source, id, digest, region, outcome, code, path, person_id,
       case when outcome = 'pending' then null else now() end
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::uuid[]) as given (source, id, digest, region, outcome, code, path, person_id)
on conflict (source, id) do update
set outcome = excluded.outcome, code = excluded.code, path = excluded.path,
    person_id = excluded.person_id, answered_at = excluded.answered_at
where inbox.outcome = 'pending'
returning id
"""
POSITIONS: Final = """
select topic, key, sequence from positions
where (topic, key) in (select * from unnest($1::text[], $2::text[]))
"""
HOLD: Final = """
insert into positions (topic, key, sequence)
select topic, key, 0 from unnest($1::text[], $2::text[]) as given (topic, key)
order by topic, key
on conflict do nothing
"""
HELD: Final = """
select topic, key, sequence from positions
where (topic, key) in (select * from unnest($1::text[], $2::text[]))
order by topic, key for update
"""
ADVANCE: Final = "select advance($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[])"
PARK: Final = """
insert into waiting
    (topic, partition, record_offset, key, sequence, event_id, raw, waits_for)
select * from unnest($1::text[], $2::integer[], $3::bigint[], $4::text[], $5::bigint[], $6::text[],
                     $7::bytea[], $8::text[])
on conflict (topic, key, event_id) do update
set waits_for = excluded.waits_for, ready = false
"""
LOCK_TO_WAIT: Final = """
select pg_advisory_xact_lock(hashtext('hamroh.causes'), hashtext(current_schema()))
"""
RELEASE: Final = "select release($1::text[])"
READY: Final = """
select topic, partition, record_offset, key, raw, id from waiting
where ready and topic ~ any($2::text[]) order by topic, key, sequence limit $1
"""
FORGET: Final = """
with waited as (delete from waiting where topic = $1 and key = any($2::text[]))
update dead_letters set state = 'discarded', sealed = '' where topic = $1 and key = any($2::text[])
"""
UNPARK: Final = "delete from waiting where id = any($1::bigint[])"
UNTAKEN: Final = """
select id, topic, key, raw from inbound
where taken_at is null and topic ~ $2 order by id limit $1
"""
TAKE: Final = "update inbound set taken_at = now(), raw = '' where id = any($1::bigint[])"


class Record(NamedTuple):
    """One record as it came: from Kafka, from HTTP or from the waiting room."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes | None
    waiting_id: int | None = None
    """The row in `waiting` that it comes from, if it was parked."""
    timestamp_ms: int = 0
    """When the broker or its producer stamped it, machine time."""

    @property
    def parked(self) -> bool:
        """Whether it comes from the waiting room."""
        return self.waiting_id is not None

    @property
    def position(self) -> str:
        """Names the record without showing it: `<topic>/<partition>:<offset>`, or `http:<row>`."""
        if self.partition == HTTP:
            return f"http:{self.offset}"
        return f"{self.topic}/{self.partition}:{self.offset}"


class Read(NamedTuple):
    """A record and the event in it."""

    record: Record
    event: Event

    @property
    def place(self) -> tuple[str, str]:
        """Whose order it keeps: (topic, key)."""
        return self.record.topic, self.record.key


@dataclass(slots=True)
class Answer:
    """How a claim was answered; `pending` while an operator looks at it."""

    source: str
    id: str
    digest: str
    region: str
    outcome: str
    code: str | None = None
    path: str | None = None
    person_id: UUID | None = None


@dataclass(slots=True)
class Turns:
    """What the guard says about a batch of facts."""

    due: list[Read] = field(default_factory=list)
    """To apply now, in order."""
    ahead: list[Read] = field(default_factory=list)
    """To park until the gap before them closes."""
    done: list[Read] = field(default_factory=list)
    """Applied before: nothing to do."""
    positions: dict[tuple[str, str], int] = field(default_factory=dict)
    """The sequence before this batch, per (topic, key)."""


async def take_turns(
    connection: Connection, reads: Sequence[Read], compacted: Collection[str]
) -> Turns:
    """Sorts facts into due, ahead and done. On compacted topics any higher sequence is due."""
    places = list(dict.fromkeys(read.place for read in reads))
    rows = await connection.fetch(POSITIONS, [p[0] for p in places], [p[1] for p in places])
    turns = Turns(positions={(row[0], row[1]): row[2] for row in rows})
    reached = dict(turns.positions)
    for read in sorted(reads, key=sequence_of):
        sequence, last = sequence_of(read), reached.get(read.place, 0)
        if sequence <= last:
            turns.done.append(read)
        elif sequence == last + 1 or read.record.topic in compacted:
            reached[read.place] = sequence
            turns.due.append(read)
        else:
            turns.ahead.append(read)
    return turns


def sequence_of(read: Read) -> int:
    """A fact's number in its key; the guard has refused those without."""
    return read.event.sequence or 0


async def advance(
    connection: Connection,
    before: dict[tuple[str, str], int],
    applied: dict[tuple[str, str], int],
    causes: Collection[str],
) -> bool:
    """Moves positions forward and releases causes; tells whether anything parked may go on.

    A `ConflictError` if another process moved one of them meanwhile.
    """
    if not applied and not causes:
        return False
    topics, keys = [place[0] for place in applied], [place[1] for place in applied]
    was = [before.get(place) for place in applied]
    try:
        moves = topics, keys, was, [*applied.values()]
        turned = await connection.fetchval(ADVANCE, *moves, [*causes])
    except asyncpg.UniqueViolationError as error:
        raise ConflictError("another process began the same keys") from error
    if turned is None:
        raise ConflictError("another process applied facts of the same keys")
    return bool(turned)


async def park(
    connection: Connection,
    before: dict[tuple[str, str], int],
    reads: Sequence[tuple[Read, str | None]],
) -> None:
    """Stores records that wait: for their turn (None) or for a cause.

    Positions are held until the commit: whoever moves one later sees what waits for it; those that
    had none yet are at 0 in `before`, too. A `ConflictError` if one was moved since it was read,
    for then the turn may have come.
    """
    if not reads:
        return
    places = [read.place for read, cause in reads if cause is None]
    topics, keys = [place[0] for place in places], [place[1] for place in places]
    if places:
        await connection.execute(HOLD, topics, keys)
        for topic, key, sequence in await connection.fetch(HELD, topics, keys):
            if before.setdefault((topic, key), 0) != sequence:
                raise ConflictError("another process applied facts of the same keys")
    rows = {(read.place, read.event.id): _row(read, cause) for read, cause in reads}
    await connection.execute(PARK, *zip(*rows.values(), strict=True))


def _row(read: Read, cause: str | None) -> tuple[Any, ...]:
    record, event = read.record, read.event
    place = record.topic, record.partition, record.offset, record.key
    return (*place, event.sequence, event.id, record.value, cause)


async def release(connection: Connection, causes: Collection[str]) -> bool:
    """Lets go on what waits for these causes; tells whether anything did.

    Nobody begins to wait meanwhile: who looked in vain for a cause looks again under this lock.
    """
    return bool(await connection.fetchval(RELEASE, [*causes]))


async def unpark(
    connection: Connection, records: Iterable[Record], parked: Iterable[Record] = ()
) -> None:
    """Removes from the waiting room what came from there and was not parked again."""
    again = {record.waiting_id for record in parked}
    gone = [r.waiting_id for r in records if r.parked and r.waiting_id not in again]
    if gone:
        await connection.execute(UNPARK, gone)


async def forget(connection: Connection, topic: str, keys: Sequence[str]) -> None:
    """Drops the bytes of keys that ended; their positions stay, so that nothing old comes back."""
    await connection.execute(FORGET, topic, keys)


async def known_claims(
    connection: Connection, names: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[str, str]]:
    """(source, id) → (digest, outcome) of claims that were seen before."""
    rows = await connection.fetch(KNOWN_CLAIMS, [n[0] for n in names], [n[1] for n in names])
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


async def answer_claims(connection: Connection, answers: Sequence[Answer]) -> None:
    """Stores how claims were answered; a `ConflictError` if another process answered one."""
    if not answers:
        return
    rows = [[getattr(answer, column) for answer in answers] for column in Answer.__slots__]
    written = await connection.fetch(ANSWER_CLAIMS, *rows)
    if len(written) != len(answers):
        raise ConflictError("another process answered the same claims")


async def take_inbound(connection: Connection, records: Iterable[Record]) -> None:
    """Marks claims that came by HTTP as taken and forgets their bytes."""
    rows = [record.offset for record in records if record.partition == HTTP]
    if rows:
        await connection.execute(TAKE, rows)


async def untaken(connection: Connection, limit: int, pattern: str) -> list[Record]:
    """Claims that came by HTTP and wait for the worker; topics by pattern."""
    rows = await connection.fetch(UNTAKEN, limit, pattern)
    return [Record(row["topic"], HTTP, row["id"], row["key"], row["raw"]) for row in rows]


async def ready(connection: Connection, limit: int, patterns: Sequence[str]) -> list[Record]:
    """Parked records whose turn or cause has come, in order per key; topics by pattern."""
    rows = await connection.fetch(READY, limit, patterns)
    return [Record(*row) for row in rows]


def fingerprint(record: Record) -> str:
    """The digest of a record's bytes."""
    return digest(record.value or b"")
