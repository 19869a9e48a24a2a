"""The events of the obvious pipe, as pydantic models, and how one follows from another."""

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel

from tests.load import alike
from tests.load.alike import Kind, named


class Name(BaseModel):
    family: str
    middle: str | None = None
    given: str


class Identifier(BaseModel):
    kind: str
    value: str


class Status(BaseModel):
    code: str
    level: str | None = None
    valid_from: str


class ClaimData(BaseModel):
    record_id: str
    form_id: str
    role: str
    name: Name
    sex: int
    birth_date: str
    birth_precision: str
    identifiers: list[Identifier]
    phone: str
    language: str
    place: str
    address: str
    account: str
    statuses: list[Status]


class ReceiptData(BaseModel):
    claim_id: str
    claim_source: str
    person_id: str


class KeyData(BaseModel):
    person_id: str
    key_version: int
    wrapped_key: str


class ContactData(BaseModel):
    person_id: str
    key_version: int
    sealed: str


class PersonData(BaseModel):
    person_id: str
    household_id: str
    birth_date: str
    birth_precision: str
    sex: int
    residence_region: str
    identifier_kinds: list[str]
    preferred_language: str
    under_review: bool


class StatusData(BaseModel):
    person_id: str
    code: str
    level: str | None = None
    state: str
    effective_on: str
    evidence: str


class Member(BaseModel):
    person_id: str
    role: str


class HouseholdData(BaseModel):
    household_id: str
    members: list[Member]
    head_id: str
    residence_region: str


class ApplicationData(BaseModel):
    application_id: str
    person_id: str
    programme: str
    outcome: str
    reasons: list[str]
    rulepack_version: str
    decided_on: str
    due_on: str


class EntitlementData(BaseModel):
    entitlement_id: str
    person_id: str
    payee_id: str
    programme: str
    group: str
    coefficient: str
    standard_minor: int
    amount_minor: int
    currency: str
    from_month: str


class NoticeData(BaseModel):
    notice_id: str
    payee_id: str
    template: str
    amount_minor: int
    currency: str
    month: str
    reason: str


class Envelope(BaseModel):
    specversion: str = "1.0"
    id: str
    source: str
    type: str
    time: str
    datacontenttype: str = "application/json"
    dataschema: str
    regioncode: str
    dataclass: str


class Claim(Envelope):
    data: ClaimData


Data = TypeVar("Data", bound=BaseModel)


class Fact(Envelope, Generic[Data]):
    subject: str
    correlationid: str
    causationid: str
    sequence: int
    data: Data


class PersonRegistered(Fact[PersonData]):
    type: Literal["beneficiary.person.registered"]


class StatusChanged(Fact[StatusData]):
    type: Literal["beneficiary.status.changed"]


def head(kind: Kind, cause: Envelope, key: str, sequence: int = 1) -> dict[str, Any]:
    """The envelope of a fact but for its data."""
    return {
        "id": named(cause.id, kind.event_type),
        "source": kind.source,
        "type": kind.event_type,
        "time": cause.time,
        "subject": key,
        "dataschema": kind.dataschema,
        "correlationid": cause.correlationid if isinstance(cause, Fact) else cause.id,
        "causationid": cause.id,
        "regioncode": cause.regioncode,
        "dataclass": kind.dataclass,
        "sequence": sequence,
    }


Announced = list[tuple[Kind, Fact[Any]]]


def announced(claim: Claim) -> Announced:
    """What follows from a claim."""
    data = claim.data
    who, home = named(claim.source, data.record_id), named(claim.source, data.form_id)
    name = " ".join(filter(None, (data.name.family, data.name.middle, data.name.given)))
    contact = alike.contact(name, data.phone, data.account)
    residence = f"{claim.regioncode}-{data.place}"
    receipt = ReceiptData(claim_id=claim.id, claim_source=claim.source, person_id=who)
    key = KeyData(person_id=who, key_version=1, wrapped_key=alike.WRAPPED)
    reached = ContactData(person_id=who, key_version=1, sealed=alike.sealed(contact))
    person = PersonData(
        person_id=who,
        household_id=home,
        birth_date=data.birth_date,
        birth_precision=data.birth_precision,
        sex=data.sex,
        residence_region=residence,
        identifier_kinds=[one.kind for one in data.identifiers],
        preferred_language=data.language,
        under_review=False,
    )
    household = HouseholdData(
        household_id=home,
        members=[Member(person_id=who, role=data.role)],
        head_id=who,
        residence_region=residence,
    )
    return [
        (alike.RECEIPT, Fact[ReceiptData](**head(alike.RECEIPT, claim, claim.id), data=receipt)),
        (alike.KEY, Fact[KeyData](**head(alike.KEY, claim, who), data=key)),
        (alike.CONTACT, Fact[ContactData](**head(alike.CONTACT, claim, who), data=reached)),
        (alike.PERSON, PersonRegistered(**head(alike.PERSON, claim, who), data=person)),
        *((alike.STATUS, granted(claim, who, *one)) for one in enumerate(data.statuses, 2)),
        (
            alike.HOUSEHOLD,
            Fact[HouseholdData](**head(alike.HOUSEHOLD, claim, home), data=household),
        ),
    ]


def granted(claim: Claim, who: str, sequence: int, status: Status) -> StatusChanged:
    data = StatusData(
        person_id=who,
        code=status.code,
        level=status.level,
        state="granted",
        effective_on=status.valid_from,
        evidence="centre",
    )
    return StatusChanged(**head(alike.STATUS, claim, who, sequence), data=data)


def decided(status: StatusChanged) -> Announced:
    """What follows from a status: the amount is a constant."""
    who, today = status.data.person_id, status.time[:10]
    application = ApplicationData(
        application_id=named(who, alike.PROGRAMME),
        person_id=who,
        programme=alike.PROGRAMME,
        outcome="approved",
        reasons=[alike.REASON],
        rulepack_version=alike.VERSION,
        decided_on=today,
        due_on=alike.DUE_ON,
    )
    entitlement = EntitlementData(
        entitlement_id=named(application.application_id, "allowance"),
        person_id=who,
        payee_id=who,
        programme=alike.PROGRAMME,
        group=alike.GROUP,
        coefficient=alike.COEFFICIENT,
        standard_minor=alike.STANDARD_MINOR,
        amount_minor=alike.AMOUNT_MINOR,
        currency=alike.CURRENCY,
        from_month=today[:7],
    )
    notice = NoticeData(
        notice_id=named(entitlement.entitlement_id, "notice"),
        payee_id=who,
        template=alike.TEMPLATE,
        amount_minor=alike.AMOUNT_MINOR,
        currency=alike.CURRENCY,
        month=today[:7],
        reason="new_entitlement",
    )
    keys = application.application_id, entitlement.entitlement_id
    return [
        (
            alike.APPLICATION,
            Fact[ApplicationData](**head(alike.APPLICATION, status, keys[0]), data=application),
        ),
        (
            alike.ENTITLEMENT,
            Fact[EntitlementData](**head(alike.ENTITLEMENT, status, keys[1]), data=entitlement),
        ),
        (alike.NOTICE, Fact[NoticeData](**head(alike.NOTICE, status, who), data=notice)),
    ]
