"""A payment cycle: prepared by one officer, approved by two others exactly as it will be paid.

What is approved is a digest over every line. Whoever holds the list can compute it: SHA-256 over
the lines in the order of their payment ids, each `payment|entitlement|payee|month|component|
amount|currency` in UTF-8, joined by line feeds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final
from uuid import UUID

from contracts.values import derived_id

APPROVALS_NEEDED: Final = 2


class CycleState(StrEnum):
    """How far a cycle is."""

    PREPARED = "prepared"
    ORDERED = "ordered"
    CLOSED = "closed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Line:
    """One payment as officers see and approve it."""

    payment_id: UUID
    entitlement_id: UUID
    payee_id: UUID
    month: str
    component: str
    amount_minor: int
    currency: str

    @property
    def canonical(self) -> str:
        """The line as it enters the digest."""
        return "|".join(
            (
                str(self.payment_id),
                str(self.entitlement_id),
                str(self.payee_id),
                self.month,
                self.component,
                str(self.amount_minor),
                self.currency,
            )
        )


def digest_of(lines: Iterable[Line]) -> str:
    """The digest of a cycle, hexadecimal; the order in which lines are given does not matter."""
    ordered = sorted(lines, key=lambda line: line.payment_id.bytes)
    return sha256("\n".join(line.canonical for line in ordered).encode()).hexdigest()


def cycle_id(programme: str, month: str, region: str, number: int) -> UUID:
    """The id of a cycle: asking twice for the same one names the same one."""
    return derived_id(f"{programme}\x1f{month}\x1f{region}", "cycle", str(number))


@dataclass(frozen=True, slots=True)
class Cycle:
    """What an approval is decided on. `approvers` are subjects of verified tokens."""

    id: UUID
    state: CycleState
    prepared_by: str
    digest: str
    approvers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an officer's command has no effect: a code."""

    code: str


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The command took effect before: nothing is to be done."""


@dataclass(frozen=True, slots=True)
class Approved:
    """One more officer agrees. `orders`: it was the last one needed, the payments are ordered."""

    orders: bool


def approve(cycle: Cycle, officer: str, digest: str) -> Approved | Unchanged | Refusal:
    """Decides about an officer's approval of exactly these lines.

    The officer whose approval ordered the cycle may repeat it and is told the same; one who has
    approved and waits for the second officer is refused, so that nobody takes it for the second.
    """
    if officer == cycle.prepared_by:
        return Refusal("cycle.own_preparation")
    if digest != cycle.digest:
        return Refusal("cycle.other_digest")
    if cycle.state is CycleState.CANCELLED:
        return Refusal("cycle.cancelled")
    if cycle.state is not CycleState.PREPARED:
        known = officer in cycle.approvers
        return Unchanged() if known else Refusal("cycle.already_ordered")
    if officer in cycle.approvers:
        return Refusal("cycle.second_officer_needed")
    return Approved(orders=len(cycle.approvers) + 1 == APPROVALS_NEEDED)


def cancel(cycle: Cycle) -> Unchanged | Refusal | None:
    """Decides whether a cycle may be withdrawn; None says that it may."""
    if cycle.state is CycleState.CANCELLED:
        return Unchanged()
    return None if cycle.state is CycleState.PREPARED else Refusal("cycle.already_ordered")
