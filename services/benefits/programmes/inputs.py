"""Inputs that a pack derives from its facts, each from facts and inputs defined before it.

A key names where something holds: a flag (`hiv`), a code with its value (`disability=severe`), or
an input. What a derived input yields are spans like those of a fact.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
"""A fact, input, parameter, table, row or component: a lower-case word."""
Key = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}(=[A-Za-z][A-Za-z0-9_.-]{0,63})?$")
]
GroupCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,31}$")]
Number = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?$")]
"""A decimal number as text: no binary fraction ever holds it."""
Prose = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Verified = Literal["yes", "no"]
Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2200, 12, 31))]
"""A day of law: beyond these years nobody legislates yet, or still."""


class Part(BaseModel):
    """A part of a pack: strict, frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", populate_by_name=True)


class AnyInput(Part):
    """Holds while any of the keys holds."""

    kind: Literal["any"]
    name: Name
    of: Annotated[tuple[Key, ...], Field(min_length=1)]


class AllInput(Part):
    """Holds while all of the keys hold on the same day."""

    kind: Literal["all"]
    name: Name
    of: Annotated[tuple[Key, ...], Field(min_length=1)]


class HeldAtInput(Part):
    """Holds from a birthday on, if the key held on the day before it."""

    kind: Literal["held_at"]
    name: Name
    fact: Key
    age: Annotated[int, Field(ge=1, le=120)]


class DeferredInput(Part):
    """A stay that starts with the next month where `unless` holds in the month of its start."""

    kind: Literal["deferred"]
    name: Name
    fact: Key
    unless: Key


class ConvertedInput(Part):
    """Holds from `from` on for whoever is due one of `groups` for `month`."""

    kind: Literal["converted"]
    name: Name
    groups: Annotated[tuple[GroupCode, ...], Field(min_length=1)]
    month: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
    from_: Annotated[Day, Field(alias="from")]


class LongerThanInput(Part):
    """Holds once the key has held for more than `days` consecutive days, its first being day 1."""

    kind: Literal["longer_than"]
    name: Name
    fact: Key
    days: Annotated[int, Field(ge=1, le=3_660)]


class YoungerThanInput(Part):
    """Holds from a date that is a fact until so many years later."""

    kind: Literal["younger_than"]
    name: Name
    fact: Name
    years: Annotated[int, Field(ge=1, le=120)]


class LinkedInput(Part):
    """Holds while at least one linked person fits a row of the member table."""

    kind: Literal["linked"]
    name: Name
    members: Name


class ComparedInput(Part):
    """Holds while an amount lies above and at most multiples of a threshold.

    The amount is divided by `divisor` and, where `per` names a link, by the number of persons so
    linked and alive, the person included. The threshold is the highest in force in the month.
    """

    kind: Literal["compared"]
    name: Name
    amount: Name
    divisor: Annotated[int, Field(ge=1, le=120)] = 1
    per: Name | None = None
    parameter: Name
    above: Number | None = None
    at_most: Number | None = None


class TermInput(Part):
    """A right granted for whole months by an application, renewed or ended by what follows.

    It needs every key of `when` and none of `unless` on the first day of `fact`. It begins with
    the month of that day (`month`), or with the next month where the day is at most `by_day` and
    the one after it otherwise (`next_list`); where `anchor` is later, its term counts from there.
    It lasts `months`, or as many as the count fact `months_fact` says, is renewed for as long
    while `renew_while` holds on its last day, and ends with the month in which one of `ends_by`
    begins.
    """

    kind: Literal["term"]
    name: Name
    fact: Key
    from_: Annotated[Day | None, Field(alias="from")] = None
    to: Day | None = None
    when: tuple[Key, ...] = ()
    unless: tuple[Key, ...] = ()
    starts: Literal["month", "next_list"] = "month"
    by_day: Annotated[int, Field(ge=1, le=31)] = 31
    anchor: Day | None = None
    months: Annotated[int, Field(ge=1, le=120)] | None = None
    months_fact: Name | None = None
    renew_while: Key | None = None
    ends_by: tuple[Key, ...] = ()
    law: Prose
    verified: Verified


Input = Annotated[
    AnyInput
    | AllInput
    | HeldAtInput
    | DeferredInput
    | ConvertedInput
    | LongerThanInput
    | YoungerThanInput
    | LinkedInput
    | ComparedInput
    | TermInput,
    Field(discriminator="kind"),
]
