"""The migrated schema of the registry."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from services.runtime.settings import Settings
from tests.databases import Schema, migrated

KEY = SecretStr("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")


@pytest.fixture(scope="module")
async def schema() -> AsyncIterator[Schema]:
    async with migrated("beneficiary", Settings(key_encryption_key=KEY)) as schema:
        yield schema
