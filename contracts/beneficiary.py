"""Facts of the registry: persons, statuses, households, suspected duplicates, sealed contacts."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from contracts.envelope import Fact
from contracts.regional import Role
from contracts.values import C1, C2, C3, Code, LanguageTag, Precision, RegionCode, Sex, Value

MAX_MEMBERS = 50
"""Members of one household that a fact can name."""

Sealed = Annotated[str, StringConstraints(max_length=4000, pattern=r"^[A-Za-z0-9_-]*$")]
"""Ciphertext, base64url without padding."""


class PersonRegistered(Fact):
    """A person entered the registry. Names, identifiers, phones and accounts travel sealed only."""

    type_name: ClassVar[str] = "beneficiary.person.registered"

    person_id: Annotated[UUID, C1]
    household_id: Annotated[UUID, C1]
    birth_date: Annotated[date, C2]
    birth_precision: Annotated[Precision, C2]
    sex: Annotated[Sex, C2]
    residence_region: Annotated[RegionCode, C2]
    """The ward, settlement or hromada, below the region that registered: `VN-07-00694`."""
    identifier_kinds: Annotated[tuple[Code, ...], C2]
    preferred_language: Annotated[LanguageTag, C2]
    under_review: Annotated[bool, C1]
    """A suspected duplicate was raised with this registration: a new entitlement is held."""


class StatusChanged(Fact):
    """A status of a person was granted or ended."""

    type_name: ClassVar[str] = "beneficiary.status.changed"

    person_id: Annotated[UUID, C1]
    code: Annotated[Code, C3]
    level: Annotated[Code | None, C3] = None
    state: Annotated[Literal["granted", "ended"], C3]
    effective_on: Annotated[date, C3]
    evidence: Annotated[Code, C3]


class HouseholdMember(Value):
    """A member of a household with their role."""

    person_id: Annotated[UUID, C1]
    role: Annotated[Role, C2]


class HouseholdChanged(Fact):
    """The members of a household; sequence 1 is its first registration."""

    type_name: ClassVar[str] = "beneficiary.household.changed"

    household_id: Annotated[UUID, C1]
    members: Annotated[tuple[HouseholdMember, ...], Field(max_length=MAX_MEMBERS), C2]
    head_id: Annotated[UUID | None, C2] = None
    residence_region: Annotated[RegionCode, C2]


class DuplicateSuspected(Fact):
    """Two records may be one person; an officer decides."""

    type_name: ClassVar[str] = "beneficiary.duplicate.suspected"

    pair_id: Annotated[UUID, C1]
    person_ids: Annotated[tuple[UUID, UUID], C1]
    score: Annotated[float, Field(ge=0, le=1), C1]
    reasons: Annotated[tuple[Code, ...], Field(max_length=20), C1]


class DuplicateResolved(Fact):
    """An officer decided about a suspected pair."""

    type_name: ClassVar[str] = "beneficiary.duplicate.resolved"

    pair_id: Annotated[UUID, C1]
    person_ids: Annotated[tuple[UUID, UUID], C1]
    outcome: Annotated[Literal["same", "distinct"], C1]
    decided_by: Annotated[str, StringConstraints(max_length=100), C1]


class Contact(Value):
    """What `ContactChanged.sealed` holds, as JSON, once opened with the person's key."""

    name: Annotated[Annotated[str, StringConstraints(min_length=1, max_length=620)], C2]
    """The name in the order people write it."""
    phone: Annotated[str | None, C2] = None
    """E.164."""
    email: Annotated[str | None, C2] = None
    account: Annotated[str | None, C2] = None


class ContactChanged(Fact):
    """Name, phone, e-mail and account of a person, sealed with the person's key."""

    type_name: ClassVar[str] = "beneficiary.contact.changed"

    person_id: Annotated[UUID, C1]
    key_version: Annotated[int, Field(ge=1), C1]
    sealed: Annotated[Sealed, C2]


class KeyIssued(Fact):
    """The key of a person, wrapped; a tombstone on this topic destroys it."""

    type_name: ClassVar[str] = "beneficiary.key.issued"

    person_id: Annotated[UUID, C1]
    key_version: Annotated[int, Field(ge=1), C1]
    wrapped_key: Annotated[Sealed, C2]
