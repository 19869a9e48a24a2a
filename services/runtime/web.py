"""The HTTP side of a service: one application around its routes.

Everything that is no answer is a problem document (RFC 9457) with a code; none quotes a value, a
row or an exception. Bodies are bounded in bytes, depth and kind before any route sees them,
requests in time and in number. Row-level security gets its context in the transaction, from the
token.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, cast

import asyncpg
import uvicorn
from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from opentelemetry.trace import SpanKind
from pydantic import BaseModel
from starlette.exceptions import HTTPException as RoutingException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.codec import MAX_DEPTH, field_path
from services.runtime.auth import Principal, ProviderKeys, Verifier, strict_json
from services.runtime.clock import BusinessClock
from services.runtime.database import Database, Transaction, connect, is_outage
from services.runtime.settings import Settings
from services.runtime.telemetry import Telemetry

CONTEXT: Final = """
select set_config('hamroh.regions', $1, true), set_config('hamroh.roles', $2, true),
       set_config('hamroh.subject', $3, true)
"""
ALIVE: Final = "select 1"
READY_TIMEOUT_S: Final = 2.0
PROBLEM: Final = "application/problem+json"
MEDIA_TYPES: Final = (
    "application/json",
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}
"""Sent with every answer that does not bring its own."""


class Problem(BaseModel):
    """What every refusal and fault is answered with."""

    type: str
    title: str
    status: int
    code: str
    errors: list[dict[str, str]] = []


def problem(
    status: int,
    code: str,
    headers: Mapping[str, str] | None = None,
    errors: Sequence[dict[str, str]] = (),
) -> Response:
    """A problem document; `errors` name fields by path, each with a code."""
    kind, title = f"urn:hamroh:problem:{code}", HTTPStatus(status).phrase
    document = Problem(type=kind, title=title, status=status, code=code, errors=[*errors])
    text = document.model_dump_json(exclude_defaults=True)
    return Response(text, status, dict(headers or {}), PROBLEM)


@dataclass(slots=True)
class Limits:
    """How often one subject may ask this process in a minute."""

    per_minute: int
    _limiter: SlidingWindowCounterRateLimiter = field(
        default_factory=lambda: SlidingWindowCounterRateLimiter(MemoryStorage())
    )

    def check(self, subject: str) -> None:
        """Counts one request; 429 with `Retry-After` if it is one too many."""
        allowed = RateLimitItemPerMinute(self.per_minute)
        if not self._limiter.hit(allowed, subject):
            wait_s = self._limiter.get_window_stats(allowed, subject).reset_time - time.time()  # noqa: TID251 - the library's clock
            raise HTTPException(429, "requests.too_many", {"Retry-After": str(max(1, int(wait_s)))})


def create_app(
    service: str,
    routers: Sequence[APIRouter],
    settings: Settings,
    *,
    body_bytes: Mapping[str, int] | None = None,
) -> FastAPI:
    """The application of a service; `body_bytes` are limits of paths that take more than usual."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            database = await connect(settings, BusinessClock(settings.business_time))
        except Exception as error:
            telemetry.fault("start", error)
            raise
        app.state.database = database
        yield
        await database.pool.close()
        telemetry.close()

    telemetry = Telemetry(service, settings)
    app = FastAPI(
        title=f"Hamroh {service}",
        version="1",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        responses={
            "default": {
                "description": "A problem (RFC 9457)",
                "content": {PROBLEM: {"schema": Problem.model_json_schema()}},
            }
        },
    )
    app.state.settings, app.state.telemetry = settings, telemetry
    app.state.verifier = Verifier(ProviderKeys(settings.oidc_issuer), settings.oidc_audience)
    app.state.limits = Limits(settings.requests_per_minute)
    app.add_exception_handler(RoutingException, _http_problem)
    app.add_exception_handler(RequestValidationError, _validation_problem)
    app.add_middleware(
        Door, settings=settings, telemetry=telemetry, body_bytes=dict(body_bytes or {})
    )
    for router in (*routers, health):
        app.include_router(router)
    return app


@asynccontextmanager
async def api_transaction(request: Request, principal: Principal) -> AsyncIterator[Transaction]:
    """A transaction that sees the principal's regions; committed on leaving, before the answer."""
    database: Database = request.app.state.database
    async with database.pool.acquire() as connection, connection.transaction():
        regions, roles = ",".join(principal.regions), ",".join(sorted(principal.roles))
        await connection.execute(CONTEXT, regions, roles, principal.subject)
        tx = Transaction(connection, await database.business_now(connection), database.settings)
        yield tx
    request.app.state.telemetry.told(tx.tally, route_of(request.scope))


def serve(app: FastAPI, settings: Settings) -> None:
    """Serves until told to stop; requests under way get ten seconds to end."""
    uvicorn.run(
        app,
        host=settings.http_host,
        port=settings.http_port,
        loop="uvloop",
        http="h11",  # the other parser takes headers without end
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=500,
        timeout_graceful_shutdown=10,
    )


health = APIRouter(include_in_schema=False)


@health.get("/health/live")
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "live"}


@health.get("/health/ready")
async def ready(request: Request) -> dict[str, str]:
    """The database answers, too."""
    async with asyncio.timeout(READY_TIMEOUT_S):
        await request.app.state.database.pool.fetchval(ALIVE)
    return {"status": "ready"}


async def _http_problem(_: Request, error: Exception) -> Response:
    """401, 403, 404, 405, 413 … as raised by a route, a dependency or the router."""
    raised = cast("RoutingException", error)
    coded = isinstance(raised, HTTPException) and re.fullmatch(r"[a-z_.]+", str(raised.detail))
    standard = {404: "path.unknown", 405: "method.not_allowed", 400: "body.malformed"}
    code = raised.detail if coded else standard.get(raised.status_code, "request.refused")
    return problem(raised.status_code, code, raised.headers)


async def _validation_problem(_: Request, error: Exception) -> Response:
    """Which fields are to blame and how; never what stood in them."""
    details = cast("RequestValidationError", error).errors()[:20]
    errors = [{"code": detail["type"], "path": field_path(detail)} for detail in details]
    return problem(422, "request.invalid", errors=errors)


class _RefusedBodyError(Exception):
    """A body that no route will see."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


@dataclass(slots=True)
class Door:
    """What every request passes: limits of body and time, headers, measurement, faults."""

    app: ASGIApp
    settings: Settings
    telemetry: Telemetry
    body_bytes: dict[str, int]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(send)
        started = time.perf_counter()
        given = _header(scope, b"traceparent") or None
        with self.telemetry.span("request", link=given, kind=SpanKind.SERVER) as span:
            try:
                async with asyncio.timeout(self.settings.request_timeout_s) as answer.limit:
                    body = await self._body(scope, receive)
                    answer.asked = True
                    await self.app(scope, body, answer)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is answered
                answer.limit = None
                await self._explain(error, scope, receive, answer)
            route = route_of(scope)
            method = scope["method"] if scope["method"] in METHODS else "other"
            span.update_name(f"{method} {route}")
            span.set_attribute("http.response.status_code", answer.status)
        self.telemetry.record(
            "request.seconds",
            time.perf_counter() - started,
            method=method,
            route=route,
            status=str(answer.status),
        )
        if answer.status == HTTPStatus.FORBIDDEN:
            who = scope.get("state", {}).get("subject_id")
            self.telemetry.log.warning(
                "denied", method=method, route=route.lstrip("/"), subject_id=who
            )

    async def _explain(
        self, error: Exception, scope: Scope, receive: Receive, answer: "_Answer"
    ) -> None:
        if isinstance(error, TimeoutError) and not answer.asked:
            error = _RefusedBodyError(408, "body.too_slow")
        response = self._problem_of(error)
        response.headers["connection"] = "close"  # the rest of its body is not waited for
        if response.status_code >= 500:  # noqa: PLR2004 - faults of ours
            self.telemetry.fault("http", error)
        if answer.status == 0:
            await response(scope, receive, answer)

    def _problem_of(self, error: Exception) -> Response:
        match error:
            case _RefusedBodyError():
                return problem(error.status, error.code)
            case asyncpg.InsufficientPrivilegeError():
                return problem(403, "region.forbidden")
            case asyncpg.DataError():
                return problem(422, "body.unprocessable")
        if is_outage(error):
            return problem(503, "service.away", {"Retry-After": "5"})
        return problem(500, "service.fault")

    async def _body(self, scope: Scope, receive: Receive) -> Receive:
        """The whole body, within its limits, to be received again."""
        if _header(scope, b"content-length") and _header(scope, b"transfer-encoding"):
            raise _RefusedBodyError(400, "body.two_lengths")  # a proxy may see another end
        limit = self.body_bytes.get(scope["path"], self.settings.body_bytes)
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > limit:
                raise _RefusedBodyError(413, "body.too_large")
        if body:
            _check_kind(scope, bytes(body))
        first: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def again() -> Message:
            return first.pop() if first else await receive()

        return again


@dataclass(slots=True)
class _Answer:
    """Sends an answer with our headers and remembers its status; a stream may take its time."""

    send: Send
    status: int = 0
    asked: bool = False
    """Whether the whole request is here."""
    limit: asyncio.Timeout | None = None

    async def __call__(self, message: Message) -> None:
        """Passes one message on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self.limit:
                self.limit.reschedule(None)
            own = {name.lower() for name, _ in message["headers"]}
            missing = [
                (k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in own
            ]
            message = {**message, "headers": [*message["headers"], *missing]}
        await self.send(message)


def route_of(scope: Scope) -> str:
    """The template of the path that was asked for, without what stood in it."""
    return getattr(scope.get("route"), "path", "none")


def _header(scope: Scope, name: bytes) -> str:
    values = [value for key, value in scope["headers"] if key == name]
    return values[0].decode("latin-1") if values else ""


def _check_kind(scope: Scope, body: bytes) -> None:
    """JSON only, not compressed, not too deep; a command is read strictly before any route."""
    kind = _header(scope, b"content-type").partition(";")[0].strip().lower()
    if kind not in MEDIA_TYPES or _header(scope, b"content-encoding") not in ("", "identity"):
        raise _RefusedBodyError(415, "body.wrong_kind")
    if kind == MEDIA_TYPES[0]:
        try:
            tree = strict_json(body)
        except (ValueError, RecursionError):
            raise _RefusedBodyError(400, "body.malformed") from None
        if _depth(tree) > MAX_DEPTH:
            raise _RefusedBodyError(400, "body.too_deep")


def _depth(tree: Any) -> int:
    """How deep objects and arrays nest."""
    level, depth = [tree], 0
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [i for item in level for i in (item.values() if isinstance(item, dict) else item)]
    return depth
