"""Officers at the HTTP door of benefits, each with their own verified token."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx

from services.benefits.api import create
from services.benefits.settings import BenefitsSettings
from services.runtime.auth import Principal, Refused
from tests.databases import Schema
from tests.events import NOW

PREPARER = {"linh": "payments_preparer"}
APPROVERS = {"hoa": "payments_approver", "nam": "payments_approver", "linh.2": "payments_approver"}


@dataclass(frozen=True)
class Badges:
    """A verifier whose tokens are `<subject>@<regions>`; the subject tells the role."""

    async def verify(self, token: str) -> Principal | Refused:
        subject, _, regions = token.partition("@")
        role = {**PREPARER, **APPROVERS}.get(subject, "ministry")
        return Principal(subject, frozenset({role}), tuple(regions.split(",")))


@dataclass(frozen=True)
class Office:
    """Asks the door as one officer or another."""

    client: httpx.AsyncClient
    region: str = "VN-07"

    async def get(self, officer: str, path: str, **params: Any) -> httpx.Response:
        return await self.client.get(path, params=params, headers=self._badge(officer))

    async def post(self, officer: str, path: str, body: Any = None) -> httpx.Response:
        return await self.client.post(path, json=body or {}, headers=self._badge(officer))

    async def prepare(self, officer: str = "linh", **fields: Any) -> httpx.Response:
        body = {"programme": "VN-SA", "month": "2026-09", "region": self.region, **fields}
        return await self.post(officer, "/cycles", body)

    async def approve(self, officer: str, cycle: dict[str, Any], **fields: Any) -> httpx.Response:
        body = {"digest": cycle["digest"], **fields}
        return await self.post(officer, f"/cycles/{cycle['id']}/approvals", body)

    def _badge(self, officer: str) -> dict[str, str]:
        token = officer if "@" in officer else f"{officer}@{self.region}"
        return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def office(schema: Schema, region: str = "VN-07", **settings: Any) -> AsyncIterator[Office]:
    """The door over its real database, standing as its api role."""
    app = create(BenefitsSettings(rehearsal=True, **settings))
    schema = replace(schema, settings=schema.settings.model_copy(update=settings))
    async with schema.database(NOW, "api") as database:
        app.state.database = database
        app.state.verifier = Badges()
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://benefits") as client:
            yield Office(client, region)
    app.state.telemetry.close()
