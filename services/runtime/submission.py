"""Claims by HTTP, for centres without a broker: the same documents, answered the same way.

`POST /claims` takes one claim or a batch, says at once what is wrong with its form, and stores its
bytes; the worker takes them through the same consumer as those from Kafka. `GET` at the address in
the answer tells what became of it. The same id with the same bytes is the same claim; with other
bytes it is refused.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import BaseModel

from contracts.catalogue import BY_PAYLOAD, REGIONAL, claims_topic, key_of
from contracts.codec import Event, Undecodable, decode_claim, digest
from contracts.envelope import EventId, Source
from contracts.values import REGION_PREFIX, descends
from services.runtime.auth import Principal, requires
from services.runtime.database import Transaction
from services.runtime.routes import seed_of
from services.runtime.tracing import INTAKE
from services.runtime.web import MEDIA_TYPES, api_transaction, problem

BATCH: Final = 100
BODY_BYTES: Final = {"/claims": 1_048_576}
"""For `create_app`: a batch may be larger than one claim."""
CENTRE: Final = "centre"

STORE: Final = """
insert into inbound (topic, key, source, event_id, digest, region, raw)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                     $7::bytea[]) as given (topic, key, source, event_id, digest, region, raw)
where not exists (select from inbox known
                  where known.source = given.source and known.id = given.event_id
                    and known.digest <> given.digest)
on conflict (source, event_id) do nothing
returning source, event_id
"""
STORED: Final = """
select source, event_id, digest from inbound
where (source, event_id) in (select * from unnest($1::text[], $2::text[]))
"""
NOTIFY: Final = "select pg_notify('inbound', current_schema())"
ANSWER: Final = """
select outcome, code, path, person_id from inbox where source = $1 and id = $2
union all
select 'pending', null, null, null from inbound where source = $1 and event_id = $2
limit 1
"""


class ClaimStatus(BaseModel):
    """What became of a claim."""

    source: str
    id: str
    outcome: Literal["pending", "accepted", "rejected"]
    code: str | None = None
    path: str | None = None
    person_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class _Refused:
    """A claim that is not stored: HTTP status, code and field path."""

    status: int
    code: str
    path: str

    @property
    def errors(self) -> list[dict[str, str]]:
        return [{"code": self.code, "path": self.path}]


@dataclass(frozen=True, slots=True)
class _Given:
    """A claim to store."""

    event: Event
    raw: bytes
    region: str
    topic: str

    @property
    def name(self) -> tuple[str, str]:
        return self.event.source, self.event.id

    @property
    def location(self) -> str:
        return f"/claims/{quote(self.event.source, safe=':')}/{quote(self.event.id)}"


Item = _Given | _Refused


def claims_router(owner: str) -> APIRouter:
    """The routes of a service that answers claims."""
    router = APIRouter(tags=["claims"])
    centre = Depends(requires(CENTRE))

    @router.post("/claims", status_code=202, response_class=Response, openapi_extra=_BODY)
    async def submit(request: Request, principal: Annotated[Principal, centre]) -> Response:
        """Takes one claim, or up to a hundred, each answered by itself (207 if any is refused)."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = await request.body()
        if kind == MEDIA_TYPES[2]:
            given = [_read(raw, owner, request, principal) for raw in _split(body)]
            return _many(await _stored(request, principal, given))
        if kind != MEDIA_TYPES[1]:
            raise HTTPException(415, "body.wrong_kind")
        given = [_read(body, owner, request, principal)]
        return _one((await _stored(request, principal, given))[0])

    @router.get("/claims/{source}/{event_id}", response_model_exclude_none=True)
    async def answer(
        source: Source, event_id: EventId, request: Request, principal: Annotated[Principal, centre]
    ) -> ClaimStatus:
        """What became of a claim of one's own region."""
        async with api_transaction(request, principal) as tx:
            row = await tx.connection.fetchrow(ANSWER, source, event_id)
        if row is None:
            raise HTTPException(404, "claim.unknown")
        return ClaimStatus(source=source, id=event_id, **row)

    return router


def _read(raw: bytes, owner: str, request: Request, principal: Principal) -> Item:
    """A claim that its sender may make here, or why not."""
    event = decode_claim(raw)
    if isinstance(event, Undecodable):
        return _Refused(422, event.code, event.path)
    region = event.source.removeprefix(REGION_PREFIX).upper()
    served = region in request.app.state.settings.regions
    if not served or not event.source.startswith(REGION_PREFIX) or not principal.sees(region):
        return _Refused(403, "claim.wrong_source", "source")
    if not descends(event.regioncode or "", region):
        return _Refused(403, "claim.wrong_region", "regioncode")
    if BY_PAYLOAD[type(event.data)].topic != REGIONAL.format(owner=owner):
        return _Refused(422, "event.wrong_topic", "type")
    return _Given(event, raw, region, claims_topic(region, owner))


async def _stored(request: Request, principal: Principal, items: Sequence[Item]) -> list[Item]:
    """Stores what can be; what came before under the same id with other bytes is refused."""
    given = [item for item in items if isinstance(item, _Given)]
    if not given:
        return [*items]
    async with api_transaction(request, principal) as tx:
        stored = await _store(tx, given)
    return [
        _Refused(422, "claim.id_reused", "id")
        if isinstance(item, _Given) and stored.get(item.name) != digest(item.raw)
        else item
        for item in items
    ]


async def _store(tx: Transaction, given: Sequence[_Given]) -> dict[tuple[str, str], str]:
    """(source, id) → the digest of what is stored under it, now that these are, where they may be.

    Not stored is what was answered under the same id with other bytes: it is refused here, once.
    """
    sources, ids = [item.event.source for item in given], [item.event.id for item in given]
    new = await tx.connection.fetch(
        STORE,
        [item.topic for item in given],
        [key_of(item.event.data) for item in given],
        sources,
        ids,
        [digest(item.raw) for item in given],
        [item.region for item in given],
        [item.raw for item in given],
    )
    await tx.connection.execute(NOTIFY)
    if (share := tx.settings.traced_share) is not None:
        for source, event_id in new:
            tx.tally.step(INTAKE, seed_of(source, event_id), None, share)
    rows = await tx.connection.fetch(STORED, sources, ids)
    return {(row["source"], row["event_id"]): row["digest"] for row in rows}


def _one(item: Item) -> Response:
    if isinstance(item, _Refused):
        return problem(item.status, item.code, errors=item.errors)
    return Response(status_code=202, headers={"location": item.location})


def _many(items: Sequence[Item]) -> Response:
    answers: list[dict[str, Any]] = [
        {"status": item.status, "code": item.code, "errors": item.errors}
        if isinstance(item, _Refused)
        else {"status": 202, "location": item.location}
        for item in items
    ]
    refused = any(isinstance(item, _Refused) for item in items)
    body = json.dumps({"items": answers})
    return Response(body, 207 if refused else 202, media_type=MEDIA_TYPES[0])


_SPACE: Final = re.compile(r"[ \t\r\n]*")


def _split(body: bytes) -> list[bytes]:
    """The claims of a batch, each with the very bytes that it was sent as."""
    try:
        parts = list(_parts(body.decode()))
    except (ValueError, RecursionError, IndexError):
        raise HTTPException(400, "body.malformed") from None
    if not 0 < len(parts) <= BATCH:
        raise HTTPException(413 if parts else 422, "batch.too_large" if parts else "batch.empty")
    return [part.encode() for part in parts]


def _parts(text: str) -> Iterator[str]:
    """The items of a JSON array as they are written; a `ValueError` if it is none."""
    decoder = json.JSONDecoder()

    def skip(at: int) -> int:
        found = _SPACE.match(text, at)
        return found.end() if found else at

    at = skip(0)
    if text[at] != "[":
        raise ValueError("no array")
    at = skip(at + 1)
    more = text[at] != "]"
    while more:
        _, end = decoder.raw_decode(text, at)
        yield text[at:end]
        at = skip(end)
        more = text[at] == ","
        if not more and text[at] != "]":
            raise ValueError("no array")
        at = skip(at + 1) if more else at
    if skip(at + 1) != len(text):
        raise ValueError("more than an array")


_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            MEDIA_TYPES[1]: {"schema": {"type": "object"}},
            MEDIA_TYPES[2]: {
                "schema": {"type": "array", "items": {"type": "object"}, "maxItems": BATCH}
            },
        },
    }
}
