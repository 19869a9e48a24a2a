"""Payment cycles: preparation, approval, the ledger and what officers read of them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from services.benefits.domain.cycles import Cycle, CycleState
from services.runtime.database import Connection

Row = asyncpg.Record

BULK_TIMEOUT: Final = "select set_config('statement_timeout', '60s', true)"
LOCK_CYCLES: Final = "select pg_advisory_xact_lock(hashtext('cycles'), hashtext($1))"
FIND_CYCLE: Final = """
select c.*, (select coalesce(array_agg(a.officer order by a.approved_at, a.officer), '{}')
             from approvals a where a.cycle_id = c.id) as approvers
from cycles c where c.id = $1
"""
LOCK_CYCLE: Final = "select id from cycles where id = $1 for no key update"
LIST_CYCLES: Final = """
select c.*, (select coalesce(array_agg(a.officer order by a.approved_at, a.officer), '{}')
             from approvals a where a.cycle_id = c.id) as approvers
from cycles c
where ($1::text is null or c.region = $1) and ($2::text is null or c.month = $2)
  and ($3::uuid is null or c.id > $3)
order by c.id limit $4
"""
LAST_NUMBER: Final = """
select number, state from cycles
where programme = $1 and month = $2 and region = $3 order by number desc limit 1
"""
# A payment's id is derived from what it pays and how often that was tried: asked again, the same.
# The cycle's digest and sums are taken over exactly the lines that were written.
PREPARE: Final = """
with lines as (
    insert into payments (id, region, cycle_id, entitlement_id, person_id, payee_id, residence,
                          programme, month, component, amount_minor, currency, state)
    select left(encode(sha256(convert_to(concat_ws(chr(31), 'payment', e.id, $4::text,
                                                   e.component, tried.times), 'UTF8')), 'hex'),
                32)::uuid,
           e.region, $1::uuid, e.id, e.person_id, e.payee_id, p.residence, e.programme, $4,
           e.component, due.amount_minor, e.currency, 'open'
    from entitlements e
    join persons p on p.id = e.person_id
    cross join lateral (
        select t.amount_minor from terms t
        where t.entitlement_id = e.id and t.from_month <= $4
        order by t.from_month desc limit 1
    ) as due
    cross join lateral (
        select count(*) as times, count(*) filter (where x.state <> 'cancelled') as standing
        from payments x where x.entitlement_id = e.id and x.month = $4
    ) as tried
    where e.region = $2::text and e.programme = $3::text and e.phase = 'running'
      and e.currency = $6::text and due.amount_minor > 0 and tried.standing = 0
    order by e.id limit $9
    returning id, entitlement_id, payee_id, month, component, amount_minor, currency
)
insert into cycles (id, region, programme, month, number, currency, state, digest, payments,
                    amount_minor, prepared_by, prepared_at)
select $1, $2, $3, $4, $5::integer, $6, 'prepared',
       encode(sha256(convert_to(string_agg(
           concat_ws('|', id, entitlement_id, payee_id, month, component, amount_minor, currency),
           chr(10) order by id), 'UTF8')), 'hex'),
       count(*), sum(amount_minor)::bigint, $7::text, $8::timestamptz
from lines having count(*) > 0
returning id
"""
DIGEST: Final = """
select encode(sha256(convert_to(coalesce(string_agg(
           concat_ws('|', id, entitlement_id, payee_id, month, component, amount_minor, currency),
           chr(10) order by id), ''), 'UTF8')), 'hex')
from payments where cycle_id = $1
"""
APPROVE: Final = """
insert into approvals (cycle_id, region, officer, prepared_by, digest, approved_at)
select id, region, $2, prepared_by, $3, $4 from cycles where id = $1
"""
ORDER_CYCLE: Final = """
update cycles set state = 'ordered', ordered_at = $2, released_at = now() where id = $1
"""
POST_ORDERED: Final = """
insert into transfers (payment_id, posting, region, programme, month, currency, amount_minor,
                       debit, credit, posted_at)
select id, 'ordered', region, programme, month, currency, amount_minor, 'budget', 'payable', $2
from payments where cycle_id = $1
"""
ORDERED: Final = """
select id, entitlement_id, person_id, payee_id, residence, month, component, amount_minor, currency
from payments where cycle_id = $1 order by id
"""
CANCEL_CYCLE: Final = "update cycles set state = 'cancelled' where id = $1"
CANCEL_PAYMENTS: Final = "update payments set state = 'cancelled' where cycle_id = $1"
# An open payment stands where its cycle stands; a closed cycle has none.
PAGE_PAYMENTS: Final = """
select p.id, p.entitlement_id, p.person_id, p.payee_id, p.residence, p.month, p.component,
       p.amount_minor, p.currency, p.reason, p.booked_on,
       case p.state when 'open' then c.state else p.state end as state
from payments p join cycles c on c.id = p.cycle_id
where p.cycle_id = $1 and ($3::uuid is null or p.id > $3)
  and ($2::text is null or $2 = case p.state when 'open' then c.state else p.state end)
order by p.id limit $4
"""
STATES: Final = """
select case p.state when 'open' then c.state else p.state end as state, count(*) as payments,
       sum(p.amount_minor)::bigint as amount_minor
from payments p join cycles c on c.id = p.cycle_id where p.cycle_id = $1 group by 1 order by 1
"""
LIST_ENTITLEMENTS: Final = """
select e.id, e.person_id, e.programme, e.component, e.phase, e.payee_id, e.held_until, e.currency,
       (select jsonb_agg(jsonb_build_object('from_month', t.from_month, 'group', t.group_code,
                                            'amount_minor', t.amount_minor) order by t.from_month)
        from terms t where t.entitlement_id = e.id) as terms
from entitlements e where e.person_id = $1 order by e.id limit 100
"""
BALANCES: Final = """
select region, programme, month, currency, account, sum(amount_minor)::bigint as balance_minor
from (
    select region, programme, month, currency, credit as account, amount_minor from transfers
    union all
    select region, programme, month, currency, debit, -amount_minor from transfers
) as entries
where ($1::text is null or programme = $1) and ($2::text is null or month = $2)
  and ($3::text is null or region = $3)
group by region, programme, month, currency, account
order by region, programme, month, currency, account
"""
# A payment's state and its postings say the same thing, or a person must look.
UNRECONCILED: Final = """
select count(*) from payments p
join cycles c on c.id = p.cycle_id
left join lateral (
    select string_agg(t.posting, '+' order by t.posting) as postings,
           bool_and(t.amount_minor = p.amount_minor) as same
    from transfers t where t.payment_id = p.id
) as l on true
where ($1::text is null or p.programme = $1) and ($2::text is null or p.month = $2)
  and ($3::text is null or p.region = $3)
  and ((case p.state when 'open' then c.state else p.state end, coalesce(l.postings, '')) not in
           (('prepared', ''), ('cancelled', ''), ('ordered', 'ordered'),
            ('settled', 'ordered+settled'), ('returned', 'ordered+rejected'),
            ('returned', 'ordered+returned+settled'))
       or not coalesce(l.same, true))
"""


async def bulk(connection: Connection) -> None:
    """Allows the statements of this transaction a minute: a cycle may have many payments."""
    await connection.execute(BULK_TIMEOUT)


async def find_cycle(connection: Connection, cycle_id: UUID, *, lock: bool = False) -> Row | None:
    """A cycle with its `approvers`; locked until the transaction ends if asked."""
    if lock:
        await connection.execute(LOCK_CYCLE, cycle_id)
    return await connection.fetchrow(FIND_CYCLE, cycle_id)


async def last_cycle(
    connection: Connection, programme: str, month: str, region: str
) -> tuple[int, str]:
    """(number, state) of the newest cycle of a programme, month and region; (0, '') before any.

    Preparing cycles of the three is serialised until the transaction ends.
    """
    await connection.execute(LOCK_CYCLES, f"{programme}|{month}|{region}")
    row = await connection.fetchrow(LAST_NUMBER, programme, month, region)
    return (row["number"], row["state"]) if row else (0, "")


@dataclass(frozen=True, slots=True)
class Preparation:
    """What a cycle is to pay, and who prepares it."""

    id: UUID
    region: str
    programme: str
    month: str
    number: int
    currency: str
    officer: str
    prepared_at: datetime
    most: int
    """How many payments at most; the next cycle of the month takes the rest."""


async def prepare(connection: Connection, asked: Preparation) -> bool:
    """Writes the payments of every running entitlement not yet paid for the month, and the cycle.

    False if there is nothing to pay; nothing is written then.
    """
    made = await connection.fetchval(
        PREPARE,
        asked.id,
        asked.region,
        asked.programme,
        asked.month,
        asked.number,
        asked.currency,
        asked.officer,
        asked.prepared_at,
        asked.most,
    )
    return made is not None


async def digest(connection: Connection, cycle_id: UUID) -> str:
    """The digest of a cycle's lines as they stand now."""
    found: str = await connection.fetchval(DIGEST, cycle_id)
    return found


async def approve(
    connection: Connection, cycle_id: UUID, officer: str, seen: str, now: datetime
) -> None:
    """Records that an officer agrees with the lines of this digest."""
    await connection.execute(APPROVE, cycle_id, officer, seen, now)


async def order(connection: Connection, cycle_id: UUID, now: datetime) -> None:
    """Orders every payment of a cycle and posts each to the ledger."""
    await connection.execute(ORDER_CYCLE, cycle_id, now)
    await connection.execute(POST_ORDERED, cycle_id, now)


async def ordered(connection: Connection, cycle_id: UUID, many: int) -> AsyncIterator[list[Row]]:
    """The payments of a cycle in the order of their ids, so many at a time."""
    cursor = await connection.cursor(ORDERED, cycle_id)
    while rows := await cursor.fetch(many):
        yield rows


async def cancel(connection: Connection, cycle_id: UUID) -> None:
    """Withdraws a cycle that was not ordered."""
    await connection.execute(CANCEL_CYCLE, cycle_id)
    await connection.execute(CANCEL_PAYMENTS, cycle_id)


async def page_cycles(
    connection: Connection, region: str | None, month: str | None, after: UUID | None, limit: int
) -> list[Row]:
    """Cycles by id."""
    return await connection.fetch(LIST_CYCLES, region, month, after, limit)


async def page_payments(
    connection: Connection, cycle_id: UUID, state: str | None, after: UUID | None, limit: int
) -> list[Row]:
    """Payments of a cycle by id."""
    return await connection.fetch(PAGE_PAYMENTS, cycle_id, state, after, limit)


async def states(connection: Connection, cycle_id: UUID) -> list[Row]:
    """Per state of a cycle's payments: how many, and their sum in minor units."""
    return await connection.fetch(STATES, cycle_id)


async def entitlements_of(connection: Connection, person_id: UUID) -> list[Row]:
    """A person's entitlements with their terms."""
    return await connection.fetch(LIST_ENTITLEMENTS, person_id)


async def balances(
    connection: Connection, programme: str | None, month: str | None, region: str | None
) -> dict[tuple[str, str, str, str], dict[str, int]]:
    """(region, programme, month, currency) → account → credit minus debit, in minor units."""
    found: dict[tuple[str, str, str, str], dict[str, int]] = {}
    for row in await connection.fetch(BALANCES, programme, month, region):
        key = row["region"], row["programme"], row["month"], row["currency"]
        found.setdefault(key, {})[row["account"]] = row["balance_minor"]
    return found


async def unreconciled(
    connection: Connection, programme: str | None, month: str | None, region: str | None
) -> int:
    """How many payments say another state than their postings do."""
    count: int = await connection.fetchval(UNRECONCILED, programme, month, region)
    return count


def decidable(row: Row) -> Cycle:
    """A cycle as approvals are decided on."""
    return Cycle(
        row["id"],
        CycleState(row["state"]),
        row["prepared_by"],
        row["digest"],
        tuple(row["approvers"]),
    )
