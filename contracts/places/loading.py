"""The committed units of Uzbekistan, Ukraine and Viet Nam. See `data/README.md` for the sources."""

import csv
import datetime as dt
import gzip
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files

from contracts.places.history import Change, History
from contracts.places.units import Level, Unit

COUNTRIES = ("UZ", "UA", "VN")
_FIXED = 5


@lru_cache(maxsize=len(COUNTRIES))
def load_history(country: str) -> History:
    """The history of one country ("UZ", "UA" or "VN"); read once from the package's own data."""
    return History(_units(country), _changes(country))


@lru_cache(maxsize=1)
def load_regions() -> dict[str, tuple[str, str]]:
    """ISO 3166-2 code to (country, national code of the region)."""
    rows = _rows("regions")
    next(rows)
    return {iso: (iso[:2], code) for iso, code in rows}


def _units(country: str) -> Iterator[Unit]:
    rows = _rows(f"units_{country.lower()}")
    languages = next(rows)[_FIXED:]
    for code, level, parent, start, end, *written in rows:
        names = {language: name for language, name in zip(languages, written, strict=True) if name}
        yield Unit(country, code, Level(level), parent, names, _date(start), _date(end))


def _changes(country: str) -> Iterator[Change]:
    if country != "VN":
        return
    rows = _rows(f"changes_{country.lower()}")
    next(rows)
    for old, new, on, main in rows:
        yield Change(old, new, dt.date.fromisoformat(on), main == "1")


def _rows(name: str) -> Iterator[list[str]]:
    packed = files(__package__).joinpath("data", f"{name}.csv.gz").read_bytes()
    return csv.reader(gzip.decompress(packed).decode("utf-8").splitlines())


def _date(text: str) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None
