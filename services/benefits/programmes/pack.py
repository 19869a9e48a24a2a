"""The format of a rule pack: a programme's law as dated data, one TOML file per pack.

A pack holds the facts it asks for, inputs derived from them, dated parameters, decision tables
whose rows carry their legal reference and whether it is verified, and how rows combine.
`docs/adr/0009-rules-as-data.md` describes the format; `analysis.py` refuses packs that parse but
make no sense.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from services.benefits.programmes.inputs import (
    Day,
    GroupCode,
    Input,
    Key,
    Name,
    Number,
    Part,
    Prose,
    Verified,
)

PackCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9-]{1,31}$")]
Value = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$")]
Hit = Literal["collect", "first", "unique"]
Cell = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Kind = Literal["monthly", "one_off"]


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

    from_: Annotated[Day, Field(alias="from")]
    to: Day | None = None
    value: Number
    law: Prose
    verified: Verified
    source: Prose


class Parameter(Part):
    """A dated parameter in major units of the currency.

    A `rate` is paid, a `threshold` is compared with; of values that share a month the highest
    counts. `raised_by` names an amount fact that may raise a rate for a person (a
    province's own higher standard), never lower it.
    """

    name: Name
    kind: Literal["rate", "threshold"]
    raised_by: Name | None = None
    values: Annotated[tuple[DatedValue, ...], Field(min_length=1, max_length=500)]


def _gathered(data: Any, fields: frozenset[str]) -> Any:
    """A row's data with the keys that are no field of it gathered as its input cells."""
    if not isinstance(data, dict) or "cells" in data:
        return data
    fixed = {key: value for key, value in data.items() if key in fields}
    fixed["cells"] = {key: value for key, value in data.items() if key not in fields}
    return fixed


class Row(Part):
    """A row of a decision table: every input cell must hold, on one and the same day.

    Input cells are the keys that are no field here: `age = "0..4"`, `poor_household = "yes"`,
    `disability = "severe|extremely_severe"`. `from` and `to` bound the law itself, by whole
    months. What is due is `rate` times `coefficient`, or the value of the fact `amount`; times
    the summed weights of the member table `per` with `self_weight`, of which `count` takes a slice
    (`2..2` the second, `3..` all from the third on); `less` the fact of that name divided by
    `less_divisor`.
    """

    id: Name
    group: GroupCode
    component: Name
    kind: Kind = "monthly"
    rate: Name | None = None
    coefficient: Number = "1.0"
    amount: Name | None = None
    per: Name | None = None
    self_weight: Number = "0"
    count: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]?\.\.([1-9][0-9]?)?$")] | None = (
        None
    )
    less: Name | None = None
    less_divisor: Annotated[int, Field(ge=1, le=120)] = 1
    from_: Annotated[Day | None, Field(alias="from")] = None
    to: Day | None = None
    law: Prose
    verified: Verified
    source: Prose
    cells: dict[Name, Cell]

    @model_validator(mode="before")
    @classmethod
    def _gather_cells(cls, data: Any) -> Any:
        return _gathered(data, ROW_FIELDS)

    @model_validator(mode="after")
    def _pays_one_thing(self) -> Self:
        if (self.rate is None) == (self.amount is None):
            raise ValueError("a row pays either a rate or an amount that is a fact")
        return self


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
        return _gathered(data, MEMBER_FIELDS)


class MemberTable(Part):
    """How much each person linked by `link` weighs; of several rows that hold, the heaviest."""

    name: Name
    link: Name
    rows: Annotated[tuple[MemberRow, ...], Field(min_length=1, max_length=100)]


ROW_FIELDS: Final = frozenset(
    {"id", "group", "component", "kind", "rate", "coefficient", "amount", "per", "self_weight"}
    | {"count", "less", "less_divisor", "from", "to", "law", "verified", "source"}
)
MEMBER_FIELDS: Final = frozenset({"id", "weight", "law", "verified", "source"})


class Choice(Part):
    """One way to be paid: a sum of parts that must all hold, each the dearest of its groups."""

    parts: Annotated[
        tuple[Annotated[tuple[GroupCode, ...], Field(min_length=1)], ...],
        Field(min_length=1, max_length=8),
    ]
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
    by: Key
    months: Annotated[int, Field(ge=1, le=120)]
    law: Prose
    verified: Verified


class Deadline(Part):
    """So many working days after receipt something is due, for what is received from `from` on."""

    name: Name
    from_: Annotated[Day, Field(alias="from")]
    working_days: Annotated[int, Field(ge=1, le=250)]
    law: Prose
    verified: Verified


class Note(Part):
    """A rule that the pack's structure keeps rather than a row: what it says, and whether so."""

    name: Name
    text: Prose
    verified: Verified


class Allocation(Part):
    """One-off aid from a monthly limit: how often a request may be deferred in a row."""

    deferrals: Annotated[int, Field(ge=1, le=24)]
    law: Prose
    verified: Verified


class Pack(Part):
    """A programme's rule pack. `law_from` is the first day it can answer for."""

    format: Literal[1]
    code: PackCode
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}\.[0-9]{1,2}\.[0-9]{1,4}$")]
    title: Prose
    legal_basis: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    time_zone: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z_]+/[A-Z][A-Za-z_]+$")]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    languages: Annotated[tuple[str, ...], Field(min_length=1)]
    law_from: Day
    suspension: Name | None = None
    applications_per_month: Annotated[int, Field(ge=1, le=31)] | None = None
    pay_after_days: tuple[Annotated[int, Field(ge=1, le=31)], ...] = ()
    notes: Annotated[tuple[Note, ...], Field(max_length=50)] = ()
    facts: Annotated[tuple[FactSpec, ...], Field(min_length=1, max_length=200)]
    inputs: Annotated[tuple[Input, ...], Field(max_length=200)] = ()
    parameters: Annotated[tuple[Parameter, ...], Field(max_length=200)] = ()
    lapses: Annotated[tuple[Lapse, ...], Field(max_length=20)] = ()
    deadlines: Annotated[tuple[Deadline, ...], Field(max_length=50)] = ()
    allocation: Allocation | None = None
    members: Annotated[tuple[MemberTable, ...], Field(max_length=20)] = ()
    tables: Annotated[tuple[Table, ...], Field(min_length=1, max_length=50)]
    combination: Combination

    def rows(self) -> Iterator[Row]:
        """Every row of every table, in order."""
        for table in self.tables:
            yield from table.rows

    @cached_property
    def digest(self) -> str:
        """SHA-256 over everything the pack says; comments and layout do not count.

        Nor does what it leaves unsaid: a format that grows changes no digest.
        """
        text = self.model_dump_json(by_alias=True, exclude_defaults=True)
        return sha256(text.encode()).hexdigest()

    @cached_property
    def fact_by_name(self) -> dict[str, FactSpec]:
        """The facts by their names."""
        return {spec.name: spec for spec in self.facts}

    def fact(self, name: str) -> FactSpec | None:
        """The specification of a fact, if the pack knows it."""
        return self.fact_by_name.get(name)

    def out_of_turn(self, version: str, digest: str) -> "tuple[Finding, ...]":
        """What keeps it from following a version, with its digest, that is law already.

        Versions follow by year, month and number, each a whole number: 2025.10.1 is later than
        2025.9.2. Other law needs a later version; the same law may come again.
        """
        if self.digest == digest or _turn(self.version) > _turn(version):
            return ()
        detail = (
            f"{self.version} says something else than {version} and is not later: "
            "law is never edited in place, give what changed a later version"
        )
        return (Finding("version", "not_later", detail),)

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


def _turn(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def scaled(number: str) -> int:
    """A decimal number as whole ten-thousandths."""
    return int(Decimal(number).scaleb(4))
