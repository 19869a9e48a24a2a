"""What makes both yardsticks the same pipe as ours: who takes what, and as many bytes of it.

Kinds of records come from the contracts. What the platform decides is a constant here; what it
seals, digests or names by a key is something of the same length that seals and hides nothing.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from contracts import beneficiary, benefits, catalogue, platform
from contracts.catalogue import (
    BY_PAYLOAD,
    DATA_CLASS,
    Topic,
    claims_topic,
    receipts_topic,
    topic_for,
)
from contracts.envelope import Fact
from contracts.values import service_source

REGION: Final = "VN-07"
CLAIMS: Final = claims_topic(REGION, "beneficiary")
TAKEN: Final[Mapping[str, tuple[str, ...]]] = {
    "beneficiary": (CLAIMS,),
    "benefits": (
        "beneficiary.person.v1",
        "beneficiary.household.v1",
        "beneficiary.contact.v1",
        "beneficiary.key.v1",
    ),
    "notifications": (
        "beneficiary.person.v1",
        "beneficiary.contact.v1",
        "beneficiary.key.v1",
        "benefits.notice.v1",
    ),
}
"""Service → the topics that it takes."""
CARRIED: Final[Mapping[str, int]] = {
    receipts_topic(REGION): 1,
    "beneficiary.person.v1": 2,
    "beneficiary.household.v1": 1,
    "beneficiary.contact.v1": 1,
    "beneficiary.key.v1": 1,
    "benefits.application.v1": 1,
    "benefits.entitlement.v1": 1,
    "benefits.notice.v1": 1,
}
"""Topic → records that each claim must leave on it."""
TOPICS: Final[Mapping[str, Topic]] = {
    topic.name: topic
    for topic in (*catalogue.TOPICS, *catalogue.regional_topics(REGION))
    if topic.name == CLAIMS or topic.name in CARRIED
}
"""How the contracts have each of them kept."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fact: what its envelope says whatever it is about, and its topic."""

    topic: str
    source: str
    event_type: str
    dataschema: str
    dataclass: str

    @classmethod
    def of(cls, payload: type[Fact], service: str) -> "Kind":
        """What the contracts say of a payload that a service publishes."""
        event = BY_PAYLOAD[payload]
        topic, data_class = topic_for(event, service, REGION), DATA_CLASS[payload].value
        return cls(topic, service_source(service), event.name, event.schema, data_class)


RECEIPT: Final = Kind.of(platform.EventAccepted, "beneficiary")
KEY: Final = Kind.of(beneficiary.KeyIssued, "beneficiary")
CONTACT: Final = Kind.of(beneficiary.ContactChanged, "beneficiary")
PERSON: Final = Kind.of(beneficiary.PersonRegistered, "beneficiary")
STATUS: Final = Kind.of(beneficiary.StatusChanged, "beneficiary")
HOUSEHOLD: Final = Kind.of(beneficiary.HouseholdChanged, "beneficiary")
APPLICATION: Final = Kind.of(benefits.ApplicationDecided, "benefits")
ENTITLEMENT: Final = Kind.of(benefits.EntitlementStarted, "benefits")
NOTICE: Final = Kind.of(benefits.NoticeIssued, "benefits")

PROGRAMME: Final = "VN-SA"
VERSION: Final = "2025.7.1"
REASON: Final = "a6_severe_adult"
GROUP: Final = "A6"
COEFFICIENT: Final = "1.5"
STANDARD_MINOR: Final = 500_000
AMOUNT_MINOR: Final = 750_000
CURRENCY: Final = "VND"
TEMPLATE: Final = "entitlement_started"
LANGUAGE: Final = "vi"
DUE_ON: Final = "2026-09-29"
REVIEW_AT: Final = "2046-08-31T17:30:00+00:00"
"""When the plan of a person changes, and from which month."""
LATER: Final = "2046-09"
SEALING: Final = bytes(28)
"""As many as a nonce and a tag."""
WRAPPED: Final = urlsafe_b64encode(bytes(40)).rstrip(b"=").decode()
"""As long as a wrapped key."""


def named(*parts: str) -> str:
    """An id that the same parts always give."""
    return str(uuid5(NAMESPACE_URL, "/".join(parts)))


def sealed(document: bytes) -> str:
    """As long as the document would be if it were sealed."""
    return urlsafe_b64encode(SEALING + document).rstrip(b"=").decode()


def digest(raw: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(raw).hexdigest()


def digests(*texts: str) -> list[int]:
    """A digest of each text and its place, as a number of 8 bytes."""
    found = (hashlib.sha256(f"{n}:{text}".encode()).digest() for n, text in enumerate(texts))
    return [int.from_bytes(digest[:8], signed=True) for digest in found]


def number_parts(number: str) -> list[int]:
    """Digests of three parts of a number."""
    return digests(number[0::3], number[1::3], number[2::3])


def changes_later(person_id: str) -> bool:
    """Stands for the law, which plans a change for those below sixty: 69 newcomers of a hundred."""
    return int(person_id[-1], 16) < 11


def contact(name: str, phone: str, account: str) -> bytes:
    """What of a contact is sealed."""
    return f'{{"name":"{name}","phone":"{phone}","email":null,"account":"{account}"}}'.encode()
