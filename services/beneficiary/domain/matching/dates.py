"""Comparing birth dates, and what national numbers say of them."""

import numpy as np

from services.beneficiary.domain.matching.columns import Columns
from services.beneficiary.domain.matching.levels import Born, Levels
from services.beneficiary.domain.matching.vocabulary import Ints

GENERATION_YEARS = 13
NEAR_YEARS = 2
YEAR_SLIPS = (1, 10, 100)
"""Differences of years that one wrong digit makes most often."""
_EPOCH = 719_163  # ordinal of 1 January 1970


def born(a: Columns, b: Columns) -> Levels:
    """The level of each pair a[i], b[i]. A date missing on the form is taken from the number.

    One number on both forms says nothing about the dates: it may be another's, a parent's say.
    """
    x, y = _known(a), _known(b)
    year_x, year_y = _year(x, a.number_year), _year(y, b.number_year)
    (_, month_x, day_x), (_, month_y, day_y) = _parts(x), _parts(y)
    dated = (x > 0) & (y > 0)
    same_year = dated & (year_x == year_y)
    same_month, same_day = month_x == month_y, day_x == day_y
    apart = np.abs(year_x - year_y)
    level = _by_year(apart, (year_x == 0) | (year_y == 0))
    level[same_year & (same_month ^ same_day)] = Born.TWO_PARTS
    level[dated & same_month & same_day & _slipped(apart)] = Born.YEAR_SLIP
    level[same_year & (_digits_apart(x, y) == 1)] = Born.ONE_DIGIT
    first = ((month_x == 1) & (day_x == 1)) | ((month_y == 1) & (day_y == 1))
    level[same_year & first] = Born.FIRST_OF_JANUARY
    level[same_year & (month_x == day_y) & (day_x == month_y)] = Born.SWAPPED
    told = (a.number_born == y) | (b.number_born == x)
    level[dated & told & (a.number != b.number)] = Born.NUMBER
    level[dated & (x == y)] = Born.SAME
    level[dated & (x == y) & (month_x == 1) & (day_x == 1)] = Born.BOTH_JANUARY
    return level


def _slipped(apart: Ints) -> np.ndarray:
    return np.asarray(np.logical_or.reduce([apart == years for years in YEAR_SLIPS]))


def _known(people: Columns) -> Ints:
    return np.where(people.born > 0, people.born, people.number_born)


def _by_year(apart: Ints, unknown: np.ndarray) -> Levels:
    level = np.full(len(apart), Born.DIFFERENT, dtype=np.uint8)
    level[apart >= GENERATION_YEARS] = Born.GENERATION
    level[apart <= NEAR_YEARS] = Born.NEAR
    level[apart == 0] = Born.YEAR
    level[unknown] = Born.UNKNOWN
    return level


def _year(known: Ints, number_year: Ints) -> Ints:
    return np.where(known > 0, _parts(known)[0], number_year)


def _parts(ordinals: Ints) -> tuple[Ints, Ints, Ints]:
    """Year, month and day of proleptic ordinals."""
    days = (ordinals - _EPOCH).astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    year = days.astype("datetime64[Y]").astype(np.int64) + 1970
    return year, months.astype(np.int64) % 12 + 1, (days - months).astype(np.int64) + 1


def _digits_apart(x: Ints, y: Ints) -> Ints:
    """In how many digits two dates differ when month and day are written with two digits each."""
    (_, month_x, day_x), (_, month_y, day_y) = _parts(x), _parts(y)
    a, b = month_x * 100 + day_x, month_y * 100 + day_y
    apart = np.zeros(len(a), dtype=np.int64)
    for power in (1, 10, 100, 1000):
        apart += (a // power) % 10 != (b // power) % 10
    return apart
