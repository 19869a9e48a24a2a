"""The dashboard's words and page, served without anything from outside.

`labels.toml` holds every text in every language of the platform; numbers, months and amounts are
written in people's own form by Babel.
"""

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from contracts import places

HERE: Final = Path(str(files(__package__)))
STATIC: Final = HERE / "static"
FALLBACK: Final = "en"


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language, and how it writes numbers and dates."""

    tag: str
    texts: dict[str, str]
    locale: Locale

    def __getitem__(self, name: str) -> str:
        return self.texts[name]

    @property
    def direction(self) -> str:
        """`rtl` or `ltr`."""
        return "rtl" if self.locale.text_direction == "rtl" else "ltr"

    def number(self, value: int | None) -> str:
        """A count in the language's digits and groups; a dash where it is hidden."""
        return "–" if value is None else format_decimal(value, locale=self.locale)

    def month(self, month: str) -> str:
        """`2026-09` as people write it."""
        year, number = month.split("-")
        return format_date(date(int(year), int(number), 1), "LLLL y", locale=self.locale)

    def place(self, code: str, month: str) -> str:
        """The name of `VN-07-00694` in a month: in this language if it has one, else the first.

        What no list of units knows keeps its code.
        """
        national = code.split("-", 2)[2] if code.count("-") > 1 else places.region_of(code)[1]
        unit = places.unit(national, date.fromisoformat(f"{month}-01"))
        names = unit.names if unit else {}
        own = (name for tag, name in names.items() if tag.split("-")[0] == self.tag)
        return next(own, next(iter(names.values()), code))


@cache
def languages() -> dict[str, Words]:
    """Tag → words, in the order of the switch on the page."""
    tables = tomllib.loads((HERE / "labels.toml").read_text(encoding="utf-8"))
    return {tag: Words(tag, texts, Locale.parse(tag, sep="-")) for tag, texts in tables.items()}


def words_for(tag: str | None) -> Words:
    """The words of a language, or English."""
    return languages().get(tag or FALLBACK) or languages()[FALLBACK]


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(words: Words, **values: Any) -> str:
    """The dashboard as HTML."""
    template = _environment().get_template("dashboard.html")
    return template.render(words=words, languages=languages(), **values)
