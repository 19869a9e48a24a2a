"""How two people agree in each field: one level per field, chosen from a short list.

A level is a small whole number; 0 is always "not known of one of the two". The numbers themselves
say nothing: what a level is worth is learned (see `training`), what it means to a reader stands in
`reasons`.
"""

from enum import IntEnum
from functools import cache

import numpy as np
import numpy.typing as npt

Levels = npt.NDArray[np.uint8]
"""One row a pair, one column a field in the order of `FIELDS`."""


class Name(IntEnum):
    """Agreement of two names."""

    UNKNOWN = 0
    DIFFERENT = 1
    CLOSE = 2
    INITIAL = 3
    SLIP = 4
    SOUND = 5
    MARKS = 6
    SPELLING = 7
    WRITTEN = 8
    CONSONANTS = 9
    TWO_NAMES = 10
    TONE = 11
    KEPT = 12


class Born(IntEnum):
    """Agreement of two birth dates."""

    UNKNOWN = 0
    DIFFERENT = 1
    GENERATION = 2
    NEAR = 3
    YEAR = 4
    ONE_DIGIT = 5
    FIRST_OF_JANUARY = 6
    SWAPPED = 7
    NUMBER = 8
    SAME = 9
    TWO_PARTS = 10
    YEAR_SLIP = 11
    BOTH_JANUARY = 12


class Number(IntEnum):
    """Agreement of two national identifiers."""

    UNKNOWN = 0
    DIFFERENT = 1
    BOTH_SOUND = 2
    NEIGHBOURS = 3
    NO_RULE = 4
    SLIP = 5
    SAME = 6


class Phone(IntEnum):
    """Agreement of two telephone numbers."""

    UNKNOWN = 0
    DIFFERENT = 1
    SLIP = 2
    SAME = 3


class Home(IntEnum):
    """Agreement of two homes: place (old codes brought to the present) and address together."""

    UNKNOWN = 0
    OTHER_REGION = 1
    SAME_REGION = 2
    SAME_PLACE = 3
    PLACE_ONLY = 4
    STREET = 5
    ADDRESS_ONLY = 6
    SAME = 7


class Simple(IntEnum):
    """Agreement of two codes."""

    UNKNOWN = 0
    DIFFERENT = 1
    SAME = 2


FIELDS: dict[str, type[IntEnum]] = {
    "given": Name,
    "family": Name,
    "middle": Name,
    "sex": Simple,
    "born": Born,
    "number": Number,
    "phone": Phone,
    "home": Home,
    "household": Simple,
    "order": Simple,
}
COLUMN: dict[str, int] = {field: i for i, field in enumerate(FIELDS)}


@cache
def among(*wanted: int) -> npt.NDArray[np.bool_]:
    """Level → whether it is one of these: indexed with levels it answers for all of them."""
    table = np.zeros(np.iinfo(np.uint8).max + 1, dtype=np.bool_)
    table[list(wanted)] = True
    return table
