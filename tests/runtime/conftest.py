"""A database of the runtime tests' own in the running stack, made like production."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from deploy.instance import Instance
from deploy.local.plan import ROOT
from deploy.local.stack import Stack
from deploy.local.state import Options
from services.runtime.database import Connection
from services.runtime.migrate import migrate, migrations_of
from services.runtime.settings import Settings
from tests import backends
from tests.databases import migrated
from tests.runtime import desk as desk_of
from tests.runtime.desk import Desk
from tests.runtime.provider import Provider, claims
from tests.runtime.stage import EFFECTS, NOW, Stage

ROLES = Path(__file__).parents[2] / "deploy" / "postgres" / "roles.sql"


@pytest.fixture(scope="module")
async def empty_database(instance: Instance) -> AsyncIterator[str]:
    """The URL of a new database with roles and schemas and no table."""
    admin_url, name = instance.database_url(), f"test_{uuid4().hex}"
    admin = await asyncpg.connect(admin_url)
    await admin.execute(f"create database {name}")
    url = f"{admin_url.rpartition('/')[0]}/{name}"
    made = await asyncpg.connect(url)
    await made.execute(ROLES.read_text(encoding="utf-8"))
    await made.close()
    yield url
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()


@pytest.fixture(scope="session")
def infrastructure() -> Iterator[Stack]:
    """Kafka and PostgreSQL with topics and tables and no service: stories may break them.

    `HAMROH_INFRASTRUCTURE` names the folder of one that runs already.
    """
    given = os.environ.get("HAMROH_INFRASTRUCTURE")
    stack = Stack(Path(given) if given else ROOT / ".local" / "test-runtime")
    if given is None:
        stack.reset()
        stack.up(Options(only=("infrastructure", "topics", "migrate"), regions=("vn-07", "vn-01")))
    yield stack
    if given is None:
        stack.down()


@pytest.fixture(scope="session")
def quiet_instance(request: pytest.FixtureRequest) -> Instance:
    """Kafka and PostgreSQL that no service of the platform works with."""
    name = "infrastructure" if backends.chosen() == "local" else "instance"
    found: Stack | Instance = request.getfixturevalue(name)
    return found.instance if isinstance(found, Stack) else found


@pytest.fixture(scope="session")
async def stage(quiet_instance: Instance) -> AsyncIterator[Stage]:
    """Where the stories of the runtime play."""
    admin = await asyncpg.connect(quiet_instance.database_url())
    await admin.execute(EFFECTS)
    stage = Stage(quiet_instance, admin)
    yield stage
    await stage.admin.close()


@pytest.fixture(scope="module")
async def desk() -> AsyncIterator[Desk]:
    """A consumer's place of work, without a broker."""
    async with migrated("casework", desk_of.SETTINGS) as schema:
        admin = await asyncpg.connect(schema.url)
        await admin.execute(desk_of.EFFECTS)
        await admin.close()
        async with schema.database(NOW) as database:
            yield Desk(database)


async def as_role(url: str, role: str, schema: str) -> Connection:
    """A connection that has become a service's role, as its login would."""
    connection = await asyncpg.connect(url)
    await connection.execute(f"set search_path = {schema}, extensions; set role {role}")
    return connection


@pytest.fixture(scope="module")
async def api_settings(instance: Instance, empty_database: str) -> Settings:
    """Settings of an api process of the registry, on a migrated database of its own."""
    connection = await asyncpg.connect(empty_database)
    await migrate(connection, "beneficiary", migrations_of("runtime"))
    await connection.close()
    url = instance.database_url("beneficiary_api", empty_database.rpartition("/")[2])
    return Settings(
        database_url=SecretStr(url),
        regions=("VN-07", "VN-08"),
        requests_per_minute=10_000,
    )


@asynccontextmanager
async def asking(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a started application whose tokens come from the test's own provider."""
    app.state.verifier = Provider().verifier()
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client,
    ):
        yield client


def bearer(role: str, *regions: str, subject: str = "somebody") -> dict[str, str]:
    """The header of a signed-in caller."""
    signed = claims(sub=subject, roles=[role], regions=list(regions))
    return {"authorization": f"Bearer {signed}"}
