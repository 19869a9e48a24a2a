"""The bank's answers entered: payments change, the ledger grows, differences are noted."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.benefits import PaymentReturned, PaymentSettled
from contracts.envelope import Fact
from contracts.values import derived_id
from services.benefits.domain.answers import Answer, Payment, Refused, apply
from services.benefits.domain.ledger import Posting, Transfer
from services.benefits.store import bank
from services.benefits.store.bank import Difference
from services.benefits.store.cycles import Row
from services.runtime.database import Transaction
from services.runtime.routes import Cause, Decided, Outcome

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Said:
    """What the bank says of one payment; `batch_id` where it names the file, too."""

    payment_id: UUID
    answer: Answer
    batch_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class FileRejected:
    """The bank carries out nothing of a file."""

    batch_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class Unmatched:
    """The bank speaks of something that is none of ours."""

    code: str
    reference: str
    amount_minor: int | None = None
    currency: str | None = None


Saying = Said | FileRejected | Unmatched


@dataclass(slots=True)
class Books:
    """Payments in hand and what answers make of them, kept in memory until `close`."""

    tx: Transaction
    rows: dict[UUID, Row]
    payments: dict[UUID, Payment]
    by_batch: dict[UUID, list[UUID]]
    changed: dict[UUID, Payment] = field(default_factory=dict)
    transfers: list[Transfer] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    @classmethod
    async def open(cls, tx: Transaction, sayings: Iterable[Saying]) -> "Books":
        """Locks and loads the payments that are spoken of."""
        ids = {one.payment_id for one in sayings if isinstance(one, Said)}
        batches = {one.batch_id for one in sayings if isinstance(one, FileRejected)}
        found = await bank.lock_payments(tx.connection, ids, batches) if ids or batches else []
        by_batch: dict[UUID, list[UUID]] = {}
        for row in found:
            if row["batch_id"] in batches:
                by_batch.setdefault(row["batch_id"], []).append(row["id"])
        rows = {row["id"]: row for row in found}
        payments = {row["id"]: bank.answered(row) for row in found}
        return cls(tx, rows, payments, by_batch)

    def enter(self, saying: Saying, number: int, place: int, message_id: str) -> None:
        """Takes in one thing that the bank said, at a place of a numbered message."""
        match saying:
            case Said(payment_id, answer, batch_id):
                row = self.rows.get(payment_id)
                if row is None or (batch_id is not None and row["batch_id"] != batch_id):
                    code = "payment_unknown" if row is None else "other_file"
                    self.differ(Difference(code, number, place, payment_id=payment_id))
                else:
                    self._apply(row, answer, number, place, message_id)
            case FileRejected(batch_id, reason):
                for payment_id in self.by_batch.get(batch_id, ()):
                    row = self.rows[payment_id]
                    self._apply(row, Refused(number, reason), number, place, message_id)
            case Unmatched(code, reference, amount_minor, currency):
                self.differ(
                    Difference(
                        code,
                        number,
                        place,
                        reference=reference,
                        amount_minor=amount_minor,
                        currency=currency,
                    )
                )

    def differ(self, difference: Difference) -> None:
        """Notes what a person must look at."""
        log.warning("bank message %s: %s", difference.number, difference.code)
        self.differences.append(difference)

    def _apply(self, row: Row, answer: Answer, number: int, place: int, message_id: str) -> None:
        before = self.payments[row["id"]]
        step = apply(before, answer)
        if step.payment != before:
            self.payments[row["id"]] = self.changed[row["id"]] = step.payment
        if step.difference:
            self.differ(
                Difference(
                    step.difference,
                    number,
                    place,
                    row["region"],
                    row["id"],
                    amount_minor=row["amount_minor"],
                    currency=row["currency"],
                )
            )
        if step.posting:
            self.transfers.append(Transfer(row["id"], step.posting, row["amount_minor"]))
            seed = str(derived_id(message_id, f"bank.{step.posting}", str(row["id"])))
            cause = Cause(seed, seed, str(row["cycle_id"]), row["region"])
            self.outcomes.append(Decided(cause, _fact(row, step.payment, step.posting, self._zone)))

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.tx.settings.time_zone)

    async def close(self) -> list[Outcome]:
        """Saves everything and returns what is to be published."""
        connection = self.tx.connection
        await bank.save_payments(connection, self.changed.values())
        await bank.post(connection, self.transfers, self.tx.business_now)
        if self.changed:
            ids = [self.rows[payment_id]["cycle_id"] for payment_id in self.changed]
            await bank.touch_cycles(connection, ids)
        await bank.save_differences(connection, self.differences)
        return self.outcomes


def _fact(row: Row, payment: Payment, posting: Posting, zone: ZoneInfo) -> Fact:
    if posting is Posting.SETTLED:
        booked_on = payment.booked_on
        if booked_on is None:
            raise LookupError("a settled payment has its day")
        return PaymentSettled(
            payment_id=row["id"],
            entitlement_id=row["entitlement_id"],
            person_id=row["person_id"],
            month=row["month"],
            amount_minor=row["amount_minor"],
            currency=row["currency"],
            settled_at=datetime.combine(booked_on, time(), zone),
            provider_sequence=payment.booked_sequence or 0,
        )
    return PaymentReturned(
        payment_id=row["id"],
        entitlement_id=row["entitlement_id"],
        person_id=row["person_id"],
        month=row["month"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        reason=payment.reason or "",
        provider_sequence=payment.returned_sequence or 0,
    )
