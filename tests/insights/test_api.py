"""The ministry's door: open totals, a page with named places, tables for who may read them."""

import asyncio
import csv
import io
import json
from uuid import UUID

import pytest

from services.insights import api
from services.insights.api import create
from services.insights.handlers import on_cycle_closed
from services.insights.web import languages
from services.runtime.database import Database
from tests.apis import asking
from tests.databases import Schema
from tests.events import NOW
from tests.insights.facts import MONTH, WARD, closed
from tests.insights.months import CAME_BACK, PAID_MEN, PAID_NEXT_DOOR, PAID_WOMEN, paid_month

pytestmark = pytest.mark.stack
PAID = PAID_WOMEN + PAID_MEN + PAID_NEXT_DOOR
CELLS = 13
PATIENCE_S = 60


@pytest.fixture(scope="module", autouse=True)
async def _closed(schema: Schema) -> None:
    """A month that was paid and published."""
    cycle = UUID(int=1)
    async with schema.database(NOW) as database, database.transaction() as tx:
        await paid_month(tx, cycle)
        await on_cycle_closed(tx, [closed(cycle, PAID, CAME_BACK)])


@pytest.mark.parametrize("tag", languages())
async def test_the_page_names_places_and_shows_no_small_count(schema: Schema, tag: str) -> None:
    words = languages()[tag]
    async with asking(create(), schema, role="ministry", regions=()) as client:
        answer = await client.get("/", params={"lang": tag})
    page = answer.text
    assert f'lang="{tag}" dir="{words.direction}"' in page
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert f'<th scope="row" title="{WARD}">Phường Hà Giang 1</th>' in page
    assert words["region_total"] in page
    assert words.month(MONTH) in page
    row = page.partition(f'title="{WARD}"')[2].partition("</tr>")[0]
    assert row.count("<td>–</td>") == 2
    assert f"<td>{words.number(PAID_WOMEN + PAID_MEN)}</td>" in row


async def test_the_totals_are_those_of_the_cube(schema: Schema) -> None:
    async with asking(create(), schema, role="ministry", regions=()) as client:
        everywhere = (await client.get("/totals")).json()["totals"]
        elsewhere = (await client.get("/totals", params={"region": "VN-01"})).json()["totals"]
    assert everywhere["paid"] == {"count": PAID, "amount_minor": PAID * 500_000}
    assert everywhere["returned"]["count"] == CAME_BACK
    assert everywhere["registered"]["count"] == PAID + CAME_BACK
    assert elsewhere == {}


async def test_totals_are_told_when_they_change_and_a_close_ends_the_stream(
    schema: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    cycle, looked, look = UUID(int=2), asyncio.Event(), api._totals

    async def told_of(database: Database) -> dict[str, int]:
        totals = await look(database)
        looked.set()
        return totals

    async with schema.database(NOW) as database:

        async def close_another() -> None:
            async with database.transaction() as tx:
                await paid_month(tx, cycle)
                await on_cycle_closed(tx, [closed(cycle, PAID, CAME_BACK)])

        async with asking(create(), schema, role="ministry", regions=()) as client:
            before = (await client.get("/totals")).json()["totals"]["paid"]["count"]
            # given a reader of the stream who has looked once
            monkeypatch.setattr(api, "_totals", told_of)
            answer = asyncio.create_task(client.get("/live"))
            async with asyncio.timeout(PATIENCE_S):
                await looked.wait()
                # when another cycle is paid and closed
                await close_another()
                text = (await answer).text
    told = [
        json.loads(line.removeprefix("data: "))
        for line in text.splitlines()
        if line.startswith("data: ")
    ]
    assert text.rstrip().endswith("event: closed\ndata: {}")
    assert [one["paid"] for one in told[:-1]] == [before, before + PAID]


async def test_published_cells_come_in_pages_and_by_month(schema: Schema) -> None:
    async with asking(create(), schema, role="ministry", regions=()) as client:
        rows, after = [], None
        while True:
            given = {"period": MONTH, "limit": "5", **({"after": after} if after else {})}
            page = (await client.get("/indicators", params=given)).json()
            rows += page["items"]
            after = page["next"]
            if after is None:
                break
        ward = (await client.get("/indicators", params={"region": WARD})).json()["items"]
        never = (await client.get("/indicators", params={"period": "2020-01"})).json()
        paid = (await client.get("/indicators", params={"indicator": "payments.paid"})).json()
    names = [(row["indicator"], row["region"], row["breakdown"]) for row in rows]
    assert (len(names), len(set(names))) == (CELLS, CELLS)
    assert {row["region"] for row in ward} == {WARD}
    assert (never["items"], never["next"]) == ([], None)
    assert {row["indicator"] for row in paid["items"]} == {"payments.paid"}
    assert all(row["suppressed"] == (row["count"] is None) for row in rows)


async def test_a_month_is_read_as_a_table(schema: Schema) -> None:
    async with asking(create(), schema, role="ministry", regions=()) as client:
        answer = await client.get("/indicators.csv", params={"period": MONTH})
    rows = [*csv.DictReader(io.StringIO(answer.text))]
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert len(rows) == CELLS
    hidden = [row for row in rows if row["suppressed"] == "True"]
    assert hidden
    assert {row["count"] for row in hidden} == {""}


async def test_tables_are_for_signed_in_readers(schema: Schema) -> None:
    async with asking(create(), schema, role="case_worker", regions=("VN-07",)) as client:
        for path in ("/indicators", "/indicators.csv"):
            assert (await client.get(path)).status_code == 403
        assert (await client.get("/indicators", params={"period": "soon"})).status_code == 403
    async with asking(create(), schema, role="ministry", regions=()) as client:
        assert (await client.get("/indicators", params={"period": "soon"})).status_code == 422
