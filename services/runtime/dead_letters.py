"""Records that could not be handled: kept sealed by the service that read them, seen by operators.

A fact in here holds back the later facts of its key; replay or discard settles its place in the
order and releases them. A claim in here stays unanswered until then. Every look is audited.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from contracts.catalogue import TOPIC_BY_NAME
from contracts.codec import Undecodable, decode, decode_claim
from contracts.platform import EventRejected, RecordDeadLettered
from contracts.values import derived_id
from services.runtime import outbox
from services.runtime.database import Connection, Transaction
from services.runtime.inbox import Answer, Read, Record, advance, answer_claims, fingerprint
from services.runtime.routes import Cause, Decided, region_of
from services.runtime.sealing import DeadLetterBox

BURY: Final = """
insert into dead_letters as d (id, topic, partition, record_offset, key, sequence, event_id, source,
                               sealed, digest, reason, path, attempts)
select * from unnest($1::uuid[], $2::text[], $3::integer[], $4::bigint[], $5::text[], $6::bigint[],
                     $7::text[], $8::text[], $9::bytea[], $10::text[], $11::text[], $12::text[],
                     $13::integer[])
on conflict (id) do update
set state = 'open', reason = excluded.reason, path = excluded.path,
    attempts = d.attempts + excluded.attempts
where d.state = 'replayed' and d.id = any($14::uuid[])
returning id, attempts
"""
LIST: Final = """
select id, topic, partition, record_offset, key, sequence, event_id, digest, reason, path, attempts,
       state, created_at
from dead_letters d
where ($1::text is null or state = $1) and ($2::text is null or topic = $2)
  and ($3::text is null or reason = $3)
  and ($4::uuid is null
       or (created_at, id) < (select created_at, id from dead_letters where id = $4))
order by created_at desc, id desc limit $5
"""
FIND: Final = "select * from dead_letters where id = $1 for update"
SETTLE: Final = "update dead_letters set state = $2 where id = $1"
AUDIT: Final = """
insert into dead_letter_audit (dead_letter_id, action, actor, reason) values ($1, $2, $3, $4)
"""
PARK_READY: Final = """
insert into waiting (topic, partition, record_offset, key, sequence, event_id, raw, ready)
values ($1, $2, $3, $4, $5, $6, $7, true)
on conflict (topic, key, event_id) do update set ready = true, raw = excluded.raw
"""
POSITION: Final = "select sequence from positions where topic = $1 and key = $2"


class SettlementError(Exception):
    """A dead letter cannot be settled that way; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a record cannot be handled."""

    record: Record
    code: str
    path: str
    read: Read | None = None
    event_id: str | None = None
    """The id, where the bytes could be read that far."""
    attempts: int = 1


async def bury(tx: Transaction, box: DeadLetterBox, faults: Sequence[Fault]) -> list[Decided]:
    """Keeps the bytes sealed and returns the facts to publish about them.

    A record that comes again is kept once; one that fails again after a replay is open again.
    """
    if not faults:
        return []
    found = {_id(fault.record): fault for fault in faults}
    rows = [_row(letter_id, box, fault) for letter_id, fault in found.items()]
    replayed = [letter_id for letter_id, fault in found.items() if fault.record.parked]
    new = await tx.connection.fetch(BURY, *zip(*rows, strict=True), replayed)
    return [
        Decided(
            _cause(letter_id, attempts, found[letter_id].read),
            _report(letter_id, found[letter_id], attempts),
        )
        for letter_id, attempts in new
    ]


def _id(record: Record) -> UUID:
    return derived_id(record.position, "dead-letter", fingerprint(record))


def _cause(letter_id: UUID, attempts: int, read: Read | None) -> Cause:
    trace = Cause.of(read.event).traceparent if read else None
    return Cause(f"{letter_id}\x1f{attempts}", str(letter_id), str(letter_id), None, trace)


def _row(letter_id: UUID, box: DeadLetterBox, fault: Fault) -> tuple[Any, ...]:
    record, event = fault.record, fault.read.event if fault.read else None
    return (
        letter_id,
        record.topic,
        record.partition,
        record.offset,
        record.key,
        event.sequence if event else None,
        event.id if event else fault.event_id,
        event.source if event else None,
        box.seal(record.value or b""),
        fingerprint(record),
        fault.code,
        fault.path,
        fault.attempts,
    )


def _report(letter_id: UUID, fault: Fault, attempts: int) -> RecordDeadLettered:
    return RecordDeadLettered(
        dead_letter_id=letter_id,
        topic=fault.record.topic,
        partition=fault.record.partition,
        offset=fault.record.offset,
        reason=fault.code,
        path=fault.path,
        digest=fingerprint(fault.record),
        attempts=attempts,
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which dead letters to list; None is any. `before` is the last one of the page before."""

    state: str | None = None
    topic: str | None = None
    reason: str | None = None
    before: UUID | None = None


async def listed(connection: Connection, wanted: Wanted, limit: int) -> list[asyncpg.Record]:
    """Dead letters, newest first, without their bytes."""
    return await connection.fetch(
        LIST, wanted.state, wanted.topic, wanted.reason, wanted.before, limit
    )


async def show(
    connection: Connection, box: DeadLetterBox, letter_id: UUID, actor: str, reason: str
) -> bytes:
    """The bytes of a dead letter; who looked and why is recorded."""
    row = await _find(connection, letter_id)
    if not row["sealed"]:
        raise SettlementError("its bytes are forgotten: the key has ended")
    await connection.execute(AUDIT, letter_id, "show", actor, reason)
    return box.open(row["sealed"])


async def replay(
    connection: Connection,
    box: DeadLetterBox,
    letter_id: UUID,
    *,
    actor: str,
    reason: str,
    corrected: bytes | None = None,
) -> None:
    """Sends a dead letter, or its corrected bytes, through the consumer again."""
    row = await _open(connection, letter_id)
    raw = corrected if corrected is not None else box.open(row["sealed"])
    event = decode_claim(raw) if row["topic"].startswith("regional.") else decode(raw)
    if isinstance(event, Undecodable):
        raise SettlementError(f"it still cannot be read: {event.code} {event.path}".rstrip())
    if row["event_id"] not in (None, event.id) or row["sequence"] not in (None, event.sequence):
        raise SettlementError("the corrected bytes must keep the id and the sequence")
    await connection.execute(
        PARK_READY,
        row["topic"],
        row["partition"],
        row["record_offset"],
        row["key"],
        event.sequence,
        event.id,
        raw,
    )
    await _settle(connection, letter_id, "replay", actor, reason)


async def discard(
    tx: Transaction, service: str, box: DeadLetterBox, letter_id: UUID, *, actor: str, reason: str
) -> None:
    """Gives a dead letter up: a fact's place is passed over, a claim is answered as rejected."""
    row = await _open(tx.connection, letter_id)
    raw = box.open(row["sealed"])
    if row["topic"].startswith("regional."):
        await _reject(tx, service, raw, row)
    elif not row["reason"].startswith("fact."):
        await _pass_over(tx.connection, row, row["sequence"] or _sequence_in(raw))
    await _settle(tx.connection, letter_id, "discard", actor, reason)


def _sequence_in(raw: bytes) -> int | None:
    """The place in its key's order of a fact that is otherwise unreadable."""
    try:
        sequence = json.loads(raw)["sequence"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return sequence if isinstance(sequence, int) else None


async def _pass_over(connection: Connection, row: asyncpg.Record, sequence: int | None) -> None:
    known = await connection.fetchval(POSITION, row["topic"], row["key"])
    last = known or 0
    if sequence is None or sequence <= last or TOPIC_BY_NAME[row["topic"]].compacted:
        return
    if sequence != last + 1:
        raise SettlementError("earlier facts of the same key are still open: settle them first")
    place = (row["topic"], row["key"])
    await advance(connection, {place: last} if known is not None else {}, {place: sequence}, ())


async def _reject(tx: Transaction, service: str, raw: bytes, row: asyncpg.Record) -> None:
    claim = decode_claim(raw)
    if isinstance(claim, Undecodable):
        return
    region = region_of(claim) or ""
    answer = Answer(
        claim.source, claim.id, row["digest"], region, "rejected", "claim.discarded", "data"
    )
    await answer_claims(tx.connection, [answer])
    receipt = EventRejected(
        claim_id=claim.id,
        claim_source=claim.source,
        code="claim.discarded",
        path="data",
        digest=row["digest"],
        position=f"{row['topic']}/{row['partition']}:{row['record_offset']}",
    )
    await outbox.append(tx, service, [Decided(Cause.of(claim), receipt, region)], inline=False)


async def _find(connection: Connection, letter_id: UUID) -> asyncpg.Record:
    row = await connection.fetchrow(FIND, letter_id)
    if row is None:
        raise SettlementError("there is no such dead letter")
    return row


async def _open(connection: Connection, letter_id: UUID) -> asyncpg.Record:
    row = await _find(connection, letter_id)
    if row["state"] != "open":
        raise SettlementError(f"it was {row['state']} before")
    return row


async def _settle(
    connection: Connection, letter_id: UUID, action: str, actor: str, reason: str
) -> None:
    await connection.execute(SETTLE, letter_id, "replayed" if action == "replay" else "discarded")
    await connection.execute(AUDIT, letter_id, action, actor, reason)
