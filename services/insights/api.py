"""The ministry's door: a page, a live stream of totals, published indicators as JSON and CSV.

The page and the totals hold nothing about any person and are open; the indicator tables are for
signed-in ministries and officers.
"""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel

from services.insights import store, web
from services.insights.aggregates import MEASURES
from services.insights.domain import TOTAL
from services.insights.store import Figures, IndicatorRow
from services.runtime.auth import Principal, requires
from services.runtime.database import Database
from services.runtime.settings import Settings
from services.runtime.web import create_app

Reader = Annotated[
    Principal,
    Depends(requires("ministry", "payments_preparer", "payments_approver", "supervisor")),
]
Period = Annotated[str | None, Query(pattern=r"^[12][0-9]{3}-(0[1-9]|1[0-2])$")]
LIVE_EVERY_S = 1.0
LIVE_FOR_S = 3600
COLUMNS = (("sex=2", "women"), ("sex=1", "men"), ("sex=0", "unknown"), (TOTAL, "all"))
INDICATORS = ("payments.paid", "payments.returned")
CSV_COLUMNS = ("indicator", "period", "region", "breakdown", "count", "suppressed", "revision")
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';"
    " connect-src 'self'; frame-ancestors 'none'"
)


async def _counted(request: Request) -> None:
    """Who shows no token is counted by address; `requires` counts the others."""
    request.app.state.limits.check(f"address {request.client and request.client.host}")


OPEN = [Depends(_counted)]
router = APIRouter(tags=["insights"])


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the page's table."""

    breakdown: str
    label: str


@dataclass(frozen=True, slots=True)
class TableRow:
    """A place by code and name, and its cells, None where hidden."""

    code: str
    name: str
    is_total: bool
    cells: list[int | None]


@dataclass(frozen=True, slots=True)
class Table:
    """The latest month's payments by place and sex."""

    period: str
    indicators: tuple[str, ...]
    columns: list[Column]
    rows: list[TableRow]


class Totals(BaseModel):
    """Measure → how many and how much."""

    totals: dict[str, Figures]


class IndicatorPage(BaseModel):
    """Published cells by name; `next` is given as `after` to read on, None at the end."""

    items: list[IndicatorRow]
    next: str | None


@router.get("/", response_class=HTMLResponse, include_in_schema=False, dependencies=OPEN)
async def page(request: Request, lang: str | None = None) -> HTMLResponse:
    """The dashboard in the language asked for."""
    database: Database = request.app.state.database
    totals = await _totals(database)
    words = web.words_for(lang)
    table = await _table(database, words)
    html = web.page(words, measures=MEASURES, totals=totals, table=table)
    return HTMLResponse(html, headers={"content-security-policy": PAGE_POLICY})


@router.get("/live", include_in_schema=False, dependencies=OPEN)
async def live(request: Request) -> StreamingResponse:
    """Totals as they change, as server-sent events."""
    headers = {"cache-control": "no-store"}
    return StreamingResponse(_changes(request), media_type="text/event-stream", headers=headers)


async def _changes(request: Request) -> AsyncIterator[str]:
    database: Database = request.app.state.database
    told: dict[str, int] = {}
    closed = await database.pool.fetchval(store.COUNT_CYCLES)
    for _ in range(LIVE_FOR_S):
        # Counted before the totals are read: what a close has paid is told before its end is.
        count = await database.pool.fetchval(store.COUNT_CYCLES)
        totals = await _totals(database)
        if totals != told:
            told = totals
            yield f"event: totals\ndata: {json.dumps(totals)}\n\n"
        if count != closed:
            yield "event: closed\ndata: {}\n\n"
            return
        await asyncio.sleep(LIVE_EVERY_S)


@router.get("/totals", dependencies=OPEN)
async def totals(request: Request, region: str | None = None) -> Totals:
    """The totals of a region, or of all."""
    database: Database = request.app.state.database
    async with database.pool.acquire() as connection:
        return Totals(totals=await store.totals(connection, region))


@router.get("/indicators")
async def indicators(
    request: Request,
    _: Reader,
    period: Period = None,
    indicator: str | None = None,
    region: str | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> IndicatorPage:
    """Published cells, hidden ones without a count."""
    cells = await _indicators(request, (period, indicator, region), after, limit)
    following = "|".join(cells[-1].name) if len(cells) == limit else None
    return IndicatorPage(items=cells, next=following)


@router.get("/indicators.csv")
async def indicators_csv(request: Request, _: Reader, period: Period = None) -> Response:
    """The published cells of a month as CSV, at most 10,000."""
    cells = await _indicators(request, (period, None, None), None, 10_000)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(CSV_COLUMNS)
    writer.writerows([getattr(cell, name) for name in CSV_COLUMNS] for cell in cells)
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8")


async def _indicators(
    request: Request,
    filters: tuple[str | None, str | None, str | None],
    after: str | None,
    limit: int,
) -> list[IndicatorRow]:
    database: Database = request.app.state.database
    start = after.split("|", 3) if after else ()
    async with database.pool.acquire() as connection:
        return await store.page_indicators(connection, filters, start, limit)


async def _totals(database: Database) -> dict[str, int]:
    async with database.pool.acquire() as connection:
        found = await store.totals(connection, None)
    return {measure: figures.count for measure, figures in found.items()}


async def _table(database: Database, words: web.Words) -> Table | None:
    """The published table of the month that was closed last."""
    latest = await database.pool.fetchrow(store.LATEST_CYCLE)
    if latest is None:
        return None
    cells: dict[tuple[str, str, str], int | None] = {}
    for name in INDICATORS:
        for row in await database.pool.fetch(store.PUBLISHED, name, latest["month"]):
            cells[row["region"], name, row["breakdown"]] = row["count"]
    present = {breakdown for _, _, breakdown in cells}
    columns = [Column(key, label) for key, label in COLUMNS if key in present]
    places = sorted({region for region, _, _ in cells}, key=lambda place: (len(place), place))
    rows = [
        TableRow(
            code=place,
            name=words.place(place, latest["month"]),
            is_total=place == latest["region"],
            cells=[
                cells.get((place, name, column.breakdown), 0)
                for name in INDICATORS
                for column in columns
            ],
        )
        for place in places
    ]
    return Table(latest["month"], INDICATORS, columns, rows)


def create(settings: Settings | None = None) -> FastAPI:
    """The ministry's application, page and static files included."""
    app = create_app("insights", [router], settings or Settings())
    app.mount("/static", StaticFiles(directory=web.STATIC), name="static")
    return app
