"""The events of the obvious pipe, as pydantic models."""

from datetime import date
from uuid import NAMESPACE_URL, uuid5

from pydantic import BaseModel


class Status(BaseModel):
    code: str
    level: str | None
    valid_from: date


class ClaimData(BaseModel):
    record_id: str
    form_id: str
    sex: int
    birth_date: date
    place: str
    language: str
    statuses: list[Status]


class Envelope(BaseModel):
    specversion: str = "1.0"
    id: str
    source: str
    type: str
    time: str
    datacontenttype: str = "application/json"
    dataschema: str
    correlationid: str | None = None


class Claim(Envelope):
    data: ClaimData


class PersonData(BaseModel):
    person_id: str
    household_id: str
    birth_date: date
    sex: int
    place: str
    language: str
    status: str


class Person(Envelope):
    data: PersonData


class EntitlementData(BaseModel):
    entitlement_id: str
    person_id: str
    programme: str
    amount_minor: int
    from_month: str


class Entitlement(Envelope):
    data: EntitlementData


def named(*parts: str) -> str:
    return str(uuid5(NAMESPACE_URL, "/".join(parts)))
