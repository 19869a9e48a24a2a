"""A text message provider with a small API.

`POST /messages` with `{"id", "to", "text"}` (JSON; `id` up to 64 characters chosen by the sender,
`to` in E.164) answers

- 202 `{"provider_id", "status"}`: taken. The same id with the same content gets the same answer
  and sends nothing twice;
- 409 `{"code": "id_reused"}`: the id is known with another content;
- 422 `{"code"}`: refused for good, `malformed` or `number_not_in_service`;
- 413: larger than 16 KiB; 503: try again with the same id.

`GET /messages/{id}` tells what became of one: `delivered` or `undelivered`; 404 if unknown.
`GET /messages?after=N&limit=M`, `GET /count` and `GET /health/ready` are for auditors.

Numbers that end in these digits misbehave, for rehearsal:

- 900001 is not in service;
- 900002 is answered 503 the first time, and the message is not taken;
- 900003 is answered 503 the first time although the message was taken;
- 900004 is taken, but the message never arrives.
"""

from typing import Annotated
from uuid import NAMESPACE_OID, uuid5

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from deploy.local.serving import read_body
from deploy.local.sinks.box import Box, Kept, reading_routes

MAX_BODY_BYTES = 16 * 1024
NOT_IN_SERVICE, BUSY_ONCE, ANSWER_LOST_ONCE, NEVER_ARRIVES = "900001", "900002", "900003", "900004"


class _Order(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    id: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    to: Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
    text: Annotated[str, StringConstraints(min_length=1, max_length=1600)]


def create_sms_app(box: Box) -> FastAPI:
    """The provider as an ASGI application over its box."""
    app = FastAPI(title="Local SMS provider", docs_url=None, redoc_url=None)
    app.include_router(reading_routes(box))

    @app.post("/messages")
    async def take(request: Request) -> JSONResponse:
        body = await read_body(request, MAX_BODY_BYTES)
        if body is None:
            return _refusal(413, "too_large")
        try:
            order = _Order.model_validate_json(body)
        except ValidationError:
            return _refusal(422, "malformed")
        return _take(box, order)

    @app.get("/messages/{message_id}")
    async def status(message_id: str) -> JSONResponse:
        message = box.find(message_id)
        if message is None:
            return _refusal(404, "unknown")
        return JSONResponse(_receipt(message.id, message.status))

    return app


def _take(box: Box, order: _Order) -> JSONResponse:
    first = box.count_attempt(order.id) == 1
    if order.to.endswith(NOT_IN_SERVICE):
        return _refusal(422, "number_not_in_service")
    if first and order.to.endswith(BUSY_ONCE):
        return _refusal(503, "busy")
    status = "undelivered" if order.to.endswith(NEVER_ARRIVES) else "delivered"
    kept = box.keep(order.id, order.to, order.text, status)
    if kept is Kept.OTHER:
        return _refusal(409, "id_reused")
    if first and order.to.endswith(ANSWER_LOST_ONCE):
        return _refusal(503, "answer_lost")
    return JSONResponse(_receipt(order.id, "accepted"), 202)


def _receipt(message_id: str, status: str) -> dict[str, str]:
    return {"provider_id": uuid5(NAMESPACE_OID, message_id).hex, "status": status}


def _refusal(status: int, code: str) -> JSONResponse:
    return JSONResponse({"code": code}, status)
