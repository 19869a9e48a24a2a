"""A service's API over its real database, asked by a principal whose token was checked already."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import time
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI

from services.runtime.auth import Principal
from tests.databases import Schema
from tests.events import NOW


@dataclass(frozen=True)
class Vouching:
    """A verifier that takes every token for this principal's."""

    principal: Principal

    async def verify(self, _: str) -> Principal:
        return self.principal


def stop_counting_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limiter stays in this minute: what it counts in one fades as the next begins."""
    began_s = time()
    clock = SimpleNamespace(time=lambda: began_s)
    for module in ("limits.storage.memory", "limits.strategies"):
        monkeypatch.setattr(f"{module}.time", clock)


@asynccontextmanager
async def asking(
    app: FastAPI, schema: Schema, *, role: str, regions: tuple[str, ...]
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of somebody with a role in regions; the service stands as its api role."""
    async with schema.database(NOW, "api") as database:
        app.state.database = database
        app.state.verifier = Vouching(Principal("somebody", frozenset({role}), regions))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://service",
            headers={"Authorization": "Bearer checked"},
        ) as client:
            yield client
