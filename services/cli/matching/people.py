"""Reading lists of people: CSV files as offices send them, checked row by row.

A list that cannot be understood raises `UnreadableError` with file, row and column. A row that
cannot be used, or a value that means nothing, is noted in `Problems` and left out; values are never
repeated there. Rows are counted as an editor counts lines, the header being row 1.
"""

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from services.beneficiary.domain.matching import Kind, Person
from services.cli.matching.tables import Lines, UnreadableError, rows

T = TypeVar("T")

COLUMNS: dict[str, tuple[str, ...]] = {
    "record_id": ("rec_id", "record_id", "unique_id", "id"),
    "family_name": ("family_name", "surname", "last_name"),
    "given_name": ("given_name", "first_name"),
    "patronymic": ("patronymic", "middle_name"),
    "sex": ("sex", "gender"),
    "birth_date": ("birth_date", "date_of_birth", "dob"),
    "national_id": ("national_id", "soc_sec_id"),
    "phone": ("phone",),
    "region_code": ("region_code", "state"),
    "place_code": ("place_code", "postcode"),
    "household_id": ("household_id", "form_id"),
    "language": ("lang", "language"),
}
"""Facts of a person and the headings under which they are found; FEBRL's are among them."""
ADDRESS_COLUMNS = ("address", "street_number", "address_1", "address_2", "suburb", "city")
REGISTER_FACTS = frozenset({"sex", "phone", "household_id"})
SHOWN_PROBLEMS = 20
_SEXES = {"m": "M", "male": "M", "1": "M", "f": "F", "female": "F", "2": "F"}
_DATES = (
    (re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})"), (1, 2, 3)),
    (re.compile(r"(\d{4})(\d{2})(\d{2})"), (1, 2, 3)),
    (re.compile(r"(\d{1,2})[./](\d{1,2})[./](\d{4})"), (3, 2, 1)),
)


@dataclass
class Problems:
    """What was left out of the files and why: a count of each kind, and the first of them."""

    counts: Counter[str] = field(default_factory=Counter)
    shown: list[str] = field(default_factory=list)

    def add(self, place: str, what: str) -> None:
        """Notes a problem; `place` names file, row and column."""
        self.counts[what] += 1
        if len(self.shown) < SHOWN_PROBLEMS:
            self.shown.append(f"{place}: {what}")


class PeopleFile:
    """One list of people; the header is read at once, the rows when they are asked for."""

    def __init__(self, path: Path, encoding: str, problems: Problems) -> None:
        self._lines = Lines(path, encoding)
        self._problems = problems
        self._headings = [heading.lower() for heading in next(rows(self._lines), [])]
        self._facts = _facts(self._headings)
        self._address = [
            self._headings.index(one) for one in ADDRESS_COLUMNS if one in self._headings
        ]
        self._check_header()

    @property
    def kind(self) -> Kind:
        """Whether the list knows phones and households, or is a plain list of people."""
        return Kind.REGISTER if REGISTER_FACTS & self._facts.keys() else Kind.LIST

    def people(self, seen: dict[str, str]) -> Iterator[Person]:
        """Every usable row. `seen` holds the ids of all lists so far and where they stand."""
        content = rows(self._lines)
        next(content)
        for values in content:
            if len(values) != len(self._headings):
                found = f"{len(values)} values under {len(self._headings)} headings, row left out"
                self._problems.add(self._lines.at(), found)
            elif not values[self._facts["record_id"]]:
                self._problems.add(self._at("record_id"), "no id, row left out")
            else:
                yield self._person(values, seen)
        for row in self._lines.with_nul:
            self._problems.add(f"{self._lines.path.name} row {row}", "NUL characters, taken out")

    def _person(self, values: list[str], seen: dict[str, str]) -> Person:
        facts = {fact: values[place] for fact, place in self._facts.items()}
        record_id = facts["record_id"]
        if record_id in seen:
            raise UnreadableError(
                f"{self._at('record_id')}: this id stands in {seen[record_id]} already; "
                "answers name people by their ids, so each may stand once"
            )
        seen[record_id] = self._lines.at()
        born = self._read(facts, "birth_date", read_date, "not a date, taken as missing")
        sex = self._read(facts, "sex", read_sex, "neither M nor F, taken as missing")
        address = " ".join(values[place] for place in self._address)
        return Person(**facts, birth_date=born, sex=sex or "", address=address)

    def _read(
        self, facts: dict[str, str], fact: str, reader: Callable[[str], T | None], what: str
    ) -> T | None:
        text = facts.pop(fact, "")
        value = reader(text) if text else None
        if text and value is None:
            self._problems.add(self._at(fact), what)
        return value

    def _at(self, fact: str) -> str:
        return self._lines.at(self._headings[self._facts[fact]])

    def _check_header(self) -> None:
        if not self._headings:
            raise UnreadableError(f"{self._lines.path.name}: the file is empty")
        if "record_id" not in self._facts or not {"family_name", "given_name"} & self._facts.keys():
            raise UnreadableError(
                f"{self._lines.path.name} row 1: {len(self._headings)} columns, but not an id and "
                "a name; rec_id, family_name and given_name are expected, separated by commas"
            )


def read_date(text: str) -> dt.date | None:
    """A date as 2024-12-31, 20241231, 31.12.2024 or 31/12/2024; None if there is no such day."""
    for form, order in _DATES:
        found = form.fullmatch(text)
        if found:
            year, month, day = (int(found[place]) for place in order)
            try:
                return dt.date(year, month, day)
            except ValueError:
                return None
    return None


def read_sex(text: str) -> str | None:
    """M or F for what forms write, else None."""
    return _SEXES.get(text.lower())


def _facts(headings: list[str]) -> Mapping[str, int]:
    """For each fact the column of the first heading it is known by."""
    return {
        fact: headings.index(name)
        for fact, known in COLUMNS.items()
        for name in reversed(known)
        if name in headings
    }
