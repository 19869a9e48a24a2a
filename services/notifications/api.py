"""The HTTP door of notifications: what became of the messages to a person. No words, no number."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from pydantic import BaseModel

from services.notifications import store
from services.notifications.store import MessageRow
from services.runtime.auth import Principal, requires
from services.runtime.settings import Settings
from services.runtime.web import api_transaction, create_app

router = APIRouter(tags=["notifications"])


class MessagePage(BaseModel):
    """Messages by id; `next` is given as `after` to read on, None at the end."""

    messages: list[MessageRow]
    next: UUID | None


@router.get("/messages")
async def list_messages(
    request: Request,
    principal: Annotated[Principal, Depends(requires("case_worker", "supervisor", "operator"))],
    recipient_id: UUID,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> MessagePage:
    """The messages to a person, as far as they lie in the regions of whoever asks."""
    async with api_transaction(request, principal) as tx:
        messages = await store.page_messages(tx.connection, recipient_id, after, limit)
    following = messages[-1].message_id if len(messages) == limit else None
    return MessagePage(messages=messages, next=following)


def create(settings: Settings | None = None) -> FastAPI:
    """The application of notifications."""
    return create_app("notifications", [router], settings or Settings())
