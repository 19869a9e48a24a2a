"""The running platform as the demonstration uses it: by its public doors alone."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr

from deploy import credentials
from deploy.instance import KAFKA_SECURITY, SERVICES, Instance
from deploy.local.accounts import MINISTRY
from services.runtime.settings import Settings

QUIET_LOOKS = 3
"""How many looks in a row must find nothing on its way."""


class DemoError(Exception):
    """The demonstration cannot go on; the message says what did not happen."""


@dataclass(frozen=True, slots=True)
class Platform:
    """A started instance and the region that the demonstration plays in."""

    instance: Instance
    region: str

    def url(self, process: str) -> str:
        """The HTTP address of a process."""
        return self.instance.url(process)

    def kafka_settings(self, user: str) -> Settings:
        """Kafka with a principal's own credentials: `region.vn-07`, `insights`, `ministry`."""
        instance = self.instance
        return Settings(
            kafka_bootstrap=instance.kafka,
            kafka_security=KAFKA_SECURITY,
            kafka_username=user,
            kafka_password=SecretStr(instance.credentials.kafka_users[user]),
            business_time=instance.business_time,
        )

    def token(self, username: str) -> str:
        """An access token of the identity provider for an officer or a system."""
        return credentials.token(self.instance, username)

    def client(self, process: str, username: str = MINISTRY) -> httpx.Client:
        """An HTTP client of a service, signed in."""
        return httpx.Client(
            base_url=self.url(process),
            headers={"authorization": f"Bearer {self.token(username)}"},
            timeout=30,
        )

    def busy(self) -> list[dict[str, Any]]:
        """The workers that have something on its way, or do not answer, and what they say."""
        found = []
        for service in SERVICES:
            try:
                status = httpx.get(f"{self.url(f'{service}-worker')}/status", timeout=15).json()
            except (httpx.TransportError, ValueError) as error:
                found.append({"service": service, "silent": type(error).__name__})
            else:
                found += [status] if on_its_way(status) else []
        return found

    def await_quiet(self, what: str, timeout_s: float = 120) -> None:
        """Waits until no worker has anything left to take, send or wait for."""
        looks, deadline = 0, time.monotonic() + timeout_s
        while looks < QUIET_LOOKS:
            busy = self.busy()
            looks = 0 if busy else looks + 1
            if time.monotonic() > deadline:
                raise DemoError(f"{what}: still on its way after {timeout_s:.0f} s: {busy}")
            time.sleep(0.1)


def on_its_way(status: Mapping[str, Any]) -> bool:
    """Whether a worker has records to take, facts to send, or records that wait."""
    if "lag" not in status:
        return True
    lag = status["lag"].values()
    return None in lag or any(lag) or any(status[name] for name in ("outbox", "waiting", "inbound"))


def until(what: str, look: Callable[[], Any], timeout_s: float = 120) -> Any:
    """Looks until there is something; a `DemoError` names what never came."""
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        if time.monotonic() > deadline:
            raise DemoError(f"{what} did not happen within {timeout_s:.0f} s")
        time.sleep(0.1)
    return found
