"""The ledger: transfers between four accounts, never changed, balanced by construction.

A transfer debits one account and credits another with one amount, so no transaction can be out of
balance. The signed balances (credit minus debit) of all accounts sum to zero at every instant:
what the programme owes for a month is pending, paid or returned, and nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID


class Account(StrEnum):
    """Where money stands."""

    BUDGET = "budget"
    """The programme's money for the month: debited when payments are ordered."""
    PAYABLE = "payable"
    """Ordered and not yet answered by the bank."""
    BANK = "bank"
    """Booked by the bank to the payee."""
    RETURNED = "returned"
    """Refused or sent back: owed to the person still."""


class Posting(StrEnum):
    """Why money moves; each happens to a payment at most once."""

    ORDERED = "ordered"
    SETTLED = "settled"
    REJECTED = "rejected"
    """The bank did not carry it out: nothing had been booked."""
    RETURNED = "returned"
    """It came back after it had been booked."""


SIDES: Final = {
    Posting.ORDERED: (Account.BUDGET, Account.PAYABLE),
    Posting.SETTLED: (Account.PAYABLE, Account.BANK),
    Posting.REJECTED: (Account.PAYABLE, Account.RETURNED),
    Posting.RETURNED: (Account.BANK, Account.RETURNED),
}
"""Posting → the account debited, the account credited."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One posting of one payment, in whole minor units."""

    payment_id: UUID
    posting: Posting
    amount_minor: int

    @property
    def debit(self) -> Account:
        """The account that gives."""
        return SIDES[self.posting][0]

    @property
    def credit(self) -> Account:
        """The account that takes."""
        return SIDES[self.posting][1]


@dataclass(frozen=True, slots=True)
class Position:
    """Where the money of a programme, month and currency stands, in whole minor units."""

    entitled_minor: int
    pending_minor: int
    paid_minor: int
    returned_minor: int

    @property
    def balanced(self) -> bool:
        """Whether nothing was created or lost."""
        parts = self.pending_minor + self.paid_minor + self.returned_minor
        return self.entitled_minor == parts


def position(balances: dict[str, int]) -> Position:
    """The position that signed balances (credit minus debit) per account come to."""
    return Position(
        entitled_minor=-balances.get(Account.BUDGET, 0),
        pending_minor=balances.get(Account.PAYABLE, 0),
        paid_minor=balances.get(Account.BANK, 0),
        returned_minor=balances.get(Account.RETURNED, 0),
    )


def balances_of(transfers: Iterable[Transfer]) -> dict[str, int]:
    """Signed balance (credit minus debit) per account."""
    balances: dict[str, int] = dict.fromkeys(Account, 0)
    for transfer in transfers:
        balances[transfer.debit] -= transfer.amount_minor
        balances[transfer.credit] += transfer.amount_minor
    return balances
