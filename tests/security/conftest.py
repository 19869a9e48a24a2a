"""The database of the whole platform, built once for these stories."""

from collections.abc import AsyncIterator

import pytest

from deploy.local.stack import Stack
from tests.security.houses import House, built


@pytest.fixture(scope="session")
async def house(stack: Stack) -> AsyncIterator[House]:
    """Migrated and without any row; who writes into it rolls back."""
    async with built(stack) as house:
        yield house
