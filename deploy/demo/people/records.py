"""The shapes of the invented list: people, forms, and the rows of its three files.

Everything in a `Row` is text, exactly as a centre's clerk typed it: a row may be broken, and
whoever reads the list has to cope with that.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import Literal, NamedTuple

MALE, FEMALE = "1", "2"  # ISO/IEC 5218
DRIVE_STARTS_ON = date(2026, 9, 1)  # the registration drive runs from 1 to 14 September 2026
ADULT_FROM_YEARS = 18

Role = Literal["head", "spouse", "child", "parent", "other"]
Kind = Literal["first", "second", "broken"]


class Status(NamedTuple):
    """A fact about a person's situation, in force from a day; the level may be empty."""

    code: str
    level: str
    from_on: date

    def __str__(self) -> str:
        """Write it as the list does: `code:level:date`."""
        return f"{self.code}:{self.level}:{self.from_on.isoformat()}"


@dataclass(frozen=True, slots=True)
class Place:
    """A ward of the province on its boundaries since 1 July 2025.

    `birth_province` is the three-digit code under which births there were numbered before
    that day: 002 in former Hà Giang, 008 in Tuyên Quang. `difficult` is invented: it is drawn,
    and says nothing about the real commune.
    """

    code: str
    urban: bool
    birth_province: str
    difficult: bool


@dataclass(frozen=True, slots=True)
class Person:
    """One person as the truth has them; `phone` is the nine digits after the trunk 0."""

    entity: str
    role: Role
    family: str
    middle: str
    given: str
    sex: str
    born_on: date
    precision: Literal["day", "month", "year"] = "day"
    identifier: str = ""
    phone: str = ""
    owns_phone: bool = False
    account: str = ""
    statuses: tuple[Status, ...] = ()

    @property
    def name(self) -> tuple[str, str, str]:
        """Family, middle and given name."""
        return self.family, self.middle, self.given

    @property
    def age_years(self) -> int:
        """Completed years on the first day of the drive."""
        had_birthday = (self.born_on.month, self.born_on.day) <= (
            DRIVE_STARTS_ON.month,
            DRIVE_STARTS_ON.day,
        )
        return DRIVE_STARTS_ON.year - self.born_on.year - (not had_birthday)

    def holds(self, *codes: str) -> bool:
        """Whether any of these status codes is in force for the person."""
        return any(status.code in codes for status in self.statuses)


@dataclass(frozen=True, slots=True)
class Entry:
    """A person on a form, with the truth about the row that will come of it."""

    person: Person
    kind: Kind = "first"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """One application form: people of one address, written down in one sitting."""

    place: Place
    address: str
    language: str
    decomposed: bool
    capitals: bool
    opened_at: datetime
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list; each is published as one claim.

    `record_id` and `form_id` are the centre's own; `role` in the household; `sex` is ISO 5218;
    `birth_date` is ISO 8601, with 01 for a month or day that `birth_precision` says is unknown;
    `identifier_kind` is `vn-cccd` or empty; `phone` in any of five ways of writing; `language`
    BCP 47; `place_code` five digits of the ward; `account` at the paying bank; `statuses` as
    `code:level:from` with `;` between; `registered_at` ISO 8601 with +07:00.
    """

    record_id: str
    form_id: str
    role: str
    family_name: str
    middle_name: str
    given_name: str
    sex: str
    birth_date: str
    birth_precision: str
    identifier_kind: str
    identifier: str
    phone: str
    language: str
    place_code: str
    address: str
    account: str
    statuses: str
    registered_at: str


@dataclass(frozen=True, slots=True)
class Label:
    """The truth about one row, for tests only; nothing that runs may read it.

    `entity` is the person behind the row. `reason` is empty for a first registration, what
    differs from the first (`;` between) for a second, and `<column>.<defect>` for a broken one.
    """

    record_id: str
    kind: Kind
    entity: str
    reason: str


@dataclass(frozen=True, slots=True)
class Worker:
    """One deployed worker of the region; wards and BCP 47 tags with `;` between."""

    record_id: str
    communities: str
    languages: str
    first_day: str
    last_day: str


def write_csv(path: Path, shape: type[Row | Label | Worker], rows: Iterable[object]) -> None:
    """Write the rows under a header, UTF-8 with line feeds; the same rows give the same bytes."""
    columns = [field.name for field in fields(shape)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([getattr(row, column) for column in columns] for row in rows)
