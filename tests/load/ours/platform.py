"""The platform's own workers as a pipe."""

import asyncio
import socket
import time
from typing import Any

import httpx

from deploy.demo.platform import Platform, on_its_way
from deploy.local.stack import Stack
from services.runtime.settings import Settings
from tests.load.alike import REGION
from tests.load.pipe import Pipe

WORKERS = ("beneficiary", "benefits", "notifications")
START_S = 60.0
# The pipe ends with the message row. A provider that never answers keeps one message in hand, so
# that sending, which no pipe does, costs nothing here.
UNSENT = {"HAMROH_SEND_BATCH": "1", "HAMROH_SEND_CONCURRENCY": "1", "HAMROH_SEND_TIMEOUT_S": "60"}


class OurPipe(Pipe):
    """The workers of registry, benefits and notifications, with the settings of the local stack."""

    name = "ours"

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack)
        self._mute: socket.socket | None = None

    @property
    def publisher(self) -> Settings:
        return Platform(self.stack.instance, REGION).kafka_settings(f"region.{REGION.lower()}")

    async def start(self) -> None:
        self._mute = socket.create_server(("127.0.0.1", 0))
        unsent = UNSENT | {"HAMROH_SMS_URL": f"http://127.0.0.1:{self._mute.getsockname()[1]}"}
        for service in WORKERS:
            settings = self.stack.instance.environment(service, "worker") | unsent
            self.spawn(service, ["services", service, "worker"], settings)
        await self._ready()

    async def stop(self) -> None:
        await super().stop()
        if self._mute is not None:
            self._mute.close()

    async def clear(self) -> None:
        """Nothing: the registry grows from round to round."""

    async def on_its_way(self) -> bool:
        return any(on_its_way(status) for status in await self._statuses())

    async def _statuses(self) -> list[dict[str, Any]]:
        urls = [f"{self.stack.instance.url(f'{service}-worker')}/status" for service in WORKERS]
        async with httpx.AsyncClient(trust_env=False, timeout=15) as client:
            answers = await asyncio.gather(*(client.get(url) for url in urls))
        return [answer.json() for answer in answers]

    async def _ready(self) -> None:
        deadline = time.monotonic() + START_S
        while True:
            try:
                statuses = await self._statuses()
                if not any(None in status["lag"].values() for status in statuses):
                    return
            except (httpx.HTTPError, KeyError):
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.2)
