"""The migrated schema of casework."""

from collections.abc import AsyncIterator

import pytest

from tests.databases import Schema, migrated


@pytest.fixture(scope="module")
async def schema() -> AsyncIterator[Schema]:
    async with migrated("casework") as schema:
        yield schema
