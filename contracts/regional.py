"""Claims: what regional centres witness and publish on their own topics.

A claim says that a person came, a worker started, a visit happened. Decisions, payments, merges,
erasures and indicators are never claims. Each claim is answered once on `receipts.<region>.v1`.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from contracts.envelope import Claim
from contracts.values import (
    C0,
    C1,
    C2,
    C3,
    Code,
    Day,
    EmailText,
    LanguageTag,
    PhoneText,
    PlaceCode,
    Precision,
    RecordId,
    Sex,
    ShortText,
    Text,
)

Role = Literal["head", "spouse", "child", "parent", "other"]
"""A member's place in the household on the form."""


class NameParts(Claim):
    """A name as written on the form; nothing is folded, transliterated or guessed."""

    family: Annotated[Text, C2]
    middle: Annotated[Text | None, C2] = None
    """Middle name (Viet Nam), patronymic (Ukraine, Uzbekistan), father's name (Arabic)."""
    given: Annotated[Text, C2]


class Identifier(Claim):
    """A national identifier as the person showed it."""

    kind: Annotated[Literal["vn-cccd", "ua-rnokpp", "uz-pinfl", "passport"], C2]
    value: Annotated[ShortText, C2]


class Status(Claim):
    """A status the centre saw evidence for: disability, poverty, loss of parents."""

    code: Annotated[Code, C3]
    level: Annotated[Code | None, C3] = None
    valid_from: Annotated[Day, C3]


class PersonRegistered(Claim):
    """A person came and was entered on a form (intake and registration)."""

    type_name: ClassVar[str] = "regional.beneficiary.person.registered"

    record_id: Annotated[RecordId, C1]
    form_id: Annotated[RecordId, C1]
    role: Annotated[Role, C2]
    name: Annotated[NameParts, C2]
    sex: Annotated[Sex, C2]
    birth_date: Annotated[Day, C2]
    birth_precision: Annotated[Precision, C2] = "day"
    identifiers: Annotated[tuple[Identifier, ...], Field(max_length=5), C2] = ()
    phone: Annotated[PhoneText | None, C2] = None
    email: Annotated[EmailText | None, C2] = None
    language: Annotated[LanguageTag, C2]
    place: Annotated[PlaceCode, C2]
    address: Annotated[Text | None, C2] = None
    account: Annotated[ShortText | None, C2] = None
    statuses: Annotated[tuple[Status, ...], Field(max_length=20), C3] = ()


class WorkerDeployed(Claim):
    """A trained worker started in communities of the region."""

    type_name: ClassVar[str] = "regional.workforce.worker.deployed"

    record_id: Annotated[RecordId, C1]
    communities: Annotated[tuple[PlaceCode, ...], Field(min_length=1, max_length=50), C0]
    languages: Annotated[tuple[LanguageTag, ...], Field(min_length=1, max_length=10), C2]
    first_day: Annotated[Day, C2]
    last_day: Annotated[Day, C2]
