"""A real PostgreSQL database of the runtime tests' own, made like production and dropped after."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from services.runtime.database import Connection

ROLES = Path(__file__).parents[2] / "deploy" / "postgres" / "roles.sql"


@pytest.fixture(scope="session")
def database_admin_url() -> str:
    """The superuser of the running stack: `HAMROH_DATABASE_ADMIN_URL`."""
    url = os.environ.get("HAMROH_DATABASE_ADMIN_URL")
    if not url:
        pytest.fail("needs the stack: HAMROH_DATABASE_ADMIN_URL is not set")
    return url


@pytest.fixture(scope="module")
async def empty_database(database_admin_url: str) -> AsyncIterator[str]:
    """The URL of a new database with roles and schemas and no table."""
    name = f"test_{uuid4().hex}"
    admin = await asyncpg.connect(database_admin_url)
    await admin.execute(f"create database {name}")
    url = f"{database_admin_url.rpartition('/')[0]}/{name}"
    made = await asyncpg.connect(url)
    await made.execute(ROLES.read_text(encoding="utf-8"))
    await made.close()
    yield url
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()


async def as_role(url: str, role: str, schema: str) -> Connection:
    """A connection that has become a service's role, as its login would."""
    connection = await asyncpg.connect(url)
    await connection.execute(f"set search_path = {schema}, extensions; set role {role}")
    return connection
