"""Facts as rows of a table: read with the place of every fault, all of them or none.

The columns are `person_id,fact,value,from,to,known_since`, and `source` where it is known.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from re import compile as pattern
from typing import Final

from services.benefits.programmes.days import parse_day, unpack_day
from services.benefits.programmes.facts import Fact, Refused, refuse_facts
from services.benefits.programmes.pack import Pack

COLUMNS: Final = ("person_id", "fact", "value", "from", "to", "known_since")
OPTIONAL: Final = ("source",)
MAX_REFUSALS: Final = 50
"""After so many refusals reading stops: the table is beyond repair by hand."""
_PERSON: Final = pattern(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")


@dataclass(slots=True)
class FactTable:
    """The facts of many people, in the order of their first rows."""

    facts: dict[str, list[Fact]] = field(default_factory=dict)
    rows: dict[str, list[int]] = field(default_factory=dict)
    """The row of each fact, counted from 1 with the header."""

    @property
    def size(self) -> int:
        """How many facts there are."""
        return sum(len(rows) for rows in self.rows.values())


@dataclass(slots=True)
class _Reader:
    """Parses cells; the same text is parsed once."""

    columns: dict[str, int]
    refused: list[Refused] = field(default_factory=list)
    days: dict[str, date | None] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def cell(self, row: Sequence[str], name: str) -> str:
        index = self.columns.get(name)
        return "" if index is None else self.texts.setdefault(row[index], row[index])

    def day(self, row: Sequence[str], name: str, line: int) -> date | None:
        text = self.cell(row, name)
        if not text:
            return None
        if text not in self.days:
            packed = parse_day(text)
            self.days[text] = None if packed is None else unpack_day(packed)
        day = self.days[text]
        if day is None:
            place = f"row {line}, column {name}"
            self.refused.append(Refused(place, "bad_date", "not a day such as 2024-06-30"))
        return day


def read_facts(lines: Iterable[str]) -> FactTable | tuple[Refused, ...]:
    """The facts of a CSV text, given as its lines, or everything wrong with its cells."""
    rows = csv.reader(lines, strict=True)
    try:
        header = next(rows, [])
        reader = _header(header)
        if isinstance(reader, Refused):
            return (reader,)
        table = FactTable()
        for line, row in enumerate(rows, start=2):
            _read_row(reader, table, row, line, len(header))
            if len(reader.refused) >= MAX_REFUSALS:
                break
    except csv.Error as fault:
        return (Refused(f"row {rows.line_num}", "not_csv", str(fault)),)
    return tuple(reader.refused) or table


def _header(header: Sequence[str]) -> _Reader | Refused:
    names = [name.removeprefix("\ufeff") for name in header]
    if len(set(names)) != len(names):
        return Refused("row 1", "twice", "a column comes twice")
    for name in COLUMNS:
        if name not in names:
            return Refused("row 1", "missing", f"no column {name}")
    for name in names:
        if name not in COLUMNS and name not in OPTIONAL:
            return Refused("row 1", "unknown_column", f"{name!r} is no column of facts")
    return _Reader({name: index for index, name in enumerate(names)})


def _read_row(reader: _Reader, table: FactTable, row: Sequence[str], line: int, width: int) -> None:
    if not row:
        return
    if len(row) != width:
        reader.refused.append(Refused(f"row {line}", "bad_row", f"{len(row)} cells, not {width}"))
        return
    person = reader.cell(row, "person_id")
    if _PERSON.fullmatch(person) is None:
        place = f"row {line}, column person_id"
        reader.refused.append(Refused(place, "bad_person", "letters, digits and . _ : - only"))
        return
    fact = Fact(
        reader.cell(row, "fact"),
        reader.cell(row, "value"),
        reader.day(row, "from", line),
        reader.day(row, "to", line),
        reader.day(row, "known_since", line),
        reader.cell(row, "source"),
    )
    table.facts.setdefault(person, []).append(fact)
    table.rows.setdefault(person, []).append(line)


def refuse_table(pack: Pack, table: FactTable, today: date) -> tuple[Refused, ...]:
    """What is wrong with the facts of a table under a pack, by row and column."""
    found: list[Refused] = []
    for person, facts in table.facts.items():
        found.extend(_located(refuse_facts(pack, facts, today, ""), table.rows[person], person))
        found.extend(_own_relatives(pack, person, facts, table.rows[person]))
        if len(found) >= MAX_REFUSALS:
            break
    return tuple(found)


def _own_relatives(
    pack: Pack, person: str, facts: Sequence[Fact], rows: Sequence[int]
) -> Iterator[Refused]:
    links = {spec.name for spec in pack.facts if spec.kind == "link"}
    for fact, row in zip(facts, rows, strict=True):
        if fact.name in links and fact.value.removeprefix("!") == person:
            detail = f"{fact.name} links the person to themselves"
            yield Refused(f"row {row}, column value", "circular", detail)


def _located(refusals: Iterable[Refused], rows: Sequence[int], person: str) -> Iterator[Refused]:
    for refused in refusals:
        index, _, column = refused.place.removeprefix("[").partition("].")
        if index.isdigit():
            place = f"row {rows[int(index)]}, column {column}"
        else:
            place = f"person {person}"
        yield Refused(place, refused.code, refused.detail)


def locate(table: FactTable, person: str, refused: Refused) -> Refused:
    """A refusal about a person's fact as one about the rows that state it."""
    name = refused.place.rpartition(".")[2]
    lines = [
        str(line)
        for fact, line in zip(table.facts[person], table.rows[person], strict=True)
        if fact.name == name
    ]
    place = f"rows {', '.join(lines[:10])}" if lines else f"person {person}"
    return Refused(place, refused.code, f"{name}: {refused.detail}")
