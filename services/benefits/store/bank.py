"""Files to the bank, its numbered messages, and what they make of payments."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from services.benefits.domain.answers import Payment, State
from services.benefits.domain.ledger import Transfer
from services.benefits.store.cycles import Row
from services.runtime.database import Connection, columns

LEASE_BATCH: Final = """
update batches set attempts = attempts + 1,
                   next_attempt_at = now() + make_interval(secs => least(2 ^ attempts, 300))
where id = (select id from batches where state = 'open' and next_attempt_at <= now()
            order by next_attempt_at limit 1 for update skip locked)
returning id, created_at, execute_on
"""
# A payment can be sent when the sealed contacts are here of everybody who may receive it; after
# a while it is sent, or found unpayable, with what is here.
FIND_UNSENT: Final = """
select c.id, c.region, (select count(*) from batches b where b.cycle_id = c.id) as files
from cycles c
where c.state = 'ordered' and exists (
    select from sendable where sendable.cycle_id = c.id
      and (sendable.reachable or c.released_at <= now() - make_interval(secs => $1)))
order by c.released_at, c.id limit 1
"""
MAKE_BATCH: Final = """
with chosen as (
    select s.* from sendable s join cycles c on c.id = s.cycle_id
    where s.cycle_id = $2
      and (s.reachable or c.released_at <= now() - make_interval(secs => $6))
    order by s.payment_id limit $5
), made as (
    insert into batches (id, region, cycle_id, created_at, execute_on, payments, state)
    select $1, c.region, c.id, $3, $4, (select count(*) from chosen), 'open'
    from cycles c where c.id = $2
), written as (
    insert into batch_lines (payment_id, batch_id, payee_id, payee_key_version, payee_sealed,
                             head_id, head_key_version, head_sealed)
    select payment_id, $1, payee_id, payee_key_version, payee_sealed, head_id, head_key_version,
           head_sealed
    from chosen
)
update payments set batch_id = $1 from chosen
where payments.id = chosen.payment_id and payments.batch_id is null
"""
LOAD_LINES: Final = """
select p.id, p.amount_minor, p.currency,
       l.payee_id, l.payee_key_version, l.payee_sealed, k.wrapped as payee_wrapped,
       l.head_id, l.head_key_version, l.head_sealed, h.wrapped as head_wrapped
from batch_lines l
join payments p on p.id = l.payment_id
left join person_keys k on k.person_id = l.payee_id and k.version = l.payee_key_version
left join person_keys h on h.person_id = l.head_id and h.version = l.head_key_version
where l.batch_id = $1 order by l.payment_id
"""
END_BATCH: Final = """
with ended as (update batches set state = $2, reason = $3 where id = $1 and state = 'open')
delete from batch_lines where batch_id = $1
"""
LAST_MESSAGE: Final = "select coalesce(max(number), 0) from bank_messages"
KNOWN_MESSAGES: Final = """
select message_id from bank_messages where message_id = any($1::text[]) and state <> 'repeated'
"""
SAVE_MESSAGES: Final = """
insert into bank_messages (number, message_id, kind, digest, state, answers, reason)
select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::integer[],
                     $7::text[])
"""
LOCK_PAYMENTS: Final = """
select p.id, p.region, p.cycle_id, p.batch_id, p.entitlement_id, p.person_id, p.month,
       p.amount_minor, p.currency, p.booked_sequence, p.booked_on, p.returned_sequence, p.reason,
       p.state <> 'cancelled' and c.state in ('ordered', 'closed') as ordered
from payments p join cycles c on c.id = p.cycle_id
where p.id = any($1::uuid[]) or p.batch_id = any($2::uuid[])
order by p.id for no key update of p
"""
SAVE_PAYMENTS: Final = """
update payments p
set state = given.state, booked_sequence = given.booked_sequence, booked_on = given.booked_on,
    returned_sequence = given.returned_sequence, reason = given.reason
from unnest($1::uuid[], $2::text[], $3::bigint[], $4::date[], $5::bigint[], $6::text[])
    as given (id, state, booked_sequence, booked_on, returned_sequence, reason)
where p.id = given.id
"""
POST: Final = """
insert into transfers (payment_id, posting, region, programme, month, currency, amount_minor,
                       debit, credit, posted_at)
select p.id, given.posting, p.region, p.programme, p.month, p.currency, p.amount_minor,
       given.debit, given.credit, $5
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
    as given (payment_id, posting, debit, credit)
join payments p on p.id = given.payment_id
"""
TOUCH_CYCLES: Final = "update cycles set answered_at = now() where id = any($1::uuid[])"
SAVE_DIFFERENCES: Final = """
insert into differences (number, place, region, code, payment_id, reference, amount_minor,
                         currency)
select * from unnest($1::bigint[], $2::integer[], $3::text[], $4::text[], $5::uuid[], $6::text[],
                     $7::bigint[], $8::text[])
"""
PAGE_DIFFERENCES: Final = """
select id, code, number, payment_id, amount_minor, currency, found_at
from differences where id > $1 order by id limit $2
"""
CLOSE_CYCLES: Final = """
with closed as (
    update cycles c set state = 'closed', closed_at = $1
    where c.state = 'ordered'
      and coalesce(c.answered_at, c.released_at) <= now() - make_interval(secs => $2)
      and not exists (select from payments p where p.cycle_id = c.id and p.state = 'open')
    returning c.id, c.month, c.programme, c.region, c.currency, c.payments, c.amount_minor
)
select closed.*, tally.*
from closed cross join lateral (
    select count(*) filter (where p.state = 'settled') as settled,
           coalesce(sum(p.amount_minor) filter (where p.state = 'settled'), 0)::bigint
               as settled_minor,
           count(*) filter (where p.state = 'returned') as returned,
           coalesce(sum(p.amount_minor) filter (where p.state = 'returned'), 0)::bigint
               as returned_minor
    from payments p where p.cycle_id = closed.id
) as tally
"""


@dataclass(frozen=True, slots=True)
class SealedContact:
    """A contact and the wrapped key that opens it."""

    person_id: UUID
    key_version: int
    wrapped: str
    sealed: str


@dataclass(frozen=True, slots=True)
class BatchLine:
    """A payment of a file. `contacts`: the payee's, then the head's who receives it instead."""

    payment_id: UUID
    amount_minor: int
    currency: str
    contacts: tuple[SealedContact, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """A file to the bank; made again, it is the same bytes."""

    id: UUID
    created_at: datetime
    execute_on: date
    lines: tuple[BatchLine, ...]


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message of the bank as it was taken."""

    number: int
    message_id: str
    kind: str
    digest: str
    state: str
    answers: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """What a person must look at."""

    code: str
    number: int | None = None
    place: int | None = None
    region: str | None = None
    payment_id: UUID | None = None
    reference: str | None = None
    amount_minor: int | None = None
    currency: str | None = None


async def lease_batch(connection: Connection) -> Batch | None:
    """The file whose turn it is; put off in advance, longer each time, in case no answer comes."""
    row = await connection.fetchrow(LEASE_BATCH)
    if row is None:
        return None
    lines = await connection.fetch(LOAD_LINES, row["id"])
    return Batch(row["id"], row["created_at"], row["execute_on"], tuple(map(_line, lines)))


def _line(row: Row) -> BatchLine:
    found = (_contact(row, "payee"), _contact(row, "head"))
    contacts = tuple(contact for contact in found if contact is not None)
    return BatchLine(row["id"], row["amount_minor"], row["currency"], contacts)


def _contact(row: Row, who: str) -> SealedContact | None:
    if row[f"{who}_sealed"] is None or row[f"{who}_wrapped"] is None:
        return None
    return SealedContact(
        row[f"{who}_id"], row[f"{who}_key_version"], row[f"{who}_wrapped"], row[f"{who}_sealed"]
    )


async def find_unsent(connection: Connection, patience_s: float) -> tuple[UUID, int] | None:
    """The oldest cycle with payments to send, and how many files it has; None if there is none."""
    row = await connection.fetchrow(FIND_UNSENT, patience_s)
    return (row["id"], row["files"]) if row else None


async def make_batch(  # noqa: PLR0913 - one file, its parts named
    connection: Connection,
    batch_id: UUID,
    cycle_id: UUID,
    *,
    created_at: datetime,
    execute_on: date,
    most: int,
    patience_s: float,
) -> None:
    """Puts the next payments of a cycle into one file, with the contacts as they are now."""
    await connection.execute(
        MAKE_BATCH, batch_id, cycle_id, created_at, execute_on, most, patience_s
    )


async def end_batch(
    connection: Connection, batch_id: UUID, state: str, reason: str | None = None
) -> None:
    """The bank has answered a file: it is not sent again, and its copies of contacts go."""
    await connection.execute(END_BATCH, batch_id, state, reason)


async def last_message(connection: Connection) -> int:
    """The number of the bank's last message that was taken, 0 before any."""
    number: int = await connection.fetchval(LAST_MESSAGE)
    return number


async def known_messages(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Message ids that were taken before."""
    return {row["message_id"] for row in await connection.fetch(KNOWN_MESSAGES, ids)}


async def save_messages(connection: Connection, rows: Sequence[MessageRow]) -> None:
    """Stores messages, each once by number."""
    flat = [(r.number, r.message_id, r.kind, r.digest, r.state, r.answers, r.reason) for r in rows]
    await connection.execute(SAVE_MESSAGES, *columns(flat, 7))


async def lock_payments(
    connection: Connection, ids: Iterable[UUID], batches: Iterable[UUID]
) -> list[Row]:
    """Payments by id or by file, locked until the transaction ends."""
    return await connection.fetch(LOCK_PAYMENTS, [*ids], [*batches])


def answered(row: Row) -> Payment:
    """A payment as the bank's answers see it."""
    return Payment(
        payment_id=row["id"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        ordered=row["ordered"],
        booked_sequence=row["booked_sequence"],
        booked_on=row["booked_on"],
        returned_sequence=row["returned_sequence"],
        reason=row["reason"],
    )


async def save_payments(connection: Connection, payments: Iterable[Payment]) -> None:
    """Stores what became of payments."""
    rows = [
        (p.payment_id, _stored(p), p.booked_sequence, p.booked_on, p.returned_sequence, p.reason)
        for p in payments
    ]
    if rows:
        await connection.execute(SAVE_PAYMENTS, *columns(rows, 6))


def _stored(payment: Payment) -> str:
    return "open" if payment.state is State.ORDERED else payment.state.value


async def post(connection: Connection, transfers: Iterable[Transfer], now: datetime) -> None:
    """Adds transfers to the ledger; the amount is always the payment's own."""
    rows = [(t.payment_id, t.posting.value, t.debit.value, t.credit.value) for t in transfers]
    if rows:
        await connection.execute(POST, *columns(rows, 4), now)


async def touch_cycles(connection: Connection, ids: Iterable[UUID]) -> None:
    """The bank spoke of these cycles just now."""
    await connection.execute(TOUCH_CYCLES, sorted(set(ids)))


async def save_differences(connection: Connection, rows: Sequence[Difference]) -> None:
    """Stores what a person must look at."""
    flat = [
        (
            one.number,
            one.place,
            one.region,
            one.code,
            one.payment_id,
            one.reference,
            one.amount_minor,
            one.currency,
        )
        for one in rows
    ]
    if flat:
        await connection.execute(SAVE_DIFFERENCES, *columns(flat, 8))


async def page_differences(connection: Connection, after: int, limit: int) -> list[Row]:
    """Differences by id."""
    return await connection.fetch(PAGE_DIFFERENCES, after, limit)


async def close_cycles(connection: Connection, now: datetime, quiet_s: float) -> list[Row]:
    """Closes cycles of which every payment is booked or returned; each is returned once, ever."""
    return await connection.fetch(CLOSE_CYCLES, now, quiet_s)
