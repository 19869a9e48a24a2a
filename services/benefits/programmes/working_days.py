"""Working days and deadlines, by the national calendars that are data beside this module."""

import tomllib
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Annotated, Final

from pydantic import Field

from services.benefits.programmes.facts import Refused
from services.benefits.programmes.inputs import Part, Prose
from services.benefits.programmes.pack import Pack

CALENDARS: Final = ("VN", "UA", "UZ")
_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5


class Year(Part):
    """Days off besides weekends, and weekend days that are worked, of one year."""

    year: Annotated[int, Field(ge=2000, le=2100)]
    holidays: tuple[date, ...]
    worked: tuple[date, ...] = ()
    law: Prose
    verified: Annotated[str, Field(pattern="^(yes|no)$")]


class Calendar(Part):
    """A country's working days."""

    country: str
    years: tuple[Year, ...]


@cache
def load_calendar(country: str) -> Calendar:
    """A packaged calendar; `KeyError` for a country without one."""
    if country not in CALENDARS:
        raise KeyError(country)
    path = resources.files(__package__) / "calendars" / f"{country.lower()}.toml"
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    years = [
        {**year, "holidays": tuple(year["holidays"]), "worked": tuple(year.get("worked", ()))}
        for year in data["years"]
    ]
    return Calendar.model_validate({"country": data["country"], "years": tuple(years)})


def after_working_days(calendar: Calendar, received_on: date, days: int) -> date | Refused:
    """The last of so many working days, counted from the day after receipt."""
    by_year = {year.year: year for year in calendar.years}
    day, left = received_on, days
    while left > 0:
        day += _DAY
        year = by_year.get(day.year)
        if year is None:
            return Refused("calendar", "no_year", f"{calendar.country} has no {day.year}")
        weekday = day.weekday() < _SATURDAY and day not in year.holidays
        if weekday or day in year.worked:
            left -= 1
    return day


def deadline(pack: Pack, name: str, received_on: date) -> date | Refused:
    """When something named in the pack's deadlines is due."""
    terms = [term for term in pack.deadlines if term.name == name and term.from_ <= received_on]
    if not terms:
        return Refused("deadlines", "unknown", f"{pack.code} sets no deadline {name} on that day")
    newest = max(terms, key=lambda term: term.from_)
    return after_working_days(load_calendar(pack.country), received_on, newest.working_days)


def next_application_day(pack: Pack, earlier: tuple[date, ...], on: date) -> date | None:
    """None where an application may be made on a day, else the first day on which one may."""
    limit = pack.applications_per_month
    same_month = [day for day in earlier if (day.year, day.month) == (on.year, on.month)]
    if limit is None or len(same_month) < limit:
        return None
    return date(on.year + on.month // 12, on.month % 12 + 1, 1)


def pay_window(pack: Pack, decided_on: date) -> date | None:
    """The first pay window that opens after a decision: the day after the window's day."""
    for month in range(2):
        year, index = divmod(decided_on.year * 12 + decided_on.month - 1 + month, 12)
        for after in pack.pay_after_days:
            opens = date(year, index + 1, after) + _DAY
            if opens > decided_on:
                return opens
    return None
