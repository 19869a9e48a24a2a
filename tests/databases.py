"""A service's schema in a real PostgreSQL database of its own, made like production."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from services.runtime.clock import BusinessClock
from services.runtime.database import Connection, Database, Transaction
from services.runtime.migrate import migrate, migrations_of
from services.runtime.settings import Settings

ROLES = Path(__file__).parents[1] / "deploy" / "postgres" / "roles.sql"


@dataclass(frozen=True)
class Schema:
    """The migrated schema of one service; connections stand in it as the service's own roles."""

    url: str
    service: str
    settings: Settings

    @asynccontextmanager
    async def transaction(self, business_now: datetime) -> AsyncIterator[Transaction]:
        """A worker's transaction that is rolled back at the end: each story starts afresh."""
        connection = await self.connect("worker")
        transaction = connection.transaction()
        await transaction.start()
        try:
            yield Transaction(connection, business_now, self.settings)
        finally:
            await transaction.rollback()
            await connection.close()

    @asynccontextmanager
    async def database(
        self, business_now: datetime, role: str = "worker"
    ) -> AsyncIterator[Database]:
        """A pool, for stories that need several transactions; nothing is rolled back."""
        pool = await asyncpg.create_pool(
            self.url,
            min_size=1,
            max_size=8,
            init=lambda connection: self._enter(connection, role),
            reset=_stay,
        )
        try:
            yield Database(pool, BusinessClock(business_now), self.settings)
        finally:
            await pool.close()

    async def connect(self, role: str) -> Connection:
        """A connection that has become `api` or `worker`, as its login would."""
        connection = await asyncpg.connect(self.url)
        await self._enter(connection, role)
        return connection

    async def seen_by_api(self, sql: str, regions: Sequence[str]) -> list[asyncpg.Record]:
        """What the api reads in a transaction that may see these regions."""
        connection = await self.connect("api")
        try:
            async with connection.transaction():
                await connection.execute(
                    "select set_config('hamroh.regions', $1, true)", ",".join(regions)
                )
                return await connection.fetch(sql)
        finally:
            await connection.close()

    async def _enter(self, connection: Connection, role: str) -> None:
        await connection.execute(
            f"set search_path = {self.service}, extensions; set role {self.service}_{role}"
        )


async def _stay(_: Connection) -> None:
    """A released connection keeps its role."""


@asynccontextmanager
async def migrated(
    service: str, settings: Settings | None = None, until: str = "9999"
) -> AsyncIterator[Schema]:
    """A new database with roles and this service's tables; dropped afterwards.

    Of the service's own migrations those alone that come before `until`.
    """
    admin_url = os.environ.get("HAMROH_DATABASE_ADMIN_URL")
    if not admin_url:
        pytest.fail("needs the stack: HAMROH_DATABASE_ADMIN_URL is not set")
    name = f"test_{service}_{uuid4().hex[:12]}"
    url = f"{admin_url.rpartition('/')[0]}/{name}"
    admin = await asyncpg.connect(admin_url)
    await admin.execute(f"create database {name}")
    try:
        made = await asyncpg.connect(url)
        await made.execute(ROLES.read_text(encoding="utf-8"))
        files = [one for one in migrations_of(service) if one.family != service or one.file < until]
        await migrate(made, service, files)
        await made.close()
        yield Schema(url, service, settings or Settings())
    finally:
        await admin.execute(f"drop database {name} with (force)")
        await admin.close()
