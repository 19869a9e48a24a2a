"""A pack compiled into what the two evaluators read: rules over keys, months and whole numbers."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final

from services.benefits.programmes.days import NEVER, YEAR, pack_day, parse_month
from services.benefits.programmes.pack import (
    AnyInput,
    ConvertedInput,
    Input,
    MemberRow,
    Pack,
    Parameter,
    Row,
    scaled,
)

Keys = tuple[str, ...]
"""Keys of a dossier's spans, any of which is meant."""

SCALE: Final = 10_000
"""Coefficients and weights are whole ten-thousandths."""
LAST_MONTH: Final = NEVER >> 5


class PackFault(Exception):  # noqa: N818 - the house's word for what must not happen
    """A pack that passed its checks cannot be compiled: a fault of ours."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """A row's cells: an age band in packed years, keys that must hold, keys that must not."""

    age_from: int
    age_to: int | None
    has: tuple[Keys, ...]
    has_not: tuple[Keys, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of a table, compiled. Months bound the law itself, both included."""

    index: int
    row: Row
    table: str
    when: Conditions
    first_month: int
    last_month: int
    rate: int
    coefficient: int
    per: tuple["MemberRule", ...] = ()
    link: str = ""
    converted: bool = False

    @property
    def group(self) -> str:
        """The group the row stands for."""
        return self.row.group


@dataclass(frozen=True, slots=True)
class MemberRule:
    """A row of a member table, compiled; `weight` in ten-thousandths."""

    row: MemberRow
    when: Conditions
    weight: int


@dataclass(frozen=True, slots=True)
class Step:
    """An amount in minor units, in force from a month on."""

    first_month: int
    amount: int
    verified: bool


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate parameter: its steps, oldest first, and the fact that may raise it for a person."""

    name: str
    steps: tuple[Step, ...]
    raised_by: str | None

    def at(self, month: int) -> Step:
        """The step in force in a month; the first one before any is in force."""
        found = self.steps[0]
        for step in self.steps:
            if step.first_month > month:
                break
            found = step
        return found


class Plan:
    """A pack ready to judge with."""

    def __init__(self, pack: Pack, exponent: int) -> None:
        self.pack = pack
        self.first_month = pack_day(pack.law_from) >> 5
        self.inputs: dict[str, Input] = {item.name: item for item in pack.inputs}
        self.rates = tuple(
            _rate(parameter, exponent) for parameter in pack.parameters if parameter.kind == "rate"
        )
        self.members = {table.name: table for table in pack.members}
        self.rules = tuple(
            self._rule(index, row, table.name)
            for index, (table, row) in enumerate(
                (table, row) for table in pack.tables for row in table.rows
            )
        )
        self.suspension: Keys = self._suspension()
        self.choices = tuple(choice.parts for choice in pack.combination.choices)

    @cached_property
    def conversions(self) -> tuple[tuple[ConvertedInput, int], ...]:
        """Inputs that depend on what was paid for a month, with that month."""
        return tuple(
            (item, parse_month(item.month) or 0)
            for item in self.pack.inputs
            if isinstance(item, ConvertedInput)
        )

    @cached_property
    def rate_cuts(self) -> tuple[int, ...]:
        """Months in which some rate changes."""
        return tuple(sorted({step.first_month for rate in self.rates for step in rate.steps}))

    def keys(self, cell: str, name: str) -> Keys:
        """The keys an input's cell stands for, such as `disability=severe`."""
        item = self.inputs.get(name)
        if isinstance(item, AnyInput):
            return tuple(key for part in item.of for key in self._part_keys(part))
        if item is not None:
            return (name,)
        spec = self.pack.fact(name)
        if spec is None:
            raise PackFault(f"{self.pack.code}: no fact or input {name}")
        if spec.kind in {"code", "codes"}:
            values = spec.values if cell in {"any", "no"} else tuple(cell.split("|"))
            return tuple(f"{name}={value}" for value in values)
        return (name,)

    def _part_keys(self, part: str) -> Keys:
        name, equals, value = part.partition("=")
        return (part,) if equals else self.keys(value or "any", name)

    def _conditions(self, cells: dict[str, str]) -> Conditions:
        age_from, age_to = 0, None
        has: list[Keys] = []
        has_not: list[Keys] = []
        for name, cell in cells.items():
            if name == "age":
                age_from, age_to = age_band(cell)
            elif cell == "no":
                has_not.append(self.keys(cell, name))
            else:
                has.append(self.keys(cell, name))
        return Conditions(
            age_from * YEAR,
            None if age_to is None else age_to * YEAR,
            tuple(has),
            tuple(has_not),
        )

    def _rule(self, index: int, row: Row, table: str) -> Rule:
        member = self.members[row.per] if row.per else None
        return Rule(
            index=index,
            row=row,
            table=table,
            when=self._conditions(row.cells),
            first_month=max(self.first_month, _month(row.from_, self.first_month)),
            last_month=_month(row.to, LAST_MONTH),
            rate=next(i for i, rate in enumerate(self.rates) if rate.name == row.rate),
            coefficient=scaled(row.coefficient),
            per=tuple(
                MemberRule(item, self._conditions(item.cells), scaled(item.weight))
                for item in (member.rows if member else ())
            ),
            link=member.link if member else "",
            converted=any(isinstance(self.inputs.get(name), ConvertedInput) for name in row.cells),
        )

    def _suspension(self) -> Keys:
        name = self.pack.suspension
        return self.keys("any", name) if name else ()


def age_band(cell: str) -> tuple[int, int | None]:
    """The band `4..16` means from the 4th birthday to before the 16th; `60..` has no end."""
    low, _, high = cell.partition("..")
    return int(low), int(high) if high else None


def _month(day: date | None, otherwise: int) -> int:
    return otherwise if day is None else pack_day(day) >> 5


def _rate(parameter: Parameter, exponent: int) -> Rate:
    steps = tuple(
        Step(
            pack_day(value.from_) >> 5,
            scaled(value.value) * 10**exponent // SCALE,
            value.verified == "yes",
        )
        for value in parameter.values
    )
    return Rate(parameter.name, steps, parameter.raised_by)
