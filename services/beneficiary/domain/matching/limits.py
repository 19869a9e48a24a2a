"""What no sum of weights may decide: facts that settle a pair, and facts that are not enough.

A household shares family name, address, phone and often the birth date of twins. However much of
that agrees, it does not tell brother from brother: without the facts that do, a pair is a
question for a person.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.beneficiary.domain.matching.judgement import SAME_AT, outcome_of
from services.beneficiary.domain.matching.levels import (
    COLUMN,
    Born,
    Home,
    Levels,
    Name,
    Number,
    among,
)
from services.beneficiary.domain.matching.reasons import (
    ANOTHER_FAMILY,
    NO_GIVEN_NAME,
    NUMBER_OF_ANOTHER,
    ONLY_THE_YEAR,
    TWO_PEOPLE,
)

Flags = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.float64]
VETO_SCORE = 0.01
QUESTION_SCORE = round(SAME_AT - 0.0001, 4)
"""The highest score of a pair that only a person can decide."""

_NOT_BORN_ON_ONE_DAY = (
    *(Born.UNKNOWN, Born.DIFFERENT, Born.GENERATION, Born.NEAR, Born.YEAR, Born.TWO_PARTS),
    *(Born.FIRST_OF_JANUARY, Born.BOTH_JANUARY, Born.YEAR_SLIP),
)
_NOT_BORN_ALIKE = (Born.UNKNOWN, Born.DIFFERENT, Born.GENERATION, Born.NEAR)


@dataclass(frozen=True)
class Limit:
    """Where `applies`, a pair scores at most `highest`; `words` say why to an officer."""

    highest: float
    words: str
    applies: Callable[[Levels], Flags]


def limited(levels: Levels, scores: Scores, limits: Sequence[Limit]) -> Scores:
    """The scores, each within the limits that apply to its row of levels."""
    for limit in limits:
        scores = np.where(limit.applies(levels), np.minimum(scores, limit.highest), scores)
    return scores


def limit_of(levels: Levels, score: float, limits: Sequence[Limit]) -> str:
    """The words of the first limit that applies to a row and gives its outcome, or empty."""
    row = levels[np.newaxis]
    for limit in limits:
        if outcome_of(score) is outcome_of(limit.highest) and limit.applies(row)[0]:
            return limit.words
    return ""


def _is(levels: Levels, field: str, *wanted: int) -> Flags:
    return among(*wanted)[levels[:, COLUMN[field]]]


def _two_people(levels: Levels) -> Flags:
    return _is(levels, "number", Number.BOTH_SOUND, Number.NEIGHBOURS)


def _no_given_name(levels: Levels) -> Flags:
    """Only twins are born on one day: with the date, a given name may be missing."""
    unknown = _is(levels, "given", Name.UNKNOWN) & _is(levels, "born", *_NOT_BORN_ON_ONE_DAY)
    return unknown & ~_is(levels, "number", Number.SAME, Number.SLIP)


def _number_of_another(levels: Levels) -> Flags:
    """A parent who signs for a child may give the own number."""
    other_name = _is(levels, "given", Name.DIFFERENT, Name.TWO_NAMES)
    other_date = _is(levels, "born", *_NOT_BORN_ALIKE)
    generation = _is(levels, "born", Born.GENERATION)
    return _is(levels, "number", Number.SAME) & (generation | (other_name & other_date))


def _another_family(levels: Levels) -> Flags:
    """A man of another family name may be a neighbour in a home, or who has the phone now."""
    number = _is(levels, "number", Number.SAME, Number.SLIP)
    return _is(levels, "family", Name.KEPT) & ~number


def _only_the_year(levels: Levels) -> Flags:
    """An office writes 1 January and its own phone for many; namesakes have another home."""
    number = _is(levels, "number", Number.SAME, Number.SLIP)
    home = _is(levels, "home", Home.SAME, Home.ADDRESS_ONLY, Home.PLACE_ONLY)
    return _is(levels, "born", Born.BOTH_JANUARY) & ~home & ~number


VETOES = (Limit(VETO_SCORE, TWO_PEOPLE, _two_people),)
"""For every list."""


LIMITS = (
    *VETOES,
    Limit(QUESTION_SCORE, NUMBER_OF_ANOTHER, _number_of_another),
    Limit(QUESTION_SCORE, NO_GIVEN_NAME, _no_given_name),
    Limit(QUESTION_SCORE, ANOTHER_FAMILY, _another_family),
    Limit(QUESTION_SCORE, ONLY_THE_YEAR, _only_the_year),
)
"""For registers, which know households and patronymics."""
