"""The database of the whole platform, built once for these stories."""

from collections.abc import AsyncIterator

import pytest

from deploy.instance import Instance
from tests.security.houses import House, built


@pytest.fixture(scope="session")
async def house(instance: Instance) -> AsyncIterator[House]:
    """Migrated and without any row; who writes into it rolls back."""
    async with built(instance) as house:
        yield house
