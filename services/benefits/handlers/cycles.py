"""What officers do with payment cycles: prepare, approve, withdraw. Commands by HTTP."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, assert_never, cast
from uuid import UUID

from contracts.benefits import PaymentOrdered
from contracts.values import derived_id, month_of
from services.benefits.domain import cycles as rules
from services.benefits.domain.cycles import Approved, Refusal, Unchanged, cycle_id
from services.benefits.handlers.law import programme_of
from services.benefits.store import cycles
from services.benefits.store.cycles import Preparation, Row
from services.runtime import outbox
from services.runtime.database import Transaction
from services.runtime.routes import Cause, Decided

PAYMENTS_A_TURN: Final = 2000
"""Facts made without a pause: other requests are served in between."""


class Offer(Protocol):
    """What handlers read of the service's settings."""

    programmes: tuple[str, ...]
    packs: Path | None
    cycle_payments: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cycle an officer asks for; the three names and the number are its natural key."""

    programme: str
    month: str
    region: str
    number: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """The cycle that was asked for; `fresh` if it was prepared just now."""

    id: UUID
    fresh: bool


async def prepare(tx: Transaction, officer: str, wanted: Wanted) -> Prepared | Refusal:
    """Prepares a cycle, or finds the one prepared before under the same names."""
    offer = cast("Offer", tx.settings)
    if wanted.programme not in offer.programmes:
        return Refusal("programme.unknown")
    if wanted.month > month_of(tx.business_date):
        return Refusal("month.in_future")
    asked = cycle_id(wanted.programme, wanted.month, wanted.region, wanted.number)
    number, state = await cycles.last_cycle(
        tx.connection, wanted.programme, wanted.month, wanted.region
    )
    if wanted.number <= number:
        return Prepared(asked, fresh=False)
    if wanted.number != number + 1:
        return Refusal("cycle.number_skipped")
    if state == "prepared":
        return Refusal("cycle.previous_not_ordered")
    await cycles.bulk(tx.connection)
    made = await cycles.prepare(
        tx.connection,
        Preparation(
            id=asked,
            region=wanted.region,
            programme=wanted.programme,
            month=wanted.month,
            number=wanted.number,
            currency=programme_of(wanted.programme, offer.packs).pack.currency,
            officer=officer,
            prepared_at=tx.business_now,
            most=offer.cycle_payments,
        ),
    )
    return Prepared(asked, fresh=True) if made else Refusal("cycle.nothing_to_pay")


async def approve(
    tx: Transaction, officer: str, asked: UUID, digest: str
) -> Approved | Unchanged | Refusal:
    """Takes an officer's approval; the last one needed orders every payment, or none."""
    row = await cycles.find_cycle(tx.connection, asked, lock=True)
    if row is None:
        return Refusal("cycle.unknown")
    answer = rules.approve(cycles.decidable(row), officer, digest)
    match answer:
        case Refusal() | Unchanged():
            return answer
        case Approved(orders):
            await cycles.approve(tx.connection, asked, officer, digest, tx.business_now)
            if orders:
                await _order(tx, row)
            return answer
        case _:
            assert_never(answer)


async def _order(tx: Transaction, cycle: Row) -> None:
    await cycles.bulk(tx.connection)
    if await cycles.digest(tx.connection, cycle["id"]) != cycle["digest"]:
        raise LookupError(f"the lines of cycle {cycle['id']} are not those that were approved")
    await cycles.order(tx.connection, cycle["id"], tx.business_now)
    seed = str(derived_id(str(cycle["id"]), "cycle.order", cycle["region"]))
    cause = Cause(seed, seed, str(cycle["id"]), cycle["region"])
    async for rows in cycles.ordered(tx.connection, cycle["id"], PAYMENTS_A_TURN):
        facts = [Decided(cause, _ordered(cycle["id"], row)) for row in rows]
        await outbox.append(tx, "benefits", facts, inline=False)
        await asyncio.sleep(0)


def _ordered(cycle: UUID, row: Row) -> PaymentOrdered:
    return PaymentOrdered(
        payment_id=row["id"],
        entitlement_id=row["entitlement_id"],
        person_id=row["person_id"],
        payee_id=row["payee_id"],
        cycle_id=cycle,
        month=row["month"],
        component=row["component"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        residence_region=row["residence"],
    )


async def cancel(tx: Transaction, asked: UUID) -> Unchanged | Refusal | None:
    """Withdraws a cycle before it is ordered; a new one may be prepared with the next number."""
    row = await cycles.find_cycle(tx.connection, asked, lock=True)
    if row is None:
        return Refusal("cycle.unknown")
    answer = rules.cancel(cycles.decidable(row))
    if answer is None:
        await cycles.cancel(tx.connection, asked)
    return answer
