"""What the other services tell insights."""

from datetime import UTC, date, datetime
from typing import Literal
from uuid import UUID, uuid4

from contracts.beneficiary import PersonRegistered
from contracts.benefits import (
    ApplicationDecided,
    CycleClosed,
    EntitlementStarted,
    PaymentOrdered,
    PaymentReturned,
    PaymentSettled,
)
from contracts.envelope import Envelope
from tests.events import REGION, fact

MONTH = "2026-09"
AMOUNT = 500_000
WARD, NEXT_WARD = "VN-07-00694", "VN-07-00700"


def registered(
    person: UUID, ward: str = WARD, sex: Literal[0, 1, 2, 9] = 2
) -> Envelope[PersonRegistered]:
    payload = PersonRegistered(
        person_id=person,
        household_id=uuid4(),
        birth_date=date(1950, 4, 17),
        birth_precision="day",
        sex=sex,
        residence_region=ward,
        identifier_kinds=(),
        preferred_language="vi",
        under_review=False,
    )
    return fact(payload)


def decided(
    person: UUID,
    outcome: Literal["approved", "refused", "deferred"],
    application: UUID | None = None,
) -> Envelope[ApplicationDecided]:
    payload = ApplicationDecided(
        application_id=application or uuid4(),
        person_id=person,
        programme="VN-SA",
        outcome=outcome,
        reasons=(),
        rulepack_version="2025.7.1",
        decided_on=date(2026, 9, 15),
        due_on=date(2026, 9, 25),
    )
    return fact(payload)


def entitled(person: UUID) -> Envelope[EntitlementStarted]:
    payload = EntitlementStarted(
        entitlement_id=uuid4(),
        person_id=person,
        payee_id=person,
        programme="VN-SA",
        group="A6",
        coefficient="1.0",
        standard_minor=AMOUNT,
        amount_minor=AMOUNT,
        currency="VND",
        from_month=MONTH,
    )
    return fact(payload)


def ordered(person: UUID, cycle: UUID, payment: UUID) -> Envelope[PaymentOrdered]:
    payload = PaymentOrdered(
        payment_id=payment,
        entitlement_id=uuid4(),
        person_id=person,
        payee_id=person,
        cycle_id=cycle,
        month=MONTH,
        component="monthly",
        amount_minor=AMOUNT,
        currency="VND",
        residence_region=WARD,
    )
    return fact(payload)


def settled(person: UUID, payment: UUID) -> Envelope[PaymentSettled]:
    payload = PaymentSettled(
        payment_id=payment,
        entitlement_id=uuid4(),
        person_id=person,
        month=MONTH,
        amount_minor=AMOUNT,
        currency="VND",
        settled_at=datetime(2026, 9, 15, tzinfo=UTC),
        provider_sequence=1,
    )
    return fact(payload, sequence=2)


def returned(person: UUID, payment: UUID) -> Envelope[PaymentReturned]:
    payload = PaymentReturned(
        payment_id=payment,
        entitlement_id=uuid4(),
        person_id=person,
        month=MONTH,
        amount_minor=AMOUNT,
        currency="VND",
        reason="AC04",
        provider_sequence=2,
    )
    return fact(payload, sequence=3)


def closed(cycle: UUID, settled: int, returned: int) -> Envelope[CycleClosed]:
    payload = CycleClosed(
        cycle_id=cycle,
        month=MONTH,
        programme="VN-SA",
        region=REGION,
        currency="VND",
        ordered=settled + returned,
        ordered_minor=(settled + returned) * AMOUNT,
        settled=settled,
        settled_minor=settled * AMOUNT,
        returned=returned,
        returned_minor=returned * AMOUNT,
    )
    return fact(payload)
