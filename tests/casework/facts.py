"""What the registry, workforce and benefits tell casework."""

from datetime import date
from uuid import UUID, uuid4

from contracts.beneficiary import PersonRegistered
from contracts.benefits import PaymentReturned
from contracts.envelope import Envelope
from contracts.workforce import DeploymentStarted
from tests.events import REGION, fact


def registered(
    person: UUID, ward: str = "00694", language: str = "vi", region: str = REGION
) -> Envelope[PersonRegistered]:
    payload = PersonRegistered(
        person_id=person,
        household_id=uuid4(),
        birth_date=date(1950, 1, 1),
        birth_precision="day",
        sex=2,
        residence_region=f"{region}-{ward}",
        identifier_kinds=(),
        preferred_language=language,
        under_review=False,
    )
    return fact(payload, region)


def deployed(
    worker: UUID,
    *communities: str,
    first_day: date = date(2026, 1, 1),
    last_day: date = date(2026, 12, 31),
    region: str = REGION,
) -> Envelope[DeploymentStarted]:
    payload = DeploymentStarted(
        worker_id=worker,
        deployment_id=uuid4(),
        region=region,
        communities=communities or ("00694",),
        languages=("vi",),
        first_day=first_day,
        last_day=last_day,
    )
    return fact(payload, region)


def returned(person: UUID, region: str = REGION, sequence: int = 2) -> Envelope[PaymentReturned]:
    payload = PaymentReturned(
        payment_id=uuid4(),
        entitlement_id=uuid4(),
        person_id=person,
        month="2026-09",
        amount_minor=500_000,
        currency="VND",
        reason="AC04",
        provider_sequence=1,
    )
    return fact(payload, region, sequence)
