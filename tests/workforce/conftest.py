"""The migrated schema of workforce."""

from collections.abc import AsyncIterator

import pytest

from tests.databases import Schema, migrated


@pytest.fixture(scope="module")
async def schema() -> AsyncIterator[Schema]:
    async with migrated("workforce") as schema:
        yield schema
