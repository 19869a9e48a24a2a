"""What will happen to each payment: decided by the seed and its own id, by nothing else."""

import hashlib
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["book", "reject", "return"]

# Codes of the ISO 20022 external code lists (status reasons and return reasons).
REJECT_REASONS = ("AC01", "AC04", "AC06")
"""Incorrect account number, closed account, blocked account."""
RETURN_REASONS = ("AC04", "AC06", "BE01", "MD07")
"""Closed account, blocked account, name and account do not fit, the payee has died."""


@dataclass(frozen=True, slots=True)
class Shares:
    """How often things happen, each between 0 and 1."""

    reject: float = 0.004
    """Payments refused instead of booked."""
    returned: float = 0.006
    """Payments booked, then returned by the payee's bank."""
    late: float = 0.01
    """Payments booked later than the others of their file."""
    twice: float = 0.05
    """Messages said again later, under a new number."""
    lost: float = 0.0
    """Order files that are stored although their sender gets no answer the first time."""

    def __post_init__(self) -> None:
        shares = (self.reject, self.returned, self.late, self.twice, self.lost)
        if not all(0 <= share <= 1 for share in shares) or self.reject + self.returned > 1:
            raise ValueError("shares lie between 0 and 1, reject and return together as well")


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to one payment; `reason` is empty if it is simply booked."""

    outcome: Outcome
    reason: str
    late: bool


@dataclass(frozen=True, slots=True)
class Fortune:
    """Fates by seed: two banks with one seed treat the same payment alike."""

    seed: int
    shares: Shares

    def of_payment(self, end_to_end_id: str) -> Fate:
        """What happens to the payment with this id."""
        drawn = self._draw("outcome", end_to_end_id)
        late = self._draw("late", end_to_end_id) < self.shares.late
        if drawn < self.shares.reject:
            return Fate("reject", self._pick(REJECT_REASONS, end_to_end_id), late)
        if drawn < self.shares.reject + self.shares.returned:
            return Fate("return", self._pick(RETURN_REASONS, end_to_end_id), late)
        return Fate("book", "", late)

    def says_twice(self, message_id: str) -> bool:
        """Whether the bank repeats this message of its own later."""
        return self._draw("twice", message_id) < self.shares.twice

    def loses_answer(self, message_id: str) -> bool:
        """Whether the first answer to this order file gets lost."""
        return self._draw("lost", message_id) < self.shares.lost

    def message_id(self, *parts: str) -> str:
        """An id for a message of the bank that is about these things: 32 hexadecimal digits."""
        return self._digest("message", "\x1f".join(parts)).hex()[:32]

    def _pick(self, reasons: tuple[str, ...], key: str) -> str:
        return reasons[int(self._draw("reason", key) * len(reasons))]

    def _draw(self, purpose: str, key: str) -> float:
        return int.from_bytes(self._digest(purpose, key)[:6]) / 2**48

    def _digest(self, purpose: str, key: str) -> bytes:
        return hashlib.sha256(f"{self.seed}\x1f{purpose}\x1f{key}".encode()).digest()
