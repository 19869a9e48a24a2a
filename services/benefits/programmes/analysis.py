"""Static analysis of a pack: what parses but makes no sense is found before anyone is judged."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import chain, pairwise
from re import compile as pattern
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from contracts.values import CURRENCY_EXPONENT
from services.benefits.programmes.coverage import table_findings
from services.benefits.programmes.inputs import (
    AllInput,
    AnyInput,
    ComparedInput,
    ConvertedInput,
    DeferredInput,
    Input,
    LinkedInput,
    TermInput,
    YoungerThanInput,
)
from services.benefits.programmes.pack import (
    MEMBER_FIELDS,
    ROW_FIELDS,
    Finding,
    MemberRow,
    Pack,
    Parameter,
    Row,
)
from services.benefits.programmes.speech import LANGUAGES
from services.benefits.programmes.working_days import CALENDARS

_AGE: Final = pattern(r"(0|[1-9][0-9]{0,2})\.\.([1-9][0-9]{0,2})?")
_DAY: Final = timedelta(days=1)


def analyse(pack: Pack) -> tuple[Finding, ...]:
    """Everything wrong with a pack; empty when it can be judged by."""
    references = tuple(
        chain(
            _country(pack),
            _languages(pack),
            _facts(pack),
            *(_parameter(pack, parameter) for parameter in pack.parameters),
            _inputs(pack),
            *(_row(pack, f"tables.{t.name}.{row.id}", row) for t in pack.tables for row in t.rows),
            _members(pack),
            _rules(pack),
            _combination(pack),
        )
    )
    return references or tuple(table_findings(pack))


def _country(pack: Pack) -> Iterator[Finding]:
    if pack.country not in CALENDARS:
        yield Finding("country", "no_calendar", f"{pack.country} has no calendar of working days")
    if pack.currency not in CURRENCY_EXPONENT:
        known = ", ".join(CURRENCY_EXPONENT)
        yield Finding("currency", "unknown_currency", f"{pack.currency} is none of {known}")
    try:
        ZoneInfo(pack.time_zone)
    except (ZoneInfoNotFoundError, OSError):  # a folder of zones is none of them
        yield Finding("time_zone", "unknown_time_zone", f"no time zone {pack.time_zone}")


def _languages(pack: Pack) -> Iterator[Finding]:
    for language in pack.languages:
        if language not in LANGUAGES:
            yield Finding("languages", "unknown_language", f"{language!r} is not spoken here")


def _facts(pack: Pack) -> Iterator[Finding]:
    """A code has values, and no name is one that a row or a key already uses."""
    for spec in pack.facts:
        if spec.kind in {"code", "codes"} and not spec.values:
            yield Finding(f"facts.{spec.name}", "no_values", f"a {spec.kind} needs its values")
    for name in [*(spec.name for spec in pack.facts), *(item.name for item in pack.inputs)]:
        if name == "age" or name in ROW_FIELDS or name in MEMBER_FIELDS:
            yield Finding(f"facts.{name}", "reserved", f"{name} is a column of every table")


def _parameter(pack: Pack, parameter: Parameter) -> Iterator[Finding]:
    place = f"parameters.{parameter.name}"
    yield from _sequence(pack, parameter, place)
    if parameter.raised_by:
        yield from _needs(pack, f"{place}.raised_by", parameter.raised_by, "amount")


def _sequence(pack: Pack, parameter: Parameter, place: str) -> Iterator[Finding]:
    """Every day of the law has exactly one value."""
    if parameter.values[0].from_ > pack.law_from:
        yield Finding(place, "gap", f"no value from {pack.law_from} on")
    for value, later in pairwise(parameter.values):
        end = value.to or later.from_ - _DAY
        if later.from_ <= value.from_ or end >= later.from_:
            yield Finding(place, "overlap", f"two values on {later.from_}")
        elif end + _DAY < later.from_:
            yield Finding(place, "gap", f"no value from {end + _DAY} to {later.from_ - _DAY}")
    if parameter.values[-1].to is not None:
        yield Finding(place, "gap", f"no value after {parameter.values[-1].to}")


def _needs(pack: Pack, place: str, name: str, kind: str) -> Iterator[Finding]:
    spec = pack.fact(name)
    if spec is None:
        yield Finding(place, "unknown_fact", f"no fact {name}")
    elif spec.kind != kind:
        yield Finding(place, "wrong_kind", f"{name} is no {kind}")


def references_of(item: Input) -> tuple[str, ...]:
    """The keys an input is derived from."""
    if isinstance(item, AnyInput | AllInput):
        return item.of
    if isinstance(item, DeferredInput):
        return (item.fact, item.unless)
    if isinstance(item, TermInput):
        renewal = (item.renew_while,) if item.renew_while else ()
        return (item.fact, *item.when, *item.unless, *renewal, *item.ends_by)
    if isinstance(item, ComparedInput):
        return (item.amount,)
    fact = getattr(item, "fact", None)
    return (fact,) if isinstance(fact, str) else ()


def _inputs(pack: Pack) -> Iterator[Finding]:
    defined: set[str] = set()
    every = {item.name: item for item in pack.inputs}
    for item in pack.inputs:
        place = f"inputs.{item.name}"
        for key in references_of(item):
            name = key.partition("=")[0]
            if name in every and name not in defined:
                circular = _reaches(every, name, item.name, set())
                code = "circular" if circular else "defined_later"
                yield Finding(place, code, f"{item.name} needs {name}")
            yield from _key(pack, place, key)
        yield from _input_details(pack, place, item)
        defined.add(item.name)


def _reaches(every: dict[str, Input], start: str, goal: str, seen: set[str]) -> bool:
    if start == goal:
        return True
    if start in seen or start not in every:
        return False
    seen.add(start)
    return any(
        _reaches(every, key.partition("=")[0], goal, seen) for key in references_of(every[start])
    )


def _input_details(pack: Pack, place: str, item: Input) -> Iterator[Finding]:
    if isinstance(item, ComparedInput):
        yield from _comparison(pack, place, item)
    elif isinstance(item, LinkedInput):
        if item.members not in {table.name for table in pack.members}:
            yield Finding(place, "unknown_table", f"no member table {item.members}")
    elif isinstance(item, YoungerThanInput):
        yield from _needs(pack, place, item.fact, "date")
    elif isinstance(item, TermInput):
        yield from _length(pack, place, item)
    elif isinstance(item, ConvertedInput):
        yield from _groups(pack, place, item.groups)


def _length(pack: Pack, place: str, item: TermInput) -> Iterator[Finding]:
    if (item.months is None) == (item.months_fact is None):
        yield Finding(place, "no_length", "a term has months or a fact that says how many")
    if item.months_fact:
        yield from _needs(pack, place, item.months_fact, "count")


def _comparison(pack: Pack, place: str, item: ComparedInput) -> Iterator[Finding]:
    if item.parameter not in {p.name for p in pack.parameters if p.kind == "threshold"}:
        yield Finding(place, "unknown_parameter", f"no threshold {item.parameter}")
    yield from _needs(pack, place, item.amount, "amount")
    if item.per:
        yield from _needs(pack, place, item.per, "link")


def _groups(pack: Pack, place: str, groups: Iterable[str]) -> Iterator[Finding]:
    known = {row.group for row in pack.rows()}
    for group in groups:
        if group not in known:
            yield Finding(place, "unknown_group", f"no row pays {group}")


def _key(pack: Pack, place: str, key: str) -> Iterator[Finding]:
    """A key must name a fact or an input, and a code's value one of its values."""
    name, equals, value = key.partition("=")
    if name in {item.name for item in pack.inputs}:
        if equals:
            yield Finding(place, "unknown_value", f"{name} has no values")
        return
    spec = pack.fact(name)
    if spec is None:
        yield Finding(place, "unknown_fact", f"no fact or input {name}")
    elif equals and value not in spec.values:
        yield Finding(place, "unknown_value", f"{name} has no value {value}")
    elif spec.kind in {"text", "link"} or name in {"birth_date", "death"}:
        yield Finding(place, "wrong_kind", f"{name} cannot be asked for")


def _row(pack: Pack, place: str, row: Row | MemberRow) -> Iterator[Finding]:
    for name, cell in row.cells.items():
        yield from _cell(pack, f"{place}.{name}", name, cell)
    if isinstance(row, Row):
        yield from _payment(pack, place, row)
        yield from _in_force(pack, place, row.from_, row.to)


def _cell(pack: Pack, place: str, name: str, cell: str) -> Iterator[Finding]:
    if name == "age":
        match = _AGE.fullmatch(cell)
        if match is None:
            yield Finding(place, "bad_cell", f"{cell!r} is no band such as 4..16 or 60..")
        elif match[2] and int(match[1]) >= int(match[2]):
            yield Finding(place, "unreachable", f"nobody is in the band {cell}")
    elif cell in {"yes", "no", "any"}:
        yield from _key(pack, place, name)
    else:
        spec = pack.fact(name)
        if spec is not None and spec.kind not in {"code", "codes"}:
            yield Finding(place, "bad_cell", f"{name} is yes or no, not {cell!r}")
        else:
            for value in cell.split("|"):
                yield from _key(pack, place, f"{name}={value}")


def _payment(pack: Pack, place: str, row: Row) -> Iterator[Finding]:
    rates = {p.name for p in pack.parameters if p.kind == "rate"}
    if row.rate is not None and row.rate not in rates:
        yield Finding(f"{place}.rate", "unknown_parameter", f"no rate {row.rate}")
    for field, name in (("amount", row.amount), ("less", row.less)):
        if name is not None:
            yield from _needs(pack, f"{place}.{field}", name, "amount")
    if row.per is not None and row.per not in {table.name for table in pack.members}:
        yield Finding(f"{place}.per", "unknown_table", f"no member table {row.per}")
    if (row.count or row.self_weight != "0") and row.per is None:
        yield Finding(f"{place}.count", "no_members", "a count needs a member table in `per`")


def _in_force(pack: Pack, place: str, first: date | None, last: date | None) -> Iterator[Finding]:
    if first is not None and first.day != 1:
        yield Finding(f"{place}.from", "mid_month", f"{first} is not the first of a month")
    if last is not None and (last + _DAY).day != 1:
        yield Finding(f"{place}.to", "mid_month", f"{last} is not the last day of a month")
    if first and last and last < first:
        yield Finding(place, "unreachable", f"it ends on {last}, before it begins on {first}")
    if last is not None and last < pack.law_from:
        yield Finding(place, "unreachable", f"it ends before the law begins on {pack.law_from}")


def _members(pack: Pack) -> Iterator[Finding]:
    for table in pack.members:
        place = f"members.{table.name}"
        yield from _needs(pack, place, table.link, "link")
        for row in table.rows:
            yield from _row(pack, f"{place}.{row.id}", row)


def _rules(pack: Pack) -> Iterator[Finding]:
    if pack.suspension:
        yield from _key(pack, "suspension", pack.suspension)
    for lapse in pack.lapses:
        for key in (*lapse.facts, lapse.by):
            yield from _key(pack, f"lapses.{lapse.by}", key)


def _combination(pack: Pack) -> Iterator[Finding]:
    named = list(pack.combination.exclusive)
    for choice in pack.combination.choices:
        named += [group for part in choice.parts for group in part]
    yield from _groups(pack, "combination", dict.fromkeys(named))
    for row in pack.rows():
        if row.group not in named:
            yield Finding(f"combination.{row.group}", "unreachable", f"{row.id} is never paid")
