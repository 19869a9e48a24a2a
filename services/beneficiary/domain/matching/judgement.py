"""What is said about one pair: a score, one of three outcomes, and the reasons field by field."""

from dataclasses import dataclass
from enum import StrEnum

SAME_AT = 0.9
"""Score from which a pair is called the same person. A person confirms it; nothing is merged."""
REVIEW_AT = 0.2
"""Score from which a pair is uncertain and shown for review."""


class Outcome(StrEnum):
    """The three answers."""

    SAME = "same"
    REVIEW = "review"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Reason:
    """What one field contributes: `weight` in bits, above 0 for the same person, below against.

    `level` is the code of the agreement, `words` say it to an officer.
    """

    field: str
    level: str
    words: str
    weight: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer for one pair; `score` is between 0 and 1.

    `reasons` stand strongest first; `missing` says what is not known of one of the two; `decisive`
    is the one fact that settles the pair whatever the others say, or empty.
    """

    score: float
    outcome: Outcome
    reasons: tuple[Reason, ...]
    missing: tuple[str, ...] = ()
    decisive: str = ""

    @property
    def words(self) -> str:
        """The whole judgement in one line for an officer."""
        parts = (
            ("", [self.decisive] if self.decisive else []),
            ("for: ", [one.words for one in self.reasons if one.weight > 0]),
            ("against: ", [one.words for one in self.reasons if one.weight < 0]),
            ("says little: ", [one.words for one in self.reasons if one.weight == 0]),
            ("missing on a form: ", list(self.missing)),
        )
        return "; ".join(name + ", ".join(texts) for name, texts in parts if texts)


def outcome_of(score: float) -> Outcome:
    """The outcome that a score stands for."""
    if score >= SAME_AT:
        return Outcome.SAME
    return Outcome.REVIEW if score >= REVIEW_AT else Outcome.DIFFERENT
