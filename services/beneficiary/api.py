"""The registry's HTTP door: claims in, persons and suspected duplicates for registry officers."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict

from contracts.beneficiary import DuplicateResolved
from contracts.values import derived_id
from services.beneficiary import store
from services.beneficiary.store import PairView, PersonView, StatusView
from services.runtime import outbox, submission
from services.runtime.auth import Principal, requires
from services.runtime.routes import Cause, Decided
from services.runtime.settings import Settings
from services.runtime.web import api_transaction, create_app

Officer = Annotated[Principal, Depends(requires("registry_officer"))]
Limit = Annotated[int, Query(ge=1, le=200)]

router = APIRouter(tags=["registry"])


class Resolution(BaseModel):
    """What an officer decided about a suspected pair."""

    model_config = ConfigDict(strict=True, extra="forbid")

    outcome: Literal["same", "distinct"]


class Decision(Resolution):
    """A pair, and what was decided about it."""

    pair_id: UUID


class PersonPage(BaseModel):
    """Persons by id; `next` is given as `after` to read on, None at the end."""

    persons: list[PersonView]
    next: UUID | None


class PersonFile(BaseModel):
    """A person with their statuses, oldest first."""

    person: PersonView
    statuses: list[StatusView]


class PairPage(BaseModel):
    """Pairs by id; `next` is given as `after` to read on, None at the end."""

    pairs: list[PairView]
    next: UUID | None


@router.get("/persons")
async def list_persons(
    request: Request, officer: Officer, after: UUID | None = None, limit: Limit = 50
) -> PersonPage:
    """The persons of the officer's regions."""
    async with api_transaction(request, officer) as tx:
        persons = await store.page_persons(tx.connection, after, limit)
    return PersonPage(persons=persons, next=persons[-1].id if len(persons) == limit else None)


@router.get("/persons/{person_id}")
async def show_person(request: Request, officer: Officer, person_id: UUID) -> PersonFile:
    """One person; 404 if there is none in the officer's regions."""
    async with api_transaction(request, officer) as tx:
        person = await store.find_person(tx.connection, person_id)
        statuses = await store.load_statuses(tx.connection, person_id)
    if person is None:
        raise HTTPException(404, "person.unknown")
    return PersonFile(person=person, statuses=statuses)


@router.get("/duplicates")
async def list_duplicates(
    request: Request,
    officer: Officer,
    open_only: bool = True,
    after: UUID | None = None,
    limit: Limit = 50,
) -> PairPage:
    """Suspected pairs with score and reasons."""
    async with api_transaction(request, officer) as tx:
        pairs = await store.page_pairs(tx.connection, after, limit, open_only=open_only)
    return PairPage(pairs=pairs, next=pairs[-1].id if len(pairs) == limit else None)


@router.post("/duplicates/{pair_id}/resolution")
async def resolve_duplicate(
    request: Request, officer: Officer, pair_id: UUID, resolution: Resolution
) -> Decision:
    """Records the decision and publishes it; the same decision again changes nothing."""
    async with api_transaction(request, officer) as tx:
        pair = await store.lock_pair(tx.connection, pair_id)
        if pair is None:
            raise HTTPException(404, "pair.unknown")
        if pair.outcome not in (None, resolution.outcome):
            raise HTTPException(409, "pair.decided_otherwise")
        if pair.outcome is None:
            await store.resolve_pair(
                tx.connection, pair_id, resolution.outcome, officer.subject, tx.business_now
            )
            fact = DuplicateResolved(
                pair_id=pair_id,
                person_ids=(pair.person_a, pair.person_b),
                outcome=resolution.outcome,
                decided_by=officer.subject,
            )
            seed = str(derived_id(str(pair_id), "resolution", officer.subject))
            cause = Cause(seed, seed, seed, pair.region)
            await outbox.append(tx, "beneficiary", [Decided(cause, fact)], inline=False)
    return Decision(pair_id=pair_id, outcome=resolution.outcome)


def create(settings: Settings | None = None) -> FastAPI:
    """The registry's application."""
    return create_app(
        "beneficiary",
        [router, submission.claims_router("beneficiary")],
        settings or Settings(),
        body_bytes=submission.BODY_BYTES,
    )
