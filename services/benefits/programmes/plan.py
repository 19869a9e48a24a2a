"""A pack compiled into what the evaluators read: rules over keys, months and whole numbers."""

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from services.benefits.programmes.days import NEVER, first_day, last_day, pack_day
from services.benefits.programmes.inputs import AnyInput, ConvertedInput, Input
from services.benefits.programmes.pack import MemberRow, Pack, Parameter, Row, Table, scaled

Keys = tuple[str, ...]
"""Keys of a dossier's spans, any of which is meant."""

SCALE: Final = 10_000
"""Coefficients and weights are whole ten-thousandths."""
LAST_MONTH: Final = NEVER >> 5


class PackFault(Exception):  # noqa: N818 - the house's word for what must not happen
    """A pack that passed its checks cannot be compiled: a fault of ours."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """A row's cells: an age band in years, keys that must hold, keys that must not."""

    age_from: int
    age_to: int | None
    has: tuple[Keys, ...]
    has_not: tuple[Keys, ...]


@dataclass(frozen=True, slots=True)
class MemberRule:
    """A row of a member table, compiled; `weight` in ten-thousandths."""

    row: MemberRow
    when: Conditions
    weight: int


@dataclass(frozen=True, slots=True)
class MemberRules:
    """A member table, compiled."""

    link: str
    rules: tuple[MemberRule, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of a table, compiled. Months bound the law itself, both included."""

    index: int
    row: Row
    table: str
    when: Conditions
    first_month: int
    last_month: int
    rate: int | None
    coefficient: int
    members: MemberRules | None = None
    self_weight: int = 0
    slice_from: int = 0
    slice_to: int | None = None
    before: tuple["Rule", ...] = ()
    """Rows of a `first` table that come before this one."""
    converted: str = ""
    """The conversion it reads, if any: such rules are judged after all others."""

    @property
    def group(self) -> str:
        """The group the row stands for."""
        return self.row.group

    @property
    def in_force(self) -> tuple[int, int, int]:
        """The span of days in which the row is law."""
        return (first_day(self.first_month), last_day(self.last_month), NEVER)


@dataclass(frozen=True, slots=True)
class Step:
    """An amount in minor units, in force from a day and its month on."""

    first_day: int
    first_month: int
    amount: int
    verified: bool


@dataclass(frozen=True, slots=True)
class Dated:
    """A parameter: its steps, oldest first, and the fact that may raise it for a person."""

    name: str
    steps: tuple[Step, ...]
    raised_by: str | None

    def at(self, month: int) -> Step:
        """The step in force on the first day of a month; the first one before any is in force."""
        found = self.steps[0]
        for step in self.steps[1:]:
            if step.first_day > first_day(month):
                break
            found = step
        return found

    def highest_in(self, month: int) -> Step:
        """Of the steps in force on some day of a month, the highest.

        What rises within a month counts from it, what falls within it from the next.
        """
        found = self.at(month)
        for step in self.steps:
            if step.first_month == month and step.amount > found.amount:
                found = step
        return found


@dataclass(slots=True)
class Plan:
    """A pack ready to judge with."""

    pack: Pack
    first_month: int
    inputs: dict[str, Input]
    rates: tuple[Dated, ...] = ()
    thresholds: dict[str, Dated] = field(default_factory=dict)
    members: dict[str, MemberRules] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    by_key: dict[str, tuple[Rule, ...]] = field(default_factory=dict)
    """Rules worth looking at when a key is present; each rule stands under one cell's keys."""
    always: tuple[Rule, ...] = ()
    """Rules that need no key at all."""
    conversions: tuple[ConvertedInput, ...] = ()
    suspension: Keys = ()
    rate_cuts: tuple[int, ...] = ()
    """Months in which some rate changes."""
    verified_choices: tuple[bool, ...] = ()
    memory: dict[object, object] = field(default_factory=dict)
    """What the explaining evaluator already worked out for combinations of rules."""

    def keys(self, key: str) -> Keys:
        """The span keys that a key of the pack stands for: a code without value is any value."""
        item = self.inputs.get(key)
        if isinstance(item, AnyInput):
            return tuple(found for part in item.of for found in self.keys(part))
        if item is not None or "=" in key:
            return (key,)
        spec = self.pack.fact(key)
        if spec is None:
            raise PackFault(f"{self.pack.code}: no fact or input {key}")
        if spec.kind in {"code", "codes"}:
            return tuple(f"{key}={value}" for value in spec.values)
        return (key,)


def compile_pack(pack: Pack, exponent: int) -> Plan:
    """The pack compiled; `exponent` is the number of decimals of its currency."""
    plan = Plan(pack, pack_day(pack.law_from) >> 5, {item.name: item for item in pack.inputs})
    plan.rates = tuple(_dated(p, exponent) for p in pack.parameters if p.kind == "rate")
    plan.thresholds = {
        p.name: _dated(p, exponent) for p in pack.parameters if p.kind == "threshold"
    }
    for table in pack.members:
        rules = tuple(
            MemberRule(row, conditions(plan, row.cells), scaled(row.weight)) for row in table.rows
        )
        plan.members[table.name] = MemberRules(table.link, rules)
    compiled: list[Rule] = []
    for group in pack.tables:
        compiled.extend(_table(plan, group, len(compiled)))
    plan.rules = tuple(compiled)
    _index(plan)
    plan.conversions = tuple(item for item in pack.inputs if isinstance(item, ConvertedInput))
    plan.suspension = plan.keys(pack.suspension) if pack.suspension else ()
    plan.rate_cuts = _rate_cuts(plan.rates)
    plan.verified_choices = tuple(choice.verified == "yes" for choice in pack.combination.choices)
    return plan


def _rate_cuts(rates: tuple[Dated, ...]) -> tuple[int, ...]:
    steps = [step for rate in rates for step in rate.steps]
    within = {step.first_month + 1 for step in steps if step.first_day & 31 > 1}
    return tuple(sorted({step.first_month for step in steps} | within))


def conditions(plan: Plan, cells: dict[str, str]) -> Conditions:
    """A row's cells compiled."""
    age_from, age_to = 0, None
    has: list[Keys] = []
    has_not: list[Keys] = []
    for name, cell in cells.items():
        if name == "age":
            age_from, age_to = age_band(cell)
        elif cell == "no":
            has_not.append(plan.keys(name))
        elif cell in {"yes", "any"}:
            has.append(plan.keys(name))
        else:
            has.append(tuple(f"{name}={value}" for value in cell.split("|")))
    return Conditions(age_from, age_to, tuple(has), tuple(has_not))


def age_band(cell: str) -> tuple[int, int | None]:
    """The band `4..16` means from the 4th birthday to before the 16th; `60..` has no end."""
    low, _, high = cell.partition("..")
    return int(low), int(high) if high else None


def _table(plan: Plan, table: Table, offset: int) -> list[Rule]:
    rules: list[Rule] = []
    for index, row in enumerate(table.rows):
        before = tuple(rules) if table.hit == "first" else ()
        rules.append(_rule(plan, row, table.name, offset + index, before))
    return rules


def _rule(plan: Plan, row: Row, table: str, index: int, before: tuple[Rule, ...]) -> Rule:
    low, _, high = (row.count or "").partition("..")
    conversion = next(
        (name for name in row.cells if isinstance(plan.inputs.get(name), ConvertedInput)), ""
    )
    return Rule(
        index=index,
        row=row,
        table=table,
        when=conditions(plan, row.cells),
        first_month=max(plan.first_month, _month(row.from_, plan.first_month)),
        last_month=_month(row.to, LAST_MONTH),
        rate=next((i for i, rate in enumerate(plan.rates) if rate.name == row.rate), None),
        coefficient=scaled(row.coefficient),
        members=plan.members[row.per] if row.per else None,
        self_weight=scaled(row.self_weight),
        slice_from=(int(low) - 1) * SCALE if low else 0,
        slice_to=int(high) * SCALE if high else None,
        before=before,
        converted=conversion,
    )


def _index(plan: Plan) -> None:
    found: dict[str, list[Rule]] = {}
    always = []
    codes = {spec.name for spec in plan.pack.facts if spec.kind == "codes"}
    for rule in plan.rules:
        if rule.converted:
            continue
        if not rule.when.has:
            always.append(rule)
            continue
        first = next(
            (keys for keys in rule.when.has if keys[0].partition("=")[0] not in codes),
            rule.when.has[0],
        )
        for key in first:
            found.setdefault(key, []).append(rule)
    plan.by_key = {key: tuple(rules) for key, rules in found.items()}
    plan.always = tuple(always)


def _month(day: date | None, otherwise: int) -> int:
    return otherwise if day is None else pack_day(day) >> 5


def _dated(parameter: Parameter, exponent: int) -> Dated:
    steps = tuple(
        Step(
            pack_day(value.from_),
            pack_day(value.from_) >> 5,
            scaled(value.value) * 10**exponent // SCALE,
            value.verified == "yes",
        )
        for value in parameter.values
    )
    return Dated(parameter.name, steps, parameter.raised_by)
