"""Facts as people report them, checked, and resolved into what was known on a day.

A fact has two times: the days it holds for, and the day since which it is known. A row known later
restates the row of the same fact and first day, and overrides every other on the days it covers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from operator import attrgetter
from re import compile as pattern
from typing import Final

from services.benefits.programmes.days import (
    ALWAYS,
    NEVER,
    next_day,
    pack_day,
    parse_day,
    previous_day,
)
from services.benefits.programmes.pack import FactSpec, Pack
from services.benefits.programmes.spans import Span, merged

MAX_FACTS_PER_PERSON: Final = 1_000
MAX_LINK_DEPTH: Final = 1
NOTHING: Final = "none"
_WHOLE: Final = pattern(r"0|[1-9][0-9]{0,14}")


@dataclass(frozen=True, slots=True)
class Fact:
    """A dated fact about a person, with values as text.

    `valid_from` None means since ever, `valid_to` the last day it holds (None: no end).
    `known_since` None means it was always known. `source` says who witnessed it.
    """

    name: str
    value: str
    valid_from: date | None = None
    valid_to: date | None = None
    known_since: date | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why facts or months cannot be judged: nothing was computed."""

    place: str
    code: str
    detail: str


@dataclass(slots=True)
class Dossier:
    """What is known about one person on a day, resolved: keys are `fact` or `fact=value`."""

    birth: int
    death: int = NEVER
    spans: dict[str, tuple[Span, ...]] = field(default_factory=dict)
    amounts: dict[str, tuple[tuple[int, int, int], ...]] = field(default_factory=dict)
    links: dict[str, tuple[tuple[Span, "Dossier"], ...]] = field(default_factory=dict)
    lapsed: tuple[int, ...] = ()
    """Days on which rights lapsed."""


def refuse_facts(
    pack: Pack, facts: Sequence[Fact], today: date | None = None, place: str = "facts"
) -> Iterator[Refused]:
    """Everything wrong with a person's facts, placed as `facts[3].value`.

    `today` bounds what may already have begun and be known; without it the future is not judged.
    """
    if len(facts) > MAX_FACTS_PER_PERSON:
        yield Refused(place, "too_many_facts", f"more than {MAX_FACTS_PER_PERSON}")
        return
    specs = pack.fact_by_name
    seen: set[tuple[object, ...]] = set()
    for index, fact in enumerate(facts):
        where = f"{place}[{index}]"
        spec = specs.get(fact.name)
        if spec is None:
            detail = f"{pack.code} knows no such fact"
            yield Refused(f"{where}.fact", "unknown_fact", detail)
            continue
        yield from _refuse_fact(spec, fact, where)
        if today is not None:
            yield from _refuse_future(spec, fact, today, where)
        identity = (_identity(spec, fact), fact.known_since)
        if identity in seen:
            detail = f"{fact.name} with the same first and record day came before"
            yield Refused(f"{where}.fact", "twice", detail)
        seen.add(identity)
    stated = {fact.name for fact in facts}
    for name, spec in specs.items():
        if spec.required and name not in stated:
            yield Refused(f"{place}.{name}", "missing", f"{name} is required")


def _refuse_fact(spec: FactSpec, fact: Fact, where: str) -> Iterator[Refused]:
    code = _value_refusal(spec, fact.value)
    if code:
        yield Refused(f"{where}.value", code, f"{spec.name} is {_wanted(spec)}")
    if fact.valid_from and fact.valid_to and fact.valid_to < fact.valid_from:
        yield Refused(f"{where}.to", "ends_before_start", f"{spec.name} ends before it starts")
    if spec.kind == "codes" and fact.valid_from is None:
        yield Refused(f"{where}.from", "no_date", f"{spec.name} needs its first day")


def _wanted(spec: FactSpec) -> str:
    """What a value of a fact looks like, for whoever wrote another."""
    if spec.kind in {"amount", "count"}:
        return "a whole number in the digits 0 to 9, without sign or separator: 500000"
    if spec.kind == "date":
        return "a day such as 2024-06-30"
    if spec.kind == "flag":
        return "yes or no"
    return f"one of {', '.join(spec.values)}" if spec.values else "the id of a person"


def _refuse_future(spec: FactSpec, fact: Fact, today: date, where: str) -> Iterator[Refused]:
    if fact.known_since and fact.known_since > today:
        yield Refused(f"{where}.known_since", "in_future", f"{spec.name} is known after today")
    if fact.valid_from and fact.valid_from > today:
        yield Refused(f"{where}.from", "in_future", f"{spec.name} begins after today")
    if spec.kind == "date" and (day := parse_day(fact.value)) and day > pack_day(today):
        yield Refused(f"{where}.value", "in_future", f"{spec.name} lies after today")


def _value_refusal(spec: FactSpec, value: str) -> str | None:
    """Why a value is none of this fact's, or None."""
    if value == NOTHING and spec.kind in {"flag", "code", "date"} and not spec.required:
        return None
    if spec.kind == "date":
        return None if parse_day(value) else "bad_date"
    if spec.kind in {"amount", "count"}:
        return None if _WHOLE.fullmatch(value) and value.isascii() else "bad_amount"
    if spec.kind == "flag":
        known = value in {"yes", "no"}
    elif spec.kind in {"code", "codes"}:
        known = (value.removeprefix("!") if spec.kind == "codes" else value) in spec.values
    else:
        known = bool(value.removeprefix("!"))
    return None if known else "unknown_value"


def resolve(
    pack: Pack,
    facts: Sequence[Fact],
    known_at: date | None = None,
    people: Mapping[str, Sequence[Fact]] | None = None,
    depth: int = 0,
) -> Dossier | Refused:
    """What is known at `known_at` about a person; `people` holds the facts of linked persons."""
    dossier = Dossier(birth=ALWAYS)
    visible = sorted((fact for fact in facts if _known(fact, known_at)), key=attrgetter("name"))
    for name, group in groupby(visible, key=attrgetter("name")):
        spec = pack.fact(name)
        if spec is None:
            return Refused(f"facts.{name}", "unknown_fact", f"{pack.code} does not know this fact")
        rows = _latest(spec, group)
        refused = (
            _link(pack, dossier, spec, rows, known_at, people or {}, depth)
            if spec.kind == "link"
            else _enter(dossier, spec, rows)
        )
        if refused:
            return refused
    if dossier.birth == ALWAYS and any(s.required and s.name == "birth_date" for s in pack.facts):
        return Refused("facts.birth_date", "missing", "no date of birth was known on that day")
    if dossier.death < dossier.birth:
        return Refused("facts.death", "contradicts", "the death lies before the birth")
    return dossier


def standing(pack: Pack, facts: Sequence[Fact], known_at: date | None = None) -> Iterator[Fact]:
    """The statements that stand on a day: known, not restated since, not taken back."""
    visible = sorted((fact for fact in facts if _known(fact, known_at)), key=attrgetter("name"))
    for name, group in groupby(visible, key=attrgetter("name")):
        yield from _latest(pack.fact_by_name[name], group)


def _known(fact: Fact, known_at: date | None) -> bool:
    return known_at is None or fact.known_since is None or fact.known_since <= known_at


def _identity(spec: FactSpec, fact: Fact) -> tuple[str, str, date | None]:
    value = fact.value.removeprefix("!") if spec.kind in {"codes", "link"} else ""
    return fact.name, value, fact.valid_from if spec.kind != "date" else None


def _latest(spec: FactSpec, facts: Iterable[Fact]) -> list[Fact]:
    """The newest statement per identity, oldest record first.

    A statement taken back is as if never made: what was known before it holds again.
    """
    newest: dict[tuple[str, str, date | None], Fact] = {}
    for fact in sorted(facts, key=lambda fact: fact.known_since or date.min):
        identity = _identity(spec, fact)
        earlier = newest.get(identity)
        if earlier is not None and _takes_back(fact) and not _takes_back(earlier):
            del newest[identity]
        else:
            newest[identity] = fact
    return sorted(
        newest.values(),
        key=lambda fact: (fact.known_since or date.min, fact.valid_from or date.min, fact.value),
    )


def _takes_back(fact: Fact) -> bool:
    return fact.value == NOTHING or fact.value.startswith("!")


def _enter(dossier: Dossier, spec: FactSpec, rows: list[Fact]) -> Refused | None:
    if spec.kind == "text" or not rows:
        return None
    if spec.kind == "date":
        _enter_date(dossier, spec, rows[-1].value)
        return None
    by_value = _by_value(rows) if spec.kind == "codes" else {"": rows}
    for own in by_value.values():
        painted = _paint(spec, own)
        if isinstance(painted, Refused):
            return painted
        _enter_spans(dossier, spec, painted)
    return None


def _by_value(rows: list[Fact]) -> dict[str, list[Fact]]:
    """The rows of each value of a fact that has several at once."""
    found: dict[str, list[Fact]] = {}
    for row in rows:
        found.setdefault(row.value.removeprefix("!"), []).append(row)
    return found


def _enter_spans(
    dossier: Dossier, spec: FactSpec, painted: list[tuple[int, int, int, str]]
) -> None:
    if spec.kind in {"amount", "count"}:
        dossier.amounts[spec.name] = tuple(
            (first, min(last, previous_day(change)), int(value))
            for first, last, change, value in painted
        )
        dossier.spans[spec.name] = tuple((f, t, c) for f, t, c, _ in painted)
        return
    for value in sorted({value for *_, value in painted} - {"no", NOTHING}):
        key = spec.name if spec.kind == "flag" else f"{spec.name}={value}"
        if not value.startswith("!"):
            dossier.spans[key] = tuple((f, t, c) for f, t, c, own in painted if own == value)


def _enter_date(dossier: Dossier, spec: FactSpec, value: str) -> None:
    day = None if value == NOTHING else parse_day(value)
    if day is None:
        return
    if spec.name == "birth_date":
        dossier.birth = day
    elif spec.name == "death":
        dossier.death = day
    else:
        dossier.spans[spec.name] = ((day, NEVER, NEVER),)


def _paint(spec: FactSpec, rows: list[Fact]) -> list[tuple[int, int, int, str]] | Refused:
    """The rows laid over one another in order of record: first, last, change day and value."""
    painted: list[tuple[int, int, int, str, date | None]] = []
    for row in rows:
        first = pack_day(row.valid_from) if row.valid_from else ALWAYS
        last = pack_day(row.valid_to) if row.valid_to else NEVER
        kept: list[tuple[int, int, int, str, date | None]] = []
        for old in painted:
            if not _overlap(old, first, last):
                kept.append(old)
            elif old[3] != row.value and old[4] == row.known_since:
                return Refused(f"facts.{spec.name}", "contradicts", "two values on the same day")
            elif old[3] == row.value:
                kept.append(old)
            else:
                kept.extend(_cut(old, first, last))
        painted = [*kept, (first, last, NEVER, row.value, row.known_since)]
    return sorted((f, t, c, v) for f, t, c, v, _ in painted)


def _overlap(old: tuple[int, int, int, str, date | None], first: int, last: int) -> bool:
    """Whether two intervals share more than the one day on which one hands over to the other."""
    f, t, c, *_ = old
    end = min(t, previous_day(c) if c < NEVER else NEVER)
    if f > last or end < first:
        return False
    touching = (end == first and f < first) or (last == f and first < f)
    return not touching


def _cut(
    old: tuple[int, int, int, str, date | None], first: int, last: int
) -> Iterator[tuple[int, int, int, str, date | None]]:
    """What is left of an interval around a later one: its end is dated by the change."""
    f, t, c, value, known = old
    if f < first:
        yield (f, t, min(c, first), value, known)
    after = next_day(last)
    if last < NEVER and after <= t and after < c:
        yield (after, t, c, value, known)


def _link(  # noqa: PLR0913 - one resolution, its parts named
    pack: Pack,
    dossier: Dossier,
    spec: FactSpec,
    rows: list[Fact],
    known_at: date | None,
    people: Mapping[str, Sequence[Fact]],
    depth: int,
) -> Refused | None:
    if depth >= MAX_LINK_DEPTH:
        return None
    linked: list[tuple[Span, Dossier]] = []
    for target, own in sorted(_by_value(rows).items()):
        if target not in people:
            return Refused(f"facts.{spec.name}", "unknown_person", "no facts of a linked person")
        wrong = next(refuse_facts(pack, people[target], None, f"facts.{spec.name}"), None)
        other = wrong or resolve(pack, people[target], known_at, people, depth + 1)
        if isinstance(other, Refused):
            if wrong is None and other.code == "missing" and known_at is not None:
                continue  # the linked person was not known on that day
            return other
        painted = _paint(spec, own)
        if isinstance(painted, Refused):
            return painted
        held = [(f, t, c) for f, t, c, value in painted if f < c and not value.startswith("!")]
        linked.extend((span, other) for span in merged(held))
    dossier.links[spec.name] = tuple(linked)
    return None
