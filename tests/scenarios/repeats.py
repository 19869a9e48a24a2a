"""Every fact comes twice: what stands on a topic is sent there once more."""

import asyncio
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Final

from pydantic import SecretStr

from contracts.catalogue import TOPICS
from deploy.demo.platform import Platform
from deploy.instance import KAFKA_ADMIN, KAFKA_SECURITY
from services.runtime.broker import Publisher, follow
from services.runtime.settings import Settings

FACTS: Final = tuple(topic.name for topic in TOPICS if "<" not in topic.name)
IDLE_S: Final = 2.5


@dataclass(slots=True)
class Repeater:
    """Reads every topic of facts and sends each record of it a second time."""

    platform: Platform
    repeated: int = 0
    _seen: set[tuple[str, str, bytes | None]] = field(default_factory=set)
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins with the first record of each topic."""
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        credentials = self.platform.instance.credentials
        settings = Settings(
            kafka_bootstrap=self.platform.instance.kafka,
            kafka_security=KAFKA_SECURITY,
            kafka_username=KAFKA_ADMIN,
            kafka_password=SecretStr(credentials.kafka_admin),
        )
        publisher = Publisher(settings)
        try:
            async with aclosing(follow(settings, FACTS)) as batches:
                async for batch in batches:
                    fresh = [(record.topic, record.key, record.value) for record in batch]
                    again = [record for record in fresh if record not in self._seen]
                    self._seen.update(again)
                    await publisher.send(again)
                    self.repeated += len(again)
        finally:
            await publisher.stop()

    async def caught_up(self) -> None:
        """Waits until nothing new was repeated for a while."""
        before = -1
        while before != self.repeated:
            before = self.repeated
            await asyncio.sleep(IDLE_S)
            self._check()

    def _check(self) -> None:
        if self._task is not None and self._task.done():
            self._task.result()
            raise RuntimeError("facts are not repeated any more")

    async def stop(self) -> None:
        """Ends it."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
