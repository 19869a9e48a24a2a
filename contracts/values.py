"""Values that every contract is built from: ids, codes, months, money and the class of a field."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha1
from typing import Annotated, Any, Literal, Self
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    TypeAdapter,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

HAMROH_NAMESPACE = uuid5(NAMESPACE_URL, "urn:hamroh")
"""Every derived id of the platform is a version 5 UUID under this namespace."""


class DataClass(StrEnum):
    """Who may read a field: C0 anybody in government, up to C4 the assigned worker alone."""

    C0 = "C0"
    C1 = "C1"
    C2 = "C2"
    C3 = "C3"
    C4 = "C4"


@dataclass(frozen=True, slots=True)
class Classified:
    """Marks a field with its data class; the class is published as `x-data-class`."""

    level: DataClass

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(core_schema), "x-data-class": self.level.value}


C0 = Classified(DataClass.C0)
C1 = Classified(DataClass.C1)
C2 = Classified(DataClass.C2)
C3 = Classified(DataClass.C3)
C4 = Classified(DataClass.C4)

# No control characters anywhere: PostgreSQL refuses U+0000, and terminals and files the rest.
_PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f]*$"

Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_PRINTABLE)]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_PRINTABLE)]
PhoneText = Annotated[str, StringConstraints(max_length=32, pattern=_PRINTABLE)]
"""A phone number as the person said it, in local or international form."""

# Regular expressions differ in what \s is, so blanks, invisible marks and controls are named.
_BLANK = r"\x00-\x20\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff"
_LABEL = rf"[^{_BLANK}\x21-\x2c./\x3a-\x40\x5b-\x60\x7b-\x7e]{{1,63}}"
EMAIL_ADDRESS = rf"^[^{_BLANK}@<>()\[\],:;\x22\\]{{1,64}}@{_LABEL}(\.{_LABEL})+$"
"""One address in any script (RFC 6531) that needs no quotes: no name beside it, no list."""
EmailText = Annotated[str, StringConstraints(max_length=254, pattern=EMAIL_ADDRESS)]
"""An e-mail address as the person said it."""

Code = Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z][a-z0-9_.-]{0,63}$")]
"""A lower-case code from a code list, e.g. `without_nurture`."""

RecordId = Annotated[
    str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$")
]
"""A region's own identifier of a record: opaque to the platform."""

RegionCode = Annotated[
    str,
    StringConstraints(max_length=48, pattern=r"^[A-Z]{2}-[A-Z0-9]{1,20}(-[A-Z0-9]{1,20}){0,2}$"),
]
"""ISO 3166-2 code, or a finer national code below it: `VN-07`, `VN-07-00694`."""

PlaceCode = Annotated[str, StringConstraints(max_length=20, pattern=r"^[A-Z0-9]{2,20}$")]
"""A national code of the smallest administrative unit: ward, settlement, hromada."""

LanguageTag = Annotated[
    str, StringConstraints(max_length=20, pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$")
]
"""BCP 47: `vi`, `uk`, `uz-Latn`, `uz-Cyrl`."""

CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Month = Annotated[str, StringConstraints(pattern=r"^[12][0-9]{3}-(0[1-9]|1[0-2])$")]
"""A calendar month, `2026-09`."""


class _CalendarDay:
    """In JSON a date is written `2026-09-01`; seconds since 1970 in a string are none."""

    def __get_pydantic_core_schema__(
        self, source: type[date], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        form = core_schema.custom_error_schema(
            core_schema.str_schema(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
            custom_error_type="date_form",
            custom_error_message="a date is written YYYY-MM-DD",
        )
        text, day = core_schema.str_schema(strict=True), core_schema.date_schema(strict=False)
        written = core_schema.chain_schema([text, form, day])
        return core_schema.json_or_python_schema(written, handler(source))

    def __get_pydantic_json_schema__(
        self, _: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(core_schema.date_schema())


Day = Annotated[date, _CalendarDay()]
"""A calendar date in a claim. Facts are written by our own serialiser and need no such check."""


class _WholeNumber:
    """A list of numbers holds numbers: `true` is not 1."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.chain_schema([core_schema.int_schema(strict=True), handler(source)])

    def __get_pydantic_json_schema__(
        self, schema: core_schema.ChainSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema["steps"][-1])


Sex = Annotated[Literal[0, 1, 2, 9], _WholeNumber()]
"""ISO/IEC 5218: 0 not known, 1 male, 2 female, 9 not applicable."""

Precision = Literal["day", "month", "year"]
"""How much of a birth date is known; the unknown part stands at its first."""

Count = Annotated[int, Field(ge=0, le=2**53)]
AmountMinor = Annotated[int, Field(ge=0, le=10**15)]
"""Whole minor units of the currency beside it: never a fraction, never a float."""

CURRENCY_EXPONENT = {"VND": 0, "UAH": 2, "UZS": 2, "EUR": 2, "USD": 2}
"""Digits after the decimal mark of one unit (ISO 4217)."""


class Value(BaseModel):
    """A frozen part of a payload. Strict: `"5"` is no number, `5.0` no whole one."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class Money(Value):
    """An amount in whole minor units of a currency."""

    amount_minor: Annotated[AmountMinor, C2]
    currency: Annotated[CurrencyCode, C0]

    def plus(self, other: Self) -> Self:
        """The sum; a `ValueError` if the currencies differ."""
        if other.currency != self.currency:
            raise ValueError(f"{other.currency} cannot be added to {self.currency}")
        return self.model_copy(update={"amount_minor": self.amount_minor + other.amount_minor})


def month_of(day: date) -> str:
    """The calendar month of a day: `2026-09`."""
    return f"{day.year:04d}-{day.month:02d}"


def descends(finer: str, region: str) -> bool:
    """Whether `finer` is `region` or a unit below it: `VN-07-00694` descends from `VN-07`."""
    return finer == region or finer.startswith(f"{region}-")


REGION_PREFIX = "urn:hamroh:region:"
"""How the `source` of every region begins."""


def region_source(region: str) -> str:
    """The `source` of a region's claims: `urn:hamroh:region:vn-07`."""
    return f"{REGION_PREFIX}{region.lower()}"


def service_source(service: str) -> str:
    """The `source` of a service's facts: `urn:hamroh:service:benefits`."""
    return f"urn:hamroh:service:{service}"


def person_id(source: str, record_id: str) -> UUID:
    """The platform's id of a person a region registered: public, so both sides can derive it."""
    return uuid5(HAMROH_NAMESPACE, f"person\x1f{source}\x1f{record_id}")


def household_id(source: str, form_id: str) -> UUID:
    """The platform's id of the household on a region's application form."""
    return uuid5(HAMROH_NAMESPACE, f"household\x1f{source}\x1f{form_id}")


def worker_id(source: str, record_id: str) -> UUID:
    """The platform's id of a worker a region employs."""
    return uuid5(HAMROH_NAMESPACE, f"worker\x1f{source}\x1f{record_id}")


def derived_id(cause: str, kind: str, subject: str, ordinal: int = 0) -> UUID:
    """The id of what follows from a cause: a replay derives the same id and adds nothing.

    `cause` is an event's or a timer's id, `kind` an event type or a noun, `subject` the aggregate.
    """
    return uuid5(HAMROH_NAMESPACE, f"{kind}\x1f{cause}\x1f{subject}\x1f{ordinal}")


def derived_text(cause: str, kind: str, subject: str, ordinal: int = 0) -> str:
    """`derived_id` as text, in a third of the time: every fact that is published has one."""
    name = f"{kind}\x1f{cause}\x1f{subject}\x1f{ordinal}".encode()
    digits = sha1(HAMROH_NAMESPACE.bytes + name, usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digits[16], 16) & 3]  # RFC 9562, 4.1: the two highest bits are 10
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


REGION_CODE: TypeAdapter[str] = TypeAdapter(RegionCode)
"""Validates a region code that arrives outside a contract: a setting, a topic name."""


def data_class(metadata: list[Any]) -> DataClass | None:
    """The data class among a field's annotations, if it has one."""
    return next((mark.level for mark in metadata if isinstance(mark, Classified)), None)
