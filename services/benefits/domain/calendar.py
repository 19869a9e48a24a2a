"""Working days and months: when a decision is due, when a hold ends, which month comes next."""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5
REVIEW_AT: Final = time(0, 30)
"""Local time at which a month's changes by age or rate take effect, on its first day."""


def add_working_days(day: date, count: int, holidays: Collection[date] = ()) -> date:
    """The `count`-th working day after `day`, which never counts itself; `count` is at least 1.

    Saturdays, Sundays and holidays are skipped.
    """
    while count > 0:
        day += _DAY
        if day.weekday() < _SATURDAY and day not in holidays:
            count -= 1
    return day


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which a day is over: local midnight."""
    return datetime.combine(day + _DAY, time(), zone)


def review_instant(month: str, zone: ZoneInfo) -> datetime:
    """When what changes with a month is looked at again: its first day, 00:30 local time."""
    return datetime.combine(date.fromisoformat(f"{month}-01"), REVIEW_AT, zone)


def years_old(born_on: date, today: date) -> int:
    """Whole years on a day; someone born on 29 February has the birthday on 1 March otherwise."""
    return today.year - born_on.year - ((today.month, today.day) < (born_on.month, born_on.day))
