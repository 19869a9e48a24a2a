from datetime import date
from uuid import UUID

import pytest

from contracts.codec import encode
from contracts.regional import WorkerDeployed
from contracts.values import region_source, worker_id
from services.runtime.settings import Settings
from services.workforce.api import create
from services.workforce.handlers import on_deployed
from tests.apis import asking
from tests.databases import Schema
from tests.events import NOW, claim

pytestmark = pytest.mark.stack
COMMUNITIES = {"VN-07": ("00694", "00700"), "VN-01": ("03388", "03390")}


@pytest.fixture(scope="module", autouse=True)
async def _deployed(schema: Schema) -> None:
    async with schema.database(NOW) as database, database.transaction() as tx:
        for region, communities in COMMUNITIES.items():
            for number in range(3):
                await on_deployed(tx, [claim(deployed(f"W{number}", communities), region)])


def deployed(record_id: str, communities: tuple[str, ...] = COMMUNITIES["VN-07"]) -> WorkerDeployed:
    return WorkerDeployed(
        record_id=record_id,
        communities=communities,
        languages=("vi", "hmn"),
        first_day=date(2026, 9, 1),
        last_day=date(2027, 8, 31),
    )


async def test_a_supervisor_reads_the_workers_of_the_region_page_by_page(schema: Schema) -> None:
    async with asking(create(), schema, role="supervisor", regions=("VN-07",)) as client:
        first = (await client.get("/workers", params={"limit": 2})).json()
        rest = (await client.get("/workers", params={"limit": 2, "after": first["next"]})).json()
    workers = first["workers"] + rest["workers"]
    assert (len(first["workers"]), rest["next"]) == (2, None)
    assert {UUID(worker["worker_id"]) for worker in workers} == {
        worker_id(region_source("VN-07"), f"W{number}") for number in range(3)
    }
    [deployment] = workers[0]["deployments"]
    assert deployment["communities"] == ["00694", "00700"]
    assert deployment["last_day"] == "2027-08-31"


async def test_whoever_has_no_region_sees_nobody(schema: Schema) -> None:
    async with asking(create(), schema, role="supervisor", regions=()) as client:
        assert (await client.get("/workers")).json() == {"workers": [], "next": None}


async def test_other_roles_are_refused(schema: Schema) -> None:
    async with asking(create(), schema, role="ministry", regions=("VN-07", "VN-01")) as client:
        answer = await client.get("/workers")
    assert (answer.status_code, answer.json()["code"]) == (403, "role.missing")


async def test_a_centre_hands_in_a_claim_and_asks_what_became_of_it(schema: Schema) -> None:
    event = claim(deployed("BY-HTTP"), "VN-07")
    settings = Settings(regions=("VN-07",))
    async with asking(create(settings), schema, role="centre", regions=("VN-07",)) as client:
        taken = await client.post(
            "/claims",
            content=encode(event),
            headers={"content-type": "application/cloudevents+json"},
        )
        answer = await client.get(taken.headers["location"])
    assert (taken.status_code, answer.json()["outcome"]) == (202, "pending")
