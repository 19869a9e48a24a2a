"""Places that change: dated administrative units of three countries and what became of them."""

import datetime as dt
from functools import lru_cache

from contracts.places.countries import country_of
from contracts.places.history import GRACE_DAYS, Change, History
from contracts.places.loading import COUNTRIES, load_history, load_regions
from contracts.places.units import Level, Unit

__all__ = [
    "COUNTRIES",
    "GRACE_DAYS",
    "Change",
    "History",
    "Level",
    "Unit",
    "became",
    "country_of",
    "in_force",
    "latest",
    "load_history",
    "load_regions",
    "region_of",
    "understood",
    "unit",
]


def region_of(region: str) -> tuple[str, str]:
    """The country and national code of a region named by ISO 3166-2 ("VN-07") or by that code."""
    known = load_regions().get(region)
    return known or (country_of(region), region)


@lru_cache(maxsize=256)
def in_force(region: str, on: dt.date) -> frozenset[str]:
    """The codes of all units below a region on a day; empty if there is no such region that day."""
    country, code = region_of(region)
    if country not in COUNTRIES or load_history(country).unit(code, on) is None:
        return frozenset()
    return load_history(country).inside(code, on)


def unit(code: str, on: dt.date) -> Unit | None:
    """The unit that had a national code on a day."""
    country = country_of(code)
    return load_history(country).unit(code, on) if country else None


def became(code: str, then: dt.date, now: dt.date) -> tuple[Unit, ...]:
    """What the unit of day `then` is on day `now`: its heirs, or before it its origins."""
    country = country_of(code)
    return load_history(country).became(code, then, now) if country else ()


def understood(code: str, on: dt.date, grace_days: int = GRACE_DAYS) -> Unit | None:
    """The unit meant by a code on a form of day `on`, old codes within a grace period included."""
    country = country_of(code)
    return load_history(country).understood(code, on, grace_days) if country else None


def latest(code: str) -> str:
    """Today's national code for a code of any time, ISO 3166-2 included; else the code itself."""
    country, national = region_of(code)
    return load_history(country).latest(national) if country else code
