from uuid import UUID, uuid4

import pytest

from services.casework.api import create
from services.casework.domain import case_id
from services.casework.handlers import on_deployed, on_registered, on_returned
from tests.apis import asking
from tests.casework.facts import deployed, registered, returned
from tests.databases import Schema
from tests.events import NOW

pytestmark = pytest.mark.stack
OWNER = UUID(int=6101)


@pytest.fixture(scope="module")
async def cases(schema: Schema) -> list[str]:
    """Two cases in VN-61, one of them with an owner, and one in VN-62."""
    ids: list[str] = []
    async with schema.database(NOW) as database:
        for region in ("VN-61", "VN-61", "VN-62"):
            person = uuid4()
            event = returned(person, region)
            async with database.transaction() as tx:
                await on_registered(tx, [registered(person, region=region)])
                await on_returned(tx, [event])
                await on_deployed(tx, [deployed(OWNER, region="VN-61")] if not ids else [])
            ids.append(str(case_id(event.data.payment_id)))
    return ids


async def test_a_case_worker_sees_the_cases_of_the_region(schema: Schema, cases: list[str]) -> None:
    async with asking(create(), schema, role="case_worker", regions=("VN-61",)) as client:
        page = (await client.get("/cases")).json()
        owned = (await client.get("/cases", params={"owner_id": str(OWNER)})).json()
        one = (await client.get(f"/cases/{cases[1]}")).json()
    assert {case["case_id"] for case in page["cases"]} == set(cases[:2])
    assert [case["case_id"] for case in owned["cases"]] == [cases[1]]
    assert (one["owner_id"], one["state"], one["risk_level"]) == (str(OWNER), "open", "low")
    assert one["contact_due_at"] == "2026-09-22T02:30:00Z"


async def test_cases_come_in_pages(schema: Schema, cases: list[str]) -> None:
    async with asking(create(), schema, role="supervisor", regions=("VN-61", "VN-62")) as client:
        first = (await client.get("/cases", params={"limit": 2})).json()
        rest = (await client.get("/cases", params={"limit": 2, "after": first["next"]})).json()
    ids = [case["case_id"] for case in first["cases"] + rest["cases"]]
    assert (ids, rest["next"]) == (sorted(cases), None)


async def test_another_regions_case_is_answered_as_one_that_is_not(
    schema: Schema, cases: list[str]
) -> None:
    async with asking(create(), schema, role="supervisor", regions=("VN-61",)) as client:
        hidden = await client.get(f"/cases/{cases[2]}")
        absent = await client.get(f"/cases/{uuid4()}")
    assert (hidden.status_code, hidden.json()["code"]) == (404, "case.unknown")
    assert hidden.json() == absent.json()


async def test_other_roles_are_refused(schema: Schema, cases: list[str]) -> None:
    async with asking(create(), schema, role="payments_preparer", regions=("VN-61",)) as client:
        for path in ("/cases", f"/cases/{cases[0]}"):
            assert (await client.get(path)).status_code == 403
