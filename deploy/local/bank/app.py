"""The bank's HTTP face, and the task that works while nobody asks."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from deploy.local.bank import audit
from deploy.local.bank.books import Books
from deploy.local.bank.desk import Desk, TurnedDown
from deploy.local.bank.orders import MAX_FILE_BYTES
from deploy.local.serving import read_body

XML_TYPES = frozenset({"application/xml", "text/xml"})
MAX_MESSAGES = 100
MAX_ENTRIES = 10_000
MAX_ANSWER_BYTES = 8 * 1024 * 1024
LOOK_EVERY_S = 0.05
_LOG = logging.getLogger(__name__)


def create_app(books: Books, desk: Desk) -> FastAPI:
    """The bank as an ASGI application; it works as long as the application lives."""
    workers: list[asyncio.Task[None]] = []
    # The schema validator keeps its findings in itself: one file is read at a time.
    one_at_a_time = asyncio.Lock()

    @asynccontextmanager
    async def working(_app: FastAPI) -> AsyncIterator[None]:
        workers.append(asyncio.create_task(_work(desk)))
        yield
        workers[0].cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    app = FastAPI(title="Local bank", docs_url=None, redoc_url=None, lifespan=working)
    _reading(app, books)

    @app.get("/health/ready")
    async def ready() -> JSONResponse:
        at_work = not workers[0].done()
        return JSONResponse({"status": "ready" if at_work else "stopped"}, 200 if at_work else 503)

    @app.post("/payments")
    async def payments(request: Request) -> Response:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in XML_TYPES:
            return JSONResponse({"code": "media_type"}, 415)
        document = await read_body(request, MAX_FILE_BYTES)
        if document is None:
            return JSONResponse({"code": "too_large"}, 413)
        async with one_at_a_time:
            taken = await run_in_threadpool(desk.take, document)
        if isinstance(taken, TurnedDown):
            return Response(taken.document, 422, media_type="application/xml")
        if taken.answer_lost:
            return JSONResponse({"code": "answer_lost"}, 504)
        return JSONResponse({"message_id": taken.message_id, "transfers": taken.transfers}, 202)

    return app


def _reading(app: FastAPI, books: Books) -> None:
    @app.get("/messages")
    def messages(
        after: Annotated[int, Query(ge=0, le=2**53)] = 0,
        limit: Annotated[int, Query(ge=1, le=MAX_MESSAGES)] = MAX_MESSAGES,
    ) -> list[dict[str, Any]]:
        """At most `limit` messages, fewer if they are large: ask again after the last number."""
        page: list[dict[str, Any]] = []
        size = 0
        for message in books.messages(after, limit):
            size += len(message.document)
            if page and size > MAX_ANSWER_BYTES:
                break
            page.append(
                {
                    "number": message.number,
                    "message_id": message.message_id,
                    "kind": message.kind,
                    "document": message.document.decode(),
                }
            )
        return page

    @app.get("/ledger")
    def ledger() -> dict[str, Any]:
        return audit.summary(books)

    @app.get("/ledger/entries")
    def ledger_entries(
        after: Annotated[int, Query(ge=0, le=2**53)] = 0,
        limit: Annotated[int, Query(ge=1, le=MAX_ENTRIES)] = 1000,
    ) -> list[dict[str, Any]]:
        return audit.entries(books, after, limit)


async def _work(desk: Desk) -> None:
    while True:
        try:
            wait_s = await run_in_threadpool(desk.work)
        except Exception:
            # The bank is not ready any more, and says so; the books are as before the step.
            _LOG.exception("work has stopped")
            raise
        if wait_s is None or wait_s > 0:
            await asyncio.sleep(min(wait_s or LOOK_EVERY_S, LOOK_EVERY_S))
