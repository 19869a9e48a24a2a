"""The whole platform's database: six schemas, and roles that log in with their own passwords."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar
from uuid import uuid4

import asyncpg
from pydantic import SecretStr

from contracts.catalogue import SERVICES
from deploy.instance import Instance
from services.runtime.database import Connection
from services.runtime.migrate import migrate, migrations_of
from services.runtime.settings import Settings
from tests.databases import ROLES

SettingsT = TypeVar("SettingsT", bound=Settings)
LOGINS = tuple(f"{service}_{process}" for service in SERVICES for process in ("api", "worker"))


@dataclass(frozen=True)
class House:
    """A migrated database of its own on the instance's server."""

    instance: Instance
    name: str

    def url(self, role: str | None = None) -> str:
        """Its address for a role, or for the superuser."""
        return self.instance.database_url(role, self.name)

    @asynccontextmanager
    async def login(self, role: str | None = None) -> AsyncIterator[Connection]:
        """A connection of a role that has logged in, or of the superuser."""
        connection = await asyncpg.connect(self.url(role))
        try:
            yield connection
        finally:
            await connection.close()

    def settings(self, role: str, kind: type[SettingsT]) -> SettingsT:
        """Settings of a process that logs in as a role."""
        return kind(
            database_url=SecretStr(self.url(role)),
            regions=("VN-07", "VN-070", "VN-01"),
            requests_per_minute=1_000_000,
            rehearsal=True,
        )


@asynccontextmanager
async def built(instance: Instance) -> AsyncIterator[House]:
    """A new database with every role, schema and migration; dropped afterwards."""
    house = House(instance, f"test_house_{uuid4().hex[:12]}")
    admin = await asyncpg.connect(instance.database_url())
    await admin.execute(f"create database {house.name}")
    try:
        async with house.login() as made:
            await made.execute(ROLES.read_text(encoding="utf-8"))
        for service in SERVICES:
            async with house.login() as made:
                await migrate(made, service, migrations_of(service))
        yield house
    finally:
        await admin.execute(f"drop database {house.name} with (force)")
        await admin.close()
