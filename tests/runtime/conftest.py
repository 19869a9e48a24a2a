"""The running stack, and a database of the runtime tests' own in it, made like production."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from deploy.local.stack import DEFAULT_DIRECTORY, Stack
from services.runtime.database import Connection

ROLES = Path(__file__).parents[2] / "deploy" / "postgres" / "roles.sql"


@pytest.fixture(scope="session")
def stack() -> Stack:
    """The stack in `HAMROH_STACK`, or in its usual folder: started before the tests."""
    stack = Stack(Path(os.environ.get("HAMROH_STACK", DEFAULT_DIRECTORY)))
    if stack.running is None:
        pytest.fail("the local stack does not run: python -m deploy.local up")
    return stack


@pytest.fixture(scope="module")
async def empty_database(stack: Stack) -> AsyncIterator[str]:
    """The URL of a new database with roles and schemas and no table."""
    admin_url, name = stack.plan.server.url(), f"test_{uuid4().hex}"
    admin = await asyncpg.connect(admin_url)
    await admin.execute(f"create database {name}")
    url = f"{admin_url.rpartition('/')[0]}/{name}"
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
