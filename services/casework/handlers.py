"""What casework does with facts: load, decide, save, return."""

from collections.abc import Sequence
from uuid import UUID

from contracts.beneficiary import PersonRegistered
from contracts.benefits import PaymentReturned
from contracts.envelope import Envelope
from contracts.workforce import DeploymentStarted
from services.casework import domain, store
from services.casework.domain import Assignee, Case, Person
from services.runtime.database import Transaction
from services.runtime.routes import Cause, Decided, Outcome, Releases, Waits, region_of

Returned = Envelope[PaymentReturned]


async def on_registered(
    tx: Transaction, events: Sequence[Envelope[PersonRegistered]]
) -> list[Outcome]:
    """Keeps where a person lives; a case that waited for them can be opened."""
    people = [(region_of(event) or "", _person(event.data)) for event in events]
    await store.save_people(tx.connection, people)
    return [Releases(_arrival(event.data)) for event in events]


async def on_deployed(
    tx: Transaction, events: Sequence[Envelope[DeploymentStarted]]
) -> list[Outcome]:
    """Keeps who can be given cases, where and when."""
    await store.save_deployments(tx.connection, [event.data for event in events])
    return []


async def on_returned(tx: Transaction, events: Sequence[Returned]) -> list[Outcome]:
    """Opens a case for each returned payment and gives it to a worker of the region."""
    people = await store.load_people(tx.connection, [event.data.person_id for event in events])
    waits = [event for event in events if event.data.person_id not in people]
    cases = {
        domain.case_id(event.data.payment_id): (event, _case(tx, event, people))
        for event in events
        if event.data.person_id in people
    }
    opened = await store.load_opened(tx.connection, [*cases])
    new = [pair for case_id, pair in cases.items() if case_id not in opened]
    assigned = await _assign(tx, [case for _, case in new])
    await store.save_cases(tx.connection, assigned, tx.business_now)
    return [
        *(Waits(event, _arrival(event.data)) for event in waits),
        *(
            Decided(Cause.of(event), fact)
            for (event, case), (_, who) in zip(new, assigned, strict=True)
            for fact in (domain.opened(case), domain.assigned(case, who))
        ),
    ]


async def _assign(tx: Transaction, cases: Sequence[Case]) -> list[tuple[Case, Assignee]]:
    if not cases:
        return []
    regions = [case.region for case in cases]
    workers = await store.lock_workers(tx.connection, regions, tx.business_date)
    return [*zip(cases, domain.assign(cases, workers), strict=True)]


def _case(tx: Transaction, event: Returned, people: dict[UUID, Person]) -> Case:
    person = people[event.data.person_id]
    region = region_of(event) or ""
    return domain.for_returned_payment(event.data.payment_id, person, region, tx.business_now)


def _person(data: PersonRegistered) -> Person:
    return Person(data.person_id, data.residence_region, data.preferred_language)


def _arrival(data: PersonRegistered | PaymentReturned) -> str:
    return f"person:{data.person_id}"
