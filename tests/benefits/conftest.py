"""The migrated schema of benefits."""

from collections.abc import AsyncIterator

import pytest

from services.benefits.settings import BenefitsSettings
from tests.databases import Schema, migrated


@pytest.fixture(scope="module")
async def schema() -> AsyncIterator[Schema]:
    async with migrated("benefits", BenefitsSettings(rehearsal=True)) as schema:
        yield schema
