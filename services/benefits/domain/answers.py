"""What the bank's answers make of a payment: the same whatever their order, late or repeated.

Only booked entries move money. A payment that was refused or came back stays returned. What is
remembered of each kind of answer is its lowest number, so the fold of a set of answers is the
fold of any permutation of it, and a repetition adds nothing.
"""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from uuid import UUID

from services.benefits.domain.ledger import Posting


class State(StrEnum):
    """What has become of a payment."""

    PREPARED = "prepared"
    ORDERED = "ordered"
    SETTLED = "settled"
    RETURNED = "returned"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Booked:
    """The account was debited for a payment."""

    sequence: int
    amount_minor: int
    currency: str
    booked_on: date


@dataclass(frozen=True, slots=True)
class Refused:
    """The bank does not carry a payment out."""

    sequence: int
    reason: str


@dataclass(frozen=True, slots=True)
class SentBack:
    """The money of a payment came back."""

    sequence: int
    amount_minor: int
    currency: str
    reason: str


Answer = Booked | Refused | SentBack


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment as the bank's answers see it; amounts in whole minor units."""

    payment_id: UUID
    amount_minor: int
    currency: str
    ordered: bool = True
    """False before two officers approved it, and when it was cancelled: the bank knows nothing."""
    booked_sequence: int | None = None
    booked_on: date | None = None
    returned_sequence: int | None = None
    reason: str | None = None

    @property
    def state(self) -> State:
        """Ordered, settled or returned."""
        if self.returned_sequence is not None:
            return State.RETURNED
        return State.ORDERED if self.booked_sequence is None else State.SETTLED


@dataclass(frozen=True, slots=True)
class Step:
    """What one answer did: at most one posting, or a difference a person must look at."""

    payment: Payment
    posting: Posting | None = None
    difference: str | None = None


def apply(payment: Payment, answer: Answer) -> Step:
    """Takes one answer in."""
    if not payment.ordered:
        return Step(payment, difference="not_ordered")
    if not isinstance(answer, Refused) and (answer.amount_minor, answer.currency) != (
        payment.amount_minor,
        payment.currency,
    ):
        return Step(payment, difference="amount_differs")
    return _book(payment, answer) if isinstance(answer, Booked) else _return(payment, answer)


def _book(payment: Payment, answer: Booked) -> Step:
    known = payment.booked_sequence
    if known is not None and known != answer.sequence:
        first = min(known, answer.sequence)
        return Step(replace(payment, booked_sequence=first), difference="settled_twice")
    if known is not None:
        return Step(payment)
    later = replace(payment, booked_sequence=answer.sequence, booked_on=answer.booked_on)
    if payment.returned_sequence is not None:
        twice = answer.sequence > payment.returned_sequence
        return Step(later, difference="settled_after_return" if twice else None)
    return Step(later, Posting.SETTLED)


def _return(payment: Payment, answer: Refused | SentBack) -> Step:
    known = payment.returned_sequence
    if known is not None and known <= answer.sequence:
        return Step(payment)
    later = replace(payment, returned_sequence=answer.sequence, reason=answer.reason)
    if known is not None:
        return Step(later)
    return Step(later, Posting.REJECTED if payment.booked_sequence is None else Posting.RETURNED)
