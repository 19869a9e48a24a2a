"""The HTTP door of workforce: claims in; which workers serve in one's regions, where and when."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from pydantic import BaseModel

from services.runtime.auth import Principal, requires
from services.runtime.settings import Settings
from services.runtime.submission import BODY_BYTES, claims_router
from services.runtime.web import api_transaction, create_app
from services.workforce import store
from services.workforce.domain import Deployment

router = APIRouter(tags=["workforce"])


class DeploymentView(BaseModel):
    """Where and when a worker serves, both days included."""

    deployment_id: UUID
    communities: tuple[str, ...]
    languages: tuple[str, ...]
    first_day: date
    last_day: date


class WorkerView(BaseModel):
    """A worker with their deployments, oldest first."""

    worker_id: UUID
    region: str
    record_id: str
    deployments: list[DeploymentView]


class WorkerPage(BaseModel):
    """Workers by id; `next` is given as `after` to read on, None at the end."""

    workers: list[WorkerView]
    next: UUID | None


@router.get("/workers")
async def list_workers(
    request: Request,
    principal: Annotated[Principal, Depends(requires("supervisor", "operator"))],
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> WorkerPage:
    """The workers of the regions of whoever asks."""
    async with api_transaction(request, principal) as tx:
        held = await store.page_workers(tx.connection, after, limit)
    workers = [_view(deployments) for deployments in held.values()]
    return WorkerPage(workers=workers, next=[*held][-1] if len(held) == limit else None)


def _view(deployments: list[Deployment]) -> WorkerView:
    first = deployments[0]
    return WorkerView(
        worker_id=first.worker_id,
        region=first.region,
        record_id=first.record_id,
        deployments=[
            DeploymentView(
                deployment_id=one.deployment_id,
                communities=one.communities,
                languages=one.languages,
                first_day=one.first_day,
                last_day=one.last_day,
            )
            for one in deployments
        ],
    )


def create(settings: Settings | None = None) -> FastAPI:
    """The application of workforce."""
    return create_app(
        "workforce",
        [router, claims_router("workforce")],
        settings or Settings(),
        body_bytes=BODY_BYTES,
    )
