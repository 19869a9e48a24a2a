"""Sentences, money, days and months in the language of the person who asks.

Messages are ICU patterns, one file per language beside this module; nothing is joined from
fragments. In a right-to-left language every inserted text is isolated from its neighbours.
"""

import tomllib
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Annotated, Final

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.numbers import format_currency, format_decimal
from icu4py.messageformat import MessageFormat
from pydantic import Field

from contracts.values import CURRENCY_EXPONENT
from services.benefits.programmes.days import unpack_day
from services.benefits.programmes.inputs import Part
from services.benefits.programmes.plan import SCALE

LANGUAGES: Final = ("uz-Latn", "uz-Cyrl", "ru", "uk", "vi", "ar", "en")
"""Languages in which a decision can be explained."""
NONE: Final = "none"
"""What an absent value is called in a pattern's `select`."""
_NUMERIC_DAYS: Final = {"ru": "dd.MM.yyyy", "uk": "dd.MM.yyyy"}
"""Languages whose written-out dates end in an abbreviation, which would end the sentence twice."""
MAX_REMEMBERED: Final = 20_000
"""Amounts, days and months whose text is kept."""
_ISOLATE, _END = "\u2068", "\u2069"


class Messages(Part):
    """The patterns and names of one language."""

    sentence: Annotated[dict[str, str], Field(min_length=1)]
    group: Annotated[dict[str, str], Field(min_length=1)]
    fact: Annotated[dict[str, str], Field(min_length=1)]
    law: Annotated[dict[str, str], Field(default_factory=dict)]
    """References of the packs, as they are written there, in this language."""


@cache
def load_messages(language: str) -> Messages:
    """The messages of a language; `KeyError` for one that is not spoken here."""
    if language not in LANGUAGES:
        raise KeyError(language)
    path = resources.files(__package__) / "messages" / f"{language}.toml"
    return Messages.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))


class Speaker:
    """Says things in one language; `KeyError` for a language that is not spoken here."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.messages = load_messages(language)
        self.locale = Locale.parse(language, sep="-")
        self.direction = self.locale.text_direction
        self._patterns: dict[str, MessageFormat] = {}
        self._said: dict[object, str] = {}

    def say(self, key: str, **values: str | int) -> str:
        """A sentence with its values; texts are isolated where the language runs to the left."""
        pattern = self._patterns.get(key)
        if pattern is None:
            pattern = MessageFormat(self.messages.sentence[key], self.language)
            self._patterns[key] = pattern
        return str(pattern.format({name: self._placed(value) for name, value in values.items()}))

    def group(self, pack: str, group: str) -> str:
        """The name of a group; its code where an official's own pack has no name for it."""
        return self.messages.group.get(f"{pack}.{group}", group)

    def law(self, reference: str) -> str:
        """A legal reference; as the pack has it where this language has no words for it."""
        return self.messages.law.get(reference, reference)

    def fact(self, key: str) -> str:
        """The name of a fact, or of its value where that has a name of its own."""
        names = self.messages.fact
        return names.get(key) or names.get(key.partition("=")[0], key)

    def money(self, amount_minor: int, currency: str) -> str:
        """An amount in its currency."""
        text = self._said.get((amount_minor, currency))
        if text is None:
            amount = Decimal(amount_minor).scaleb(-CURRENCY_EXPONENT.get(currency, 2))
            text = str(format_currency(amount, currency, locale=self.locale))
            self._remember((amount_minor, currency), text)
        return text

    def factor(self, ten_thousandths: int) -> str:
        """A coefficient."""
        return str(format_decimal(Decimal(ten_thousandths) / SCALE, locale=self.locale))

    def day(self, day: date | int) -> str:
        """A day."""
        shown = unpack_day(day) if isinstance(day, int) else day
        text = self._said.get(shown)
        if text is None:
            pattern = _NUMERIC_DAYS.get(self.language, "long")
            text = str(format_date(shown, format=pattern, locale=self.locale))
            self._remember(shown, text)
        return text

    def month(self, month: int) -> str:
        """A month with its year."""
        text = self._said.get(month)
        if text is None:
            first = date(month // 12, month % 12 + 1, 1)
            text = str(format_skeleton("yMMMM", first, locale=self.locale))
            self._remember(month, text)
        return text

    def _remember(self, what: object, text: str) -> None:
        if len(self._said) >= MAX_REMEMBERED:
            self._said.clear()
        self._said[what] = text

    def _placed(self, value: str | int) -> str | int:
        if self.direction == "ltr" or isinstance(value, int) or value == NONE:
            return value
        return f"{_ISOLATE}{value}{_END}"


@cache
def speaker(language: str) -> Speaker:
    """The one who speaks a language; `KeyError` for a language that is not spoken here."""
    return Speaker(language)
