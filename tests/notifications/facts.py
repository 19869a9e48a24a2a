"""What the registry and benefits tell notifications."""

from datetime import date
from uuid import UUID, uuid4

from contracts.beneficiary import Contact, ContactChanged, KeyIssued, PersonRegistered
from contracts.benefits import NoticeIssued
from contracts.envelope import Envelope
from services.notifications.handlers import on_person
from services.runtime.database import Transaction
from services.runtime.sealing import PersonKeys
from tests.events import REGION, fact

PHONE = "+84912345678"


def registered(
    person: UUID, language: str = "vi", region: str = REGION
) -> Envelope[PersonRegistered]:
    payload = PersonRegistered(
        person_id=person,
        household_id=uuid4(),
        birth_date=date(1950, 1, 1),
        birth_precision="day",
        sex=2,
        residence_region=f"{region}-00694",
        identifier_kinds=(),
        preferred_language=language,
        under_review=False,
    )
    return fact(payload, region)


def sealed(
    keys: PersonKeys,
    person: UUID,
    phone: str | None = PHONE,
    email: str | None = None,
    region: str = REGION,
) -> tuple[Envelope[KeyIssued], Envelope[ContactChanged]]:
    """A new key of a person, and their contact sealed with it."""
    key = keys.issue(person)
    contact = Contact(name="Nguyễn Thị Hoa", phone=phone, email=email).model_dump_json().encode()
    issued = KeyIssued(person_id=person, key_version=key.version, wrapped_key=key.wrapped)
    changed = ContactChanged(person_id=person, key_version=key.version, sealed=key.seal(contact))
    return fact(issued, region), fact(changed, region)


def notice(
    payee: UUID, region: str = REGION, template: str = "entitlement_started", sequence: int = 1
) -> Envelope[NoticeIssued]:
    payload = NoticeIssued(
        notice_id=uuid4(),
        payee_id=payee,
        template=template,
        amount_minor=1_250_000,
        currency="VND",
        month="2026-09",
        reason="new_entitlement",
    )
    return fact(payload, region, sequence)


async def known(
    tx: Transaction,
    person: UUID,
    language: str = "vi",
    phone: str | None = PHONE,
    email: str | None = None,
) -> UUID:
    """Tells notifications all about a person; returns the person's id."""
    key, contact = sealed(PersonKeys.from_settings(tx.settings), person, phone, email)
    await on_person(tx, [key, contact, registered(person, language)])
    return person
