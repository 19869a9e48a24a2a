"""Many people as columns: what the bulk evaluator reads instead of dossiers.

Days are packed as everywhere. A column holds spans sorted by person; `offsets[p]` to
`offsets[p + 1]` are the spans of person p. Linked persons are people of their own.
"""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Final, Self, TypeVar

import numpy as np
import numpy.typing as npt

from services.benefits.programmes.days import NEVER
from services.benefits.programmes.facts import Dossier
from services.benefits.programmes.plan import Keys

Days = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Amounts = npt.NDArray[np.int64]
_FEBRUARY: Final = 1
_LENGTHS: Final = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int32)


@dataclass(slots=True)
class Column:
    """Spans of many people, sorted by person; `tag` says what each came from, if that matters."""

    person: Days
    first: Days
    last: Days
    change: Days
    tag: Days | None = None

    @classmethod
    def of(cls, spans: Sequence[tuple[int, int, int, int]]) -> Self:
        """A column from (person, first, last, change) in order of person."""
        table = np.array(spans, dtype=np.int32).reshape(-1, 4)
        person, first, last, change = (np.ascontiguousarray(table[:, i]) for i in range(4))
        return cls(person, first, last, change)

    @classmethod
    def joined(cls, columns: Sequence["Column"]) -> "Column":
        """Several columns as one, sorted by person."""
        if len(columns) == 1:
            return columns[0]
        person = np.concatenate([column.person for column in columns])
        order = np.argsort(person, kind="stable")
        return Column(
            person[order],
            np.concatenate([column.first for column in columns])[order],
            np.concatenate([column.last for column in columns])[order],
            np.concatenate([column.change for column in columns])[order],
            _joined_tags(columns, order),
        )

    def taken(self, which: Flags | npt.NDArray[np.intp]) -> "Column":
        """The chosen spans only."""
        return Column(
            self.person[which],
            self.first[which],
            self.last[which],
            self.change[which],
            None if self.tag is None else self.tag[which],
        )

    def merged(self) -> "Column":
        """Overlapping and touching spans of a person as one: `spans.merged`, written apart."""
        if not (self.person[1:] == self.person[:-1]).any():
            return self
        spans = self.taken(np.lexsort((self.first, self.person)))
        person = spans.person.astype(np.int64)
        after = np.minimum(next_days(spans.last), spans.change)
        by_change = spans.change == after
        ends = (person * (NEVER + 1) + after) * 2 + by_change
        furthest = np.maximum.accumulate(ends)
        reached = furthest // 2 - person * (NEVER + 1)
        begins = np.ones(len(spans), dtype=bool)
        begins[1:] = (person[1:] != person[:-1]) | (spans.first[1:] > reached[:-1])
        begin = np.flatnonzero(begins)
        numbers = np.arange(len(spans))
        ending = np.maximum.accumulate(np.where(ends == furthest, numbers, 0))
        end = ending[np.append(begin[1:], len(spans)) - 1]
        return Column(spans.person[begin], spans.first[begin], spans.last[end], spans.change[end])

    def __len__(self) -> int:
        return len(self.person)


def _joined_tags(columns: Sequence[Column], order: npt.NDArray[np.intp]) -> Days | None:
    tags = [column.tag for column in columns if column.tag is not None]
    return np.concatenate(tags)[order] if len(tags) == len(columns) else None


def next_days(day: Days) -> Days:
    """The days after; what has no end has no day after."""
    month = day >> 5
    year, of_year = month // 12, month % 12
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    length = _LENGTHS[of_year] + (leap & (of_year == _FEBRUARY))
    following = np.where((day & 31) < length, day + 1, (month + 1) * 32 + 1)
    return np.where(day >= NEVER, NEVER, following).astype(np.int32)


EMPTY = Column.of(())


@dataclass(slots=True)
class Values:
    """An amount fact of many people, sorted by person; its span is closed on both sides."""

    person: Days
    first: Days
    last: Days
    value: Amounts


NO_VALUES = Values(EMPTY.person, EMPTY.first, EMPTY.last, np.zeros(0, dtype=np.int64))


@dataclass(slots=True)
class Links:
    """Who is linked to whom, sorted by the person who is asked about."""

    person: Days
    first: Days
    last: Days
    change: Days
    other: Days


@dataclass(slots=True)
class People:
    """Everybody to be judged; `others` are those they are linked to, numbered on their own."""

    birth: Days
    death: Days
    spans: dict[str, Column] = field(default_factory=dict)
    amounts: dict[str, Values] = field(default_factory=dict)
    links: dict[str, Links] = field(default_factory=dict)
    lapsed: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """Days on which the rights of a person lapsed."""
    others: "People | None" = None
    _offsets: dict[Keys, Days] = field(default_factory=dict)
    _unions: dict[Keys, Column] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many people there are."""
        return len(self.birth)

    def union(self, keys: Keys) -> Column:
        """Where any of the keys holds; what overlaps or follows day by day is one span."""
        if keys not in self._unions:
            present = [self.spans[key] for key in keys if key in self.spans]
            self._unions[keys] = Column.joined(present).merged() if present else EMPTY
        return self._unions[keys]

    def offsets(self, keys: Keys) -> Days:
        """Where each person's spans of a union begin; one more than there are people."""
        if keys not in self._offsets:
            self._offsets[keys] = starts(self.union(keys).person, self.size)
        return self._offsets[keys]

    def replaced(self, key: str, column: Column) -> "People":
        """The same people with one key's spans set."""
        changed = copy(self)
        changed.spans = {**self.spans, key: column}
        changed._offsets, changed._unions = {}, {}  # noqa: SLF001 - a copy of ourselves
        return changed

    def chunk(self, begin: int, end: int) -> "People":
        """The people `begin` to before `end`, numbered from 0."""
        return People(
            self.birth[begin:end],
            self.death[begin:end],
            {key: _cut(column, begin, end) for key, column in self.spans.items()},
            {name: _cut(values, begin, end) for name, values in self.amounts.items()},
            {link: _cut(links, begin, end) for link, links in self.links.items()},
            {p - begin: days for p, days in self.lapsed.items() if begin <= p < end},
            self.others,
        )


Sorted = TypeVar("Sorted", Column, Values, Links)


def _cut(table: Sorted, begin: int, end: int) -> Sorted:
    """The rows of some people of a table sorted by person, as views numbered from `begin`."""
    low, high = np.searchsorted(table.person, (begin, end))
    cut = copy(table)
    for name in table.__slots__:
        whole = getattr(table, name)
        if whole is not None:
            setattr(cut, name, whole[low:high])
    cut.person = cut.person - np.int32(begin)
    return cut


def starts(person: Days, people: int) -> Days:
    """Offsets of each person's entries in a column sorted by person."""
    offsets = np.zeros(people + 1, dtype=np.int32)
    np.cumsum(np.bincount(person, minlength=people), out=offsets[1:])
    return offsets


def gather(dossiers: Sequence[Dossier]) -> People:
    """Derived dossiers as columns; linked dossiers are entered once each."""
    index: dict[int, int] = {}
    others: list[Dossier] = []
    links: dict[str, list[tuple[int, ...]]] = {}
    for number, dossier in enumerate(dossiers):
        for link, linked in dossier.links.items():
            for span, other in linked:
                if id(other) not in index:
                    index[id(other)] = len(others)
                    others.append(other)
                links.setdefault(link, []).append((number, *span, index[id(other)]))
    people = _columns(dossiers)
    people.links = {link: _links(rows) for link, rows in links.items()}
    people.others = _columns(others) if others else None
    return people


def _columns(dossiers: Sequence[Dossier]) -> People:
    return People(
        np.array([dossier.birth for dossier in dossiers], dtype=np.int32),
        np.array([dossier.death for dossier in dossiers], dtype=np.int32),
        _spans(dossiers),
        _amounts(dossiers),
        lapsed={i: dossier.lapsed for i, dossier in enumerate(dossiers) if dossier.lapsed},
    )


def _links(rows: list[tuple[int, ...]]) -> Links:
    table = np.array(rows, dtype=np.int32)
    return Links(*(np.ascontiguousarray(table[:, i]) for i in range(5)))


def _spans(everybody: Iterable[Dossier]) -> dict[str, Column]:
    rows: dict[str, list[tuple[int, int, int, int]]] = {}
    for number, dossier in enumerate(everybody):
        for key, spans in dossier.spans.items():
            held = rows.setdefault(key, [])
            for first, last, change in spans:
                held.append((number, first, last, change))
    return {key: Column.of(found) for key, found in rows.items()}


def _amounts(everybody: Iterable[Dossier]) -> dict[str, Values]:
    rows: dict[str, list[tuple[int, int, int, int]]] = {}
    for number, dossier in enumerate(everybody):
        for name, held in dossier.amounts.items():
            for first, last, value in held:
                rows.setdefault(name, []).append((number, first, last, value))
    found = {}
    for name, entries in rows.items():
        table = np.array(entries, dtype=np.int64)
        days = table[:, :3].astype(np.int32)
        amounts = np.ascontiguousarray(table[:, 3])
        found[name] = Values(days[:, 0], days[:, 1], days[:, 2], amounts)
    return found


def conversion_column(people: People, recipients: Days, start: int) -> Column:
    """The spans of a conversion for those who were due what is converted, but for lapses."""
    never = np.full(len(recipients), NEVER, dtype=np.int32)
    last = never.copy()
    for person, ends in people.lapsed.items():
        first_end = min((end for end in ends if end >= start), default=NEVER)
        last[recipients == person] = first_end
    return Column(recipients, np.full(len(recipients), start, dtype=np.int32), last, never)
