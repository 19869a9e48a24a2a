"""Rows of facts taken in person by person, straight into columns for bulk runs.

Most people state each fact once: their rows become column entries at once. Whoever repeats,
restates or takes back a fact, or has facts that inputs are derived from, goes the long way through
`resolve` and `derive`, with the same result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from services.benefits.programmes.analysis import references_of
from services.benefits.programmes.days import ALWAYS, NEVER, day_text, pack_day, parse_day
from services.benefits.programmes.derivation import derive
from services.benefits.programmes.facts import Dossier, Fact, Refused, refuse_facts, resolve
from services.benefits.programmes.inputs import AnyInput
from services.benefits.programmes.people import Column, Links, People, Values, gather
from services.benefits.programmes.plan import Plan

FactRow = Sequence[str]
"""person_id, fact, value, from, to, known_since."""
_CELLS = 6


@dataclass(slots=True)
class Intake:
    """People on their way into columns."""

    plan: Plan
    known_at: date | None
    today: date
    linked: Mapping[str, Sequence[FactRow]] = field(default_factory=dict)
    """The rows of persons that others are linked to."""
    persons: list[str] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)
    _births: list[int] = field(default_factory=list)
    _deaths: list[int] = field(default_factory=list)
    _columns: dict[str, list[int]] = field(default_factory=dict)
    _slow: list[tuple[int, Dossier]] = field(default_factory=list)
    _keys: dict[tuple[str, str], str] = field(default_factory=dict)
    _begins: dict[str, int] = field(default_factory=dict)
    _ends: dict[str, int] = field(default_factory=dict)
    _derived: frozenset[str] = frozenset()
    _known: str = ""

    def __post_init__(self) -> None:
        self._known = "9999-12-31" if self.known_at is None else self.known_at.isoformat()
        names = {
            key.partition("=")[0]
            for item in self.plan.pack.inputs
            if not isinstance(item, AnyInput)
            for key in references_of(item)
        }
        lapsing = {lapse.by.partition("=")[0] for lapse in self.plan.pack.lapses}
        self._derived = frozenset(names | lapsing)

    def add(self, person: str, rows: Sequence[FactRow]) -> Refused | None:
        """Take one person in; what cannot be judged is refused, and the person left out."""
        if min(map(len, rows)) < _CELLS:
            return Refused("facts", "bad_row", "too few cells")
        number = len(self.persons)
        if not self._take(number, rows):
            dossier = self._resolved(rows)
            if isinstance(dossier, Refused):
                return dossier
            self._births.append(dossier.birth)
            self._deaths.append(dossier.death)
            self._slow.append((number, dossier))
        self.persons.append(person)
        self.regions.append(next((row[2] for row in reversed(rows) if row[1] == "region"), ""))
        return None

    def _take(self, number: int, rows: Sequence[FactRow]) -> bool:
        """Enter a person whose facts stand alone; False, with nothing entered, for all others."""
        entries: list[tuple[str, int, int]] = []
        lived = {"birth_date": 0, "death": NEVER}
        seen: set[str] = set()
        for row in rows:
            key = self._key(row[1], row[2])
            first, last = self._begin(row[3]), self._end(row[4])
            identity = key if "=" in key else row[1]
            dated = 0 < first <= last and self._begin(row[5])
            if not key or not dated or identity in seen:
                return False
            seen.add(identity)
            if row[5] <= self._known:
                if key in lived:
                    lived[key] = self._begin(row[2])
                elif key != "region":
                    entries.append((key, first, last))
        if not ALWAYS < lived["birth_date"] <= lived["death"]:
            return False
        self._births.append(lived["birth_date"])
        self._deaths.append(lived["death"])
        for key, first, last in entries:
            self._columns.setdefault(key, []).extend((number, first, last, NEVER))
        return True

    def _key(self, name: str, value: str) -> str:
        """The key of a fact that may take the short way; empty for all others."""
        known = self._keys.get((name, value))
        if known is None:
            known = self._keys[name, value] = self._new_key(name, value)
        return known

    def _new_key(self, name: str, value: str) -> str:
        spec = self.plan.pack.fact(name)
        if spec is None or name in self._derived:
            return ""
        if spec.kind == "text":
            return "region"
        if name in {"birth_date", "death"}:
            return name if parse_day(value) else ""
        if spec.kind == "flag":
            return name if value == "yes" else ""
        coded = spec.kind in {"code", "codes"} and value in spec.values
        return f"{name}={value}" if coded else ""

    def _begin(self, text: str) -> int:
        """A day no later than today, 0 for anything else."""
        if not text:
            return ALWAYS
        known = self._begins.get(text)
        if known is None:
            day = parse_day(text) or 0
            known = self._begins[text] = day if day <= pack_day(self.today) else 0
        return known

    def _end(self, text: str) -> int:
        """A day, which may lie ahead; 0 for anything else."""
        if not text:
            return NEVER
        known = self._ends.get(text)
        if known is None:
            known = self._ends[text] = parse_day(text) or 0
        return known

    def _resolved(self, rows: Sequence[FactRow]) -> Dossier | Refused:
        stated = _facts(rows)
        if isinstance(stated, Refused):
            return stated
        for refused in refuse_facts(self.plan.pack, stated, self.today):
            return refused
        people: dict[str, list[Fact]] = {}
        for target in {row[2] for row in rows} & self.linked.keys():
            theirs = _facts(self.linked[target])
            if isinstance(theirs, Refused):
                return theirs
            people[target] = theirs
        dossier = resolve(self.plan.pack, stated, self.known_at, people)
        return dossier if isinstance(dossier, Refused) else derive(self.plan, dossier)

    def people(self) -> People:
        """Everybody taken in, as columns."""
        slow = gather([dossier for _, dossier in self._slow])
        numbers = np.array([number for number, _ in self._slow], dtype=np.int32)
        people = People(
            np.array(self._births, dtype=np.int32), np.array(self._deaths, dtype=np.int32)
        )
        quick = {key: _column(flat) for key, flat in self._columns.items()}
        for key in {**quick, **slow.spans}:
            parts = [quick[key]] if key in quick else []
            if key in slow.spans:
                own = slow.spans[key]
                parts.append(Column(numbers[own.person], own.first, own.last, own.change))
            people.spans[key] = Column.joined(parts)
        people.amounts = {
            name: Values(numbers[v.person], v.first, v.last, v.value)
            for name, v in slow.amounts.items()
        }
        people.links = {
            name: Links(numbers[link.person], link.first, link.last, link.change, link.other)
            for name, link in slow.links.items()
        }
        people.others = slow.others
        people.lapsed = {int(numbers[place]): days for place, days in slow.lapsed.items()}
        return people


def _column(flat: list[int]) -> Column:
    table = np.array(flat, dtype=np.int32).reshape(-1, 4)
    person, first, last, change = (np.ascontiguousarray(table[:, i]) for i in range(4))
    return Column(person, first, last, change)


def _facts(rows: Sequence[FactRow]) -> list[Fact] | Refused:
    facts = []
    for row in rows:
        fact = _fact(row)
        if isinstance(fact, Refused):
            return fact
        facts.append(fact)
    return facts


def _fact(row: FactRow) -> Fact | Refused:
    if len(row) < _CELLS:
        return Refused("facts", "bad_row", "too few cells")
    days: list[date | None] = []
    for text in row[3:_CELLS]:
        packed = parse_day(text) if text else ALWAYS
        if packed is None:
            return Refused("facts", "bad_date", f"{row[1]}: not a day such as 2024-06-30")
        days.append(date.fromisoformat(day_text(packed)) if text else None)
    first, last, known = days
    return Fact(row[1], row[2], first, last, known)
