"""The text of a message: an ICU message per template and language, values in people's own form."""

import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final
from unicodedata import normalize

from babel import Locale
from babel.dates import format_skeleton
from babel.numbers import format_currency
from icu4py.messageformat import MessageFormat

from contracts.values import CURRENCY_EXPONENT

_WORDS: Final[dict[str, dict[str, str]]] = tomllib.loads(
    files(__package__).joinpath("messages.toml").read_text(encoding="utf-8")
)
SUBJECTS: Final = _WORDS["subject"]
"""Language → subject of every mail."""
TEMPLATES: Final = {name: said for name, said in _WORDS.items() if name != "subject"}
"""Template → language → ICU message."""

ISOLATE, END_ISOLATE = "\u2068", "\u2069"
"""First strong isolate and its end (Unicode Annex 9): a value cannot flip what stands beside it."""


@dataclass(frozen=True, slots=True)
class Composition:
    """What a message says, apart from the words: they are put together when it is sent."""

    template: str
    language: str
    amount_minor: int
    currency: str
    month: str


class CompositionError(Exception):
    """Nothing can be written from this: the template, its language or the currency is unknown."""


def check(composition: Composition) -> Composition:
    """Itself, if a text can be written from it; else a `CompositionError`."""
    if composition.language not in TEMPLATES.get(composition.template, {}):
        raise CompositionError(f"no {composition.template} in {composition.language}")
    if composition.currency not in CURRENCY_EXPONENT:
        raise CompositionError(f"no currency {composition.currency}")
    return composition


def text(composition: Composition) -> str:
    """The text, in NFC; in right-to-left languages each value is isolated."""
    check(composition)
    language = composition.language
    values = {
        "amount": _amount(composition.amount_minor, composition.currency, language),
        "month": _month(composition.month, language),
    }
    written = {name: _isolated(value, language) for name, value in values.items()}
    return normalize("NFC", _message(composition.template, language).format({**written}))


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(language, sep="-")


@cache
def _message(template: str, language: str) -> MessageFormat:
    return MessageFormat(TEMPLATES[template][language], str(_locale(language)))


@lru_cache(maxsize=4096)
def _amount(amount_minor: int, currency: str, language: str) -> str:
    amount = Decimal(amount_minor).scaleb(-CURRENCY_EXPONENT[currency])
    return format_currency(amount, currency, locale=_locale(language))


@lru_cache(maxsize=512)
def _month(month: str, language: str) -> str:
    first_day = date.fromisoformat(f"{month}-01")
    return format_skeleton("yMMMM", first_day, locale=_locale(language))


def _isolated(value: str, language: str) -> str:
    if _locale(language).text_direction == "rtl":
        return f"{ISOLATE}{value}{END_ISOLATE}"
    return value
