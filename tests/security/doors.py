"""The six HTTP doors over the platform's database, and somebody of everything in each region."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx
from fastapi import FastAPI

from contracts.beneficiary import PersonRegistered, StatusChanged
from contracts.values import derived_id
from services.benefits.api import create as create_benefits
from services.benefits.handlers import people
from services.benefits.settings import BenefitsSettings
from services.runtime.auth import Principal
from services.runtime.clock import BusinessClock
from services.runtime.database import Connection, Database, Pool, Transaction
from services.runtime.settings import Settings
from tests.apis import Vouching
from tests.events import NOW, fact
from tests.runtime.provider import Provider
from tests.security.houses import House

TARGET = "VN-07"
REGIONS = ("VN-07", "VN-070", "VN-01")
EXAMPLES = Path(__file__).parents[2] / "contracts" / "examples"
CLAIMS = {
    "beneficiary": "regional.beneficiary.person.registered.1.json",
    "workforce": "regional.workforce.worker.deployed.1.json",
}
FILL = """
with region as (
    select * from unnest($1::text[], $2::uuid[], $3::uuid[], $4::uuid[])
        as region (code, thing, another, third)
), person as (
    insert into beneficiary.persons
    select id, code, 'urn:hamroh:region:' || lower(code), id::text, id, 'head', 'd', '1980-05-10',
           'day', 1, '00694', 'vi', true, 1, 'sealed', '2026-09-01'
    from region cross join lateral unnest(array[thing, another]) as id
), pair as (
    insert into beneficiary.pairs
    select third, code, thing, another, 0.9, array['identifier.equal'], true, '2026-09-01'
    from region
), claim as (
    insert into beneficiary.inbox
    select 'urn:hamroh:region:' || lower(code), thing::text, 'd', code, 'accepted' from region
), deployed as (
    insert into workforce.inbox
    select 'urn:hamroh:region:' || lower(code), thing::text, 'd', code, 'accepted' from region
), worker as (
    insert into workforce.workers select thing, code, 'W-1' from region
), deployment as (
    insert into workforce.deployments
    select thing, thing, code, array['00694'], array['vi'], '2026-01-01', '2026-12-31' from region
), opened as (
    insert into casework.cases
    select thing, another, third, code, '00694', 'low', 'home', 'open', null, $5, $5, $5 from region
), message as (
    insert into notifications.messages
        (message_id, region, recipient_id, template, language, amount_minor, currency, month,
         queued_at, cause_id, correlation_id)
    select thing, code, another, 'entitlement_started', 'vi', 1, 'VND', '2026-09', $5, 'c', 'c'
    from region
), difference as (
    insert into benefits.differences (region, code, payment_id) select code, 'amount', third
    from region
), cell as (
    insert into insights.indicators
    select thing, 'payments.paid', '2026-08', code, 'sex=2', 12, 12, false, 1 from region
)
insert into insights.cube select 'people.registered', '2026-09', code, code, 1, 12, 0 from region
"""


def uid(kind: str, region: str = TARGET) -> UUID:
    """The id of a region's thing of a kind."""
    return derived_id("somebody", kind, region)


def claim(service: str, region: str = TARGET) -> str:
    """A claim of a region's centre, as its bytes."""
    document = json.loads((EXAMPLES / CLAIMS[service]).read_bytes())
    document |= {"source": f"urn:hamroh:region:{region.lower()}", "regioncode": region}
    return json.dumps(document | {"id": "a-new-claim"})


async def entitled(house: House, kind: str) -> None:
    """Somebody in each region whom benefits pays every month."""
    settings = house.settings("benefits_worker", BenefitsSettings)
    async with house.login("benefits_worker") as worker, worker.transaction():
        tx = Transaction(worker, NOW, settings)
        for region in REGIONS:
            known = PersonRegistered(
                person_id=uid(kind, region),
                household_id=uid(f"home of {kind}", region),
                birth_date=NOW.date().replace(year=1960),
                birth_precision="day",
                sex=2,
                residence_region=f"{region}-00694",
                identifier_kinds=("vn-cccd",),
                preferred_language="vi",
                under_review=False,
            )
            disabled = StatusChanged(
                person_id=known.person_id,
                code="disability",
                level="severe",
                state="granted",
                effective_on=NOW.date().replace(month=1),
                evidence="centre",
            )
            await people.on_person(tx, [fact(known, region), fact(disabled, region)])


async def fill(house: House) -> dict[str, dict[str, str]]:
    """One of everything per region; region → id and digest of its cycle that awaits approval.

    Another cycle of the month is ordered already, so that there is a ledger.
    """
    ids = [[uid(kind, region) for region in REGIONS] for kind in ("thing", "another", "third")]
    async with house.login() as admin:
        await admin.execute(FILL, REGIONS, *ids, NOW)
    await entitled(house, "another")
    for region in REGIONS:
        cycle = await prepared(house, region, 1)
        path, agreed = f"/cycles/{cycle['id']}/approvals", {"digest": cycle["digest"]}
        for officer in ("one", "two"):
            await officers_post(house, (officer, "payments_approver", region), path, agreed)
    await entitled(house, "thing")
    return {region: await prepared(house, region, 2) for region in REGIONS}


async def prepared(house: House, region: str, number: int) -> dict[str, str]:
    """The n-th cycle of a region's September."""
    wanted = {"programme": "VN-SA", "month": "2026-09", "region": region, "number": number}
    preparer = ("preparer", "payments_preparer", region)
    answer = await officers_post(house, preparer, "/cycles", wanted)
    return {"id": answer.headers["location"].rpartition("/")[2], "digest": answer.json()["digest"]}


async def officers_post(
    house: House, officer: tuple[str, str, str], path: str, body: dict[str, Any]
) -> httpx.Response:
    """What benefits answers an officer: subject, role, region. It stays done."""
    subject, role, region = officer
    app = create_benefits(house.settings("benefits_api", BenefitsSettings))
    app.state.verifier = Vouching(Principal(subject, frozenset({role}), (region,)))
    async with house.login("benefits_api") as connection, client_of(app) as client:
        pool = cast("Pool", Held(connection))
        app.state.database = Database(pool, BusinessClock(NOW), app.state.settings)
        answer = await client.post(path, json=body, headers={"Authorization": "Bearer checked"})
    assert answer.is_success, answer.text
    return answer


@dataclass(frozen=True)
class Held:
    """A pool of one connection; who holds it begins and ends transactions around requests."""

    connection: Connection

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        yield self.connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


def client_of(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://door")


@dataclass(frozen=True)
class Door:
    """A service's door; nothing that is asked leaves a trace behind."""

    app: FastAPI
    client: httpx.AsyncClient
    connection: Connection

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        transaction = self.connection.transaction()
        await transaction.start()
        try:
            return await self.client.request(method, path, **more)
        finally:
            await transaction.rollback()


@asynccontextmanager
async def opened(house: House, service: str) -> AsyncIterator[Door]:
    """A service's application as its api role, which takes the tokens of the test's provider."""
    kind = BenefitsSettings if service == "benefits" else Settings
    settings = house.settings(f"{service}_api", kind)
    app: FastAPI = import_module(f"services.{service}.api").create(settings)
    app.state.verifier = Provider().verifier()
    async with house.login(f"{service}_api") as connection, client_of(app) as client:
        pool = cast("Pool", Held(connection))
        app.state.database = Database(pool, BusinessClock(NOW), settings)
        yield Door(app, client, connection)


def operations(app: FastAPI) -> set[str]:
    """`METHOD /path` of everything that an application answers, described or not."""
    return {
        f"{method} {route.path}"
        for route in _routes(app.routes)
        for method in (getattr(route, "methods", None) or ("GET",))
    }


def _routes(routes: Any) -> Iterator[Any]:
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is None:
            yield route
        else:
            yield from _routes(inner.routes)
