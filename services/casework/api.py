"""The HTTP door of casework: the cases of one's regions, and whose they are."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from pydantic import BaseModel

from services.casework import store
from services.casework.store import CaseRow
from services.runtime.auth import Principal, requires
from services.runtime.settings import Settings
from services.runtime.web import api_transaction, create_app

router = APIRouter(tags=["casework"])
Caseworker = Annotated[Principal, Depends(requires("case_worker", "supervisor"))]


class CasePage(BaseModel):
    """Cases by id; `next` is given as `after` to read on, None at the end."""

    cases: list[CaseRow]
    next: UUID | None


@router.get("/cases")
async def list_cases(
    request: Request,
    principal: Caseworker,
    owner_id: UUID | None = None,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> CasePage:
    """The cases of the regions of whoever asks, or of these one worker's."""
    async with api_transaction(request, principal) as tx:
        cases = await store.page_cases(tx.connection, owner_id, after, limit)
    return CasePage(cases=cases, next=cases[-1].case_id if len(cases) == limit else None)


@router.get("/cases/{case_id}")
async def show_case(request: Request, principal: Caseworker, case_id: UUID) -> CaseRow:
    """One case; 404 if there is none in the regions of whoever asks."""
    async with api_transaction(request, principal) as tx:
        case = await store.find_case(tx.connection, case_id)
    if case is None:
        raise HTTPException(404, "case.unknown")
    return case


def create(settings: Settings | None = None) -> FastAPI:
    """The application of casework."""
    return create_app("casework", [router], settings or Settings())
