"""The migrated schema of notifications, and the registry's side of it: keys and sealed contacts."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from services.notifications.settings import NotificationsSettings
from tests.databases import Schema, migrated

KEY = SecretStr("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")


@pytest.fixture(scope="session")
def notifications_settings() -> NotificationsSettings:
    return NotificationsSettings(key_encryption_key=KEY, send_timeout_s=30.0)


@pytest.fixture(scope="module")
async def schema(notifications_settings: NotificationsSettings) -> AsyncIterator[Schema]:
    async with migrated("notifications", notifications_settings) as schema:
        yield schema
