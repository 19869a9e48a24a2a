"""What is said about one pair: a score, one of three outcomes, and the reasons field by field."""

from dataclasses import dataclass
from enum import StrEnum

SAME_AT = 0.9
"""Score from which a pair is called the same person. A person confirms it; nothing is merged."""
REVIEW_AT = 0.3
"""Score from which a pair is uncertain and shown for review."""


class Outcome(StrEnum):
    """The three answers."""

    SAME = "same"
    REVIEW = "review"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Reason:
    """What one field contributes: `weight` in bits, above 0 for the same person, below against."""

    field: str
    level: str
    words: str
    weight: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer for one pair; `score` is between 0 and 1."""

    score: float
    outcome: Outcome
    reasons: tuple[Reason, ...]

    @property
    def words(self) -> str:
        """All reasons in one line, strongest first."""
        return "; ".join(reason.words for reason in self.reasons)


def outcome_of(score: float) -> Outcome:
    """The outcome that a score stands for."""
    if score >= SAME_AT:
        return Outcome.SAME
    return Outcome.REVIEW if score >= REVIEW_AT else Outcome.DIFFERENT
