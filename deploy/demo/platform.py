"""The running platform as the demonstration uses it: by its public doors alone."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
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

    def await_quiet(self, what: str, timeout_s: float = 120) -> None:
        """Waits until no worker has anything left to take, send or wait for."""
        looks, deadline = 0, time.monotonic() + timeout_s
        with httpx.Client(timeout=15) as web, ThreadPoolExecutor(len(SERVICES)) as pool:
            while looks < QUIET_LOOKS:
                found = pool.map(partial(self._status, web), SERVICES)
                busy = [status for status in found if on_its_way(status)]
                looks = 0 if busy else looks + 1
                if time.monotonic() > deadline:
                    raise DemoError(f"{what}: still on its way after {timeout_s:.0f} s: {busy}")
                time.sleep(0.1)

    def _status(self, web: httpx.Client, service: str) -> dict[str, Any]:
        """What a worker says of itself; that it is silent, if it says nothing."""
        try:
            status: dict[str, Any] = web.get(f"{self.url(f'{service}-worker')}/status").json()
        except (httpx.TransportError, ValueError) as error:
            return {"service": service, "silent": type(error).__name__}
        return status


def on_its_way(status: Mapping[str, Any]) -> bool:
    """Whether a worker has records to take, facts to send, or records that wait, or is silent."""
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
