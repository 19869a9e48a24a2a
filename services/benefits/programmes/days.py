"""Days and months as whole numbers, so that the law's calendar is plain comparison.

A day is packed as `(year * 12 + month - 1) * 32 + day of month`: packed days order like dates, a
month is `day >> 5`, and the n-th birthday is one addition. A month is `year * 12 + month - 1`.
"""

from calendar import monthrange
from datetime import date
from functools import lru_cache
from typing import Final

NEVER: Final = (9999 * 12 + 11) * 32 + 31
"""Later than every day the law speaks of: the end of what has no end."""
ALWAYS: Final = 32
"""Earlier than every day the law speaks of: the start of what has no start."""
MONTHS_PER_YEAR: Final = 12
YEAR: Final = MONTHS_PER_YEAR * 32
_LEAP_DAY: Final = 32 + 29
"""29 February within its packed year."""


def pack_day(day: date) -> int:
    """The packed form of a calendar day."""
    return (day.year * 12 + day.month - 1) * 32 + day.day


def unpack_day(day: int) -> date:
    """The calendar day of a packed one."""
    year, month = divmod(day >> 5, 12)
    return date(year, month + 1, day & 31)


def birthday(birth: int, years: int) -> int:
    """The day a person born on `birth` reaches `years`.

    Someone born on 29 February reaches it on 1 March where the year has no such day.
    """
    day = birth + years * YEAR
    if birth % YEAR == _LEAP_DAY and not _is_leap(day // YEAR):
        return day + 4  # 29 February is packed four below 1 March
    return day


def next_day(day: int) -> int:
    """The day after; what has no end has no day after."""
    if day >= NEVER:
        return NEVER
    month = day >> 5
    if day & 31 < days_in(month):
        return day + 1
    return (month + 1) * 32 + 1


def previous_day(day: int) -> int:
    """The day before; what has no start has no day before."""
    if day <= ALWAYS:
        return ALWAYS
    if day & 31 > 1:
        return day - 1
    return last_day((day >> 5) - 1)


def days_in(month: int) -> int:
    """How many days a month has."""
    year, index = divmod(month, 12)
    return monthrange(year, index + 1)[1] if year >= 1 else 31


def first_day(month: int) -> int:
    """The first day of a month."""
    return month * 32 + 1


def last_day(month: int) -> int:
    """The last day of a month."""
    return month * 32 + days_in(month)


def term_end(start: int, months: int) -> int:
    """The last day of a term of whole months that starts on `start`.

    It is the day before the same day of the later month; where that month has no such day, its
    last day: six months from 15 August end on 14 February, from 31 August on 28 February.
    """
    month = (start >> 5) + months
    if start & 31 > days_in(month):
        return last_day(month)
    return previous_day(month * 32 + (start & 31))


@lru_cache(maxsize=4096)
def parse_month(text: str) -> int | None:
    """The month written `2024-06` in ASCII digits, or None."""
    year, dash, month = text.partition("-")
    if not (dash and len(year) == 4 and len(month) == 2 and text.isascii()):  # noqa: PLR2004 - ISO
        return None
    if not (year.isdigit() and month.isdigit() and 1 <= int(month) <= MONTHS_PER_YEAR):
        return None
    return int(year) * 12 + int(month) - 1


def parse_day(text: str) -> int | None:
    """The day written `2024-06-30` in ASCII digits, or None."""
    if not (len(text) == 10 and text.isascii()):  # noqa: PLR2004 - ISO
        return None
    if not (text[4] == text[7] == "-" and (text[:4] + text[5:7] + text[8:]).isdigit()):
        return None
    try:
        return pack_day(date.fromisoformat(text))
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def month_text(month: int) -> str:
    """A month as `2024-06`."""
    year, index = divmod(month, 12)
    return f"{year:04d}-{index + 1:02d}"


def day_text(day: int) -> str:
    """A packed day as `2024-06-30`; empty for what has no start or no end."""
    if day <= ALWAYS or day >= NEVER:
        return ""
    return unpack_day(day).isoformat()


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
