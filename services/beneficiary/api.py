"""The registry's HTTP door: claims in, persons and suspected duplicates for registry officers."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict

from contracts.beneficiary import DuplicateResolved
from contracts.values import derived_id
from services.beneficiary import store
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


@router.get("/persons")
async def list_persons(
    request: Request, officer: Officer, after: UUID | None = None, limit: Limit = 50
) -> dict[str, Any]:
    """Persons of the officer's regions by id; `next` is the `after` of the next page."""
    async with api_transaction(request, officer) as tx:
        rows = await tx.connection.fetch(store.LIST_PERSONS, after, limit)
    return store.page(rows, limit)


@router.get("/persons/{person_id}")
async def find_person(request: Request, officer: Officer, person_id: UUID) -> dict[str, Any]:
    """One person with their statuses; one of another region is answered as unknown."""
    async with api_transaction(request, officer) as tx:
        row = await tx.connection.fetchrow(store.FIND_PERSON, person_id)
        statuses = await tx.connection.fetch(store.LIST_STATUSES, person_id)
    if row is None:
        raise HTTPException(404, "person.unknown")
    return {**dict(row), "statuses": [dict(status) for status in statuses]}


@router.get("/duplicates")
async def list_duplicates(
    request: Request,
    officer: Officer,
    open_only: bool | None = True,
    after: UUID | None = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Suspected pairs with score and reasons, by id."""
    async with api_transaction(request, officer) as tx:
        rows = await tx.connection.fetch(store.LIST_PAIRS, open_only or None, after, limit)
    return store.page(rows, limit)


@router.post("/duplicates/{pair_id}/resolution")
async def resolve_duplicate(
    request: Request, officer: Officer, pair_id: UUID, resolution: Resolution
) -> dict[str, Any]:
    """Records the decision and publishes it; the same decision again changes nothing."""
    async with api_transaction(request, officer) as tx:
        pair = await tx.connection.fetchrow(store.FIND_PAIR, pair_id)
        if pair is None:
            raise HTTPException(404, "pair.unknown")
        if pair["outcome"] not in (None, resolution.outcome):
            raise HTTPException(409, "pair.decided_otherwise")
        if pair["outcome"] is None:
            await store.resolve_pair(
                tx.connection, pair_id, resolution.outcome, officer.subject, tx.business_now
            )
            fact = DuplicateResolved(
                pair_id=pair_id,
                person_ids=(pair["person_a"], pair["person_b"]),
                outcome=resolution.outcome,
                decided_by=officer.subject,
            )
            seed = str(derived_id(str(pair_id), "resolution", officer.subject))
            cause = Cause(seed, seed, seed, pair["region"])
            await outbox.append(tx, "beneficiary", [Decided(cause, fact)], inline=False)
    return {"pair_id": pair_id, "outcome": resolution.outcome}


def create(settings: Settings | None = None) -> FastAPI:
    """The registry's application."""
    return create_app(
        "beneficiary",
        [router, submission.claims_router("beneficiary")],
        settings or Settings(),
        body_bytes=submission.BODY_BYTES,
    )
