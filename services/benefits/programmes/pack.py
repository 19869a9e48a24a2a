"""The format of a rule pack: a programme's law as dated data, one TOML file per pack.

A pack holds facts it asks for, inputs derived from them, dated parameters, decision tables whose
rows carry their legal reference and whether it is verified, and how rows combine. `docs/adr/0020`
describes the format; `analysis.py` refuses packs that parse but make no sense.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
"""A fact, input, parameter, table, row or component: a lower-case word."""
GroupCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,31}$")]
PackCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9-]{1,31}$")]
Value = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$")]
Number = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?$")]
"""A decimal number as text: no binary fraction ever holds it."""
Prose = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Verified = Literal["yes", "no"]
Hit = Literal["collect", "first", "unique"]
Cell = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Part(BaseModel):
    """A part of a pack: strict, frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", populate_by_name=True)


class FactSpec(Part):
    """A fact the programme asks for.

    `flag` is yes or no, `code` one of `values`, `codes` several of them at once, `date` a day,
    `amount` whole minor units, `count` a whole number, `link` another person's id, `text` anything
    (never read by a rule). `counts_against` marks facts that speak against the person: they end
    on the day before their end takes effect, all others on that day. `special` marks special
    categories of personal data, which an explanation names only where the person relied on them.
    """

    name: Name
    kind: Literal["flag", "code", "codes", "date", "amount", "count", "link", "text"]
    values: tuple[Value, ...] = ()
    required: bool = False
    counts_against: bool = False
    special: bool = False
    text: Prose


class DatedValue(Part):
    """A value of a parameter from a day on, until `to` or the next value."""

    from_: Annotated[date, Field(alias="from")]
    to: date | None = None
    value: Number
    law: Prose
    verified: Verified
    source: Prose


class Parameter(Part):
    """A dated parameter: a `rate` or `threshold` in major units of the currency, or a `number`.

    A rate changes on the first of a month. `raised_by` names an amount fact that may raise the
    rate for a person (a province's own higher standard), never lower it.
    """

    name: Name
    kind: Literal["rate", "threshold", "number"]
    raised_by: Name | None = None
    values: Annotated[tuple[DatedValue, ...], Field(min_length=1)]


class AnyInput(Part):
    """Holds while any of the named facts or inputs holds: `hiv`, `disability=severe`."""

    kind: Literal["any"]
    name: Name
    of: Annotated[tuple[str, ...], Field(min_length=1)]


class HeldAtInput(Part):
    """Holds from a birthday on, if the fact held on the day before it."""

    kind: Literal["held_at"]
    name: Name
    fact: str
    age: Annotated[int, Field(ge=1, le=120)]


class DeferredInput(Part):
    """A stay that starts with the next month where `unless` holds in the month of its start."""

    kind: Literal["deferred"]
    name: Name
    fact: str
    unless: str


class ConvertedInput(Part):
    """Holds from `from` on for whoever is paid one of `groups` for `month`."""

    kind: Literal["converted"]
    name: Name
    groups: Annotated[tuple[GroupCode, ...], Field(min_length=1)]
    month: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}$")]
    from_: Annotated[date, Field(alias="from")]


Input = Annotated[
    AnyInput | HeldAtInput | DeferredInput | ConvertedInput, Field(discriminator="kind")
]


class Row(Part):
    """A row of a decision table: every input cell must hold, on one and the same day.

    Input cells are the keys that are no field here: `age = "0..4"`, `poor_household = "yes"`,
    `disability = "severe|extremely_severe"`. `from` and `to` bound the law itself, by whole months.
    """

    id: Name
    group: GroupCode
    component: Name
    rate: Name
    coefficient: Number
    from_: Annotated[date | None, Field(alias="from")] = None
    to: date | None = None
    law: Prose
    verified: Verified
    source: Prose
    per: Name | None = None
    cells: dict[Name, Cell]

    @model_validator(mode="before")
    @classmethod
    def _gather_cells(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = {"id", "group", "component", "rate", "coefficient", "per"}
        known |= {"from", "to", "law", "verified", "source"}
        fixed = {key: value for key, value in data.items() if key in known}
        fixed["cells"] = {key: value for key, value in data.items() if key not in known}
        return fixed


class Table(Part):
    """A decision table with its hit policy.

    `collect`: every row that holds; `first`: of a day's rows the first; `unique`: at most one row
    may hold on a day, which the analysis proves.
    """

    name: Name
    hit: Hit
    rows: Annotated[tuple[Row, ...], Field(min_length=1, max_length=500)]


class MemberRow(Part):
    """A row of a member table: what a linked person who fits it weighs."""

    id: Name
    weight: Number
    law: Prose
    verified: Verified
    source: Prose
    cells: dict[Name, Cell]

    @model_validator(mode="before")
    @classmethod
    def _gather_cells(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = {"id", "weight", "law", "verified", "source"}
        fixed = {key: value for key, value in data.items() if key in known}
        fixed["cells"] = {key: value for key, value in data.items() if key not in known}
        return fixed


class MemberTable(Part):
    """How much each person linked by `link` weighs; of several rows that hold, the heaviest."""

    name: Name
    link: Name
    rows: Annotated[tuple[MemberRow, ...], Field(min_length=1, max_length=100)]


class Choice(Part):
    """One way to be paid: a sum of parts, each the dearest of its groups."""

    parts: Annotated[tuple[tuple[GroupCode, ...], ...], Field(min_length=1, max_length=20)]
    law: Prose
    verified: Verified


class Combination(Part):
    """How the rows of a month combine.

    `exclusive` groups, where one holds, are paid alone. Otherwise the dearest choice is paid, of
    equals the first.
    """

    exclusive: tuple[GroupCode, ...] = ()
    choices: Annotated[tuple[Choice, ...], Field(min_length=1, max_length=20)]


class Lapse(Part):
    """What began before `by` had lasted `months` months lapses on the last day of that term."""

    facts: Annotated[tuple[Name, ...], Field(min_length=1)]
    by: str
    months: Annotated[int, Field(ge=1, le=120)]
    law: Prose
    verified: Verified


class Pack(Part):
    """A programme's rule pack. `law_from` is the first day it can answer for."""

    format: Literal[1]
    code: PackCode
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}\.[0-9]{1,2}\.[0-9]{1,4}$")]
    title: Prose
    legal_basis: Prose
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    time_zone: str
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    languages: Annotated[tuple[str, ...], Field(min_length=1)]
    law_from: date
    suspension: str | None = None
    facts: Annotated[tuple[FactSpec, ...], Field(min_length=1)]
    inputs: tuple[Input, ...] = ()
    parameters: Annotated[tuple[Parameter, ...], Field(min_length=1)]
    lapses: tuple[Lapse, ...] = ()
    members: tuple[MemberTable, ...] = ()
    tables: Annotated[tuple[Table, ...], Field(min_length=1)]
    combination: Combination

    def rows(self) -> Iterator[Row]:
        """Every row of every table, in order."""
        for table in self.tables:
            yield from table.rows

    def fact(self, name: str) -> FactSpec | None:
        """The specification of a fact, if the pack knows it."""
        return next((spec for spec in self.facts if spec.name == name), None)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [spec.name for spec in self.facts] + [item.name for item in self.inputs]
        for kind, found in (
            ("fact or input", names),
            ("row", [row.id for row in self.rows()]),
            ("parameter", [parameter.name for parameter in self.parameters]),
            ("table", [table.name for table in self.tables] + [t.name for t in self.members]),
        ):
            twice = {name for name in found if found.count(name) > 1}
            if twice:
                raise ValueError(f"{kind} defined twice: {', '.join(sorted(twice))}")
        return self


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong in a pack, and where: a path such as `tables.groups.a1_under_4.age`."""

    place: str
    code: str
    detail: str


def scaled(number: str) -> int:
    """A decimal number as whole ten-thousandths."""
    return int(Decimal(number).scaleb(4))
