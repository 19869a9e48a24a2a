"""The centres: they send by Kafka and by HTTP, ask again when they do not know, and note it all."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import httpx

from deploy.demo.platform import Platform
from deploy.local.accounts import centre
from services.runtime.broker import Publisher
from services.runtime.database import OutageError
from services.runtime.web import MEDIA_TYPES
from tests.chaos.claims import Send
from tests.chaos.history import Entry, History, Outcome

ATTEMPTS: Final = 6
BETWEEN_S: Final = 1.0
GIVES_UP: Final = 5
"""One sender in so many never asks again: what became of its events stays unknown."""
HTTP_TIMEOUT_S: Final = 10.0
HTTP_AT_ONCE: Final = 8
REFUSED_FROM, BUSY, FAULTY_FROM = 400, 429, 500


class Centres:
    """All regions' senders. `send` returns at once; `finish` waits for the last."""

    def __init__(self, platform: Platform, history: History) -> None:
        self._platform = platform
        self._history = history
        self._began = time.monotonic()
        self._publishers: dict[str, Publisher] = {}
        self._tokens: dict[str, str] = {}
        self._turns: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._web = httpx.AsyncClient(timeout=HTTP_TIMEOUT_S, trust_env=False)
        self._at_once = asyncio.Semaphore(HTTP_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began

    def send(self, sends: Iterable[Send]) -> None:
        """Has each region send its share, by each of its ways, in order."""
        shares: defaultdict[tuple[str, str], list[Send]] = defaultdict(list)
        for one in sends:
            way = one.channel if one.channel == "kafka" else one.owner
            shares[one.region, way].append(one)
        for (region, way), share in shares.items():
            task = asyncio.create_task(self._deliver(region, way, share))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def finish(self) -> None:
        """Waits until every sender knows, or has given up."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        """Finishes, and lets go of all connections."""
        await self.finish()
        await asyncio.gather(*(publisher.stop() for publisher in self._publishers.values()))
        await self._web.aclose()

    async def _deliver(self, region: str, way: str, share: Sequence[Send]) -> None:
        """A region does one thing after the other on each of its ways."""
        async with self._turns[region, way]:
            began_s = self.seconds
            attempts = 1 if share[0].nth % GIVES_UP == 0 else ATTEMPTS
            attempt, outcomes = 1, await self._attempt(region, way, share)
            while "unknown" in outcomes and attempt < attempts:
                await asyncio.sleep(BETWEEN_S)
                later = await self._attempt(region, way, share)
                attempt, outcomes = attempt + 1, [*map(_known, outcomes, later)]
            for one, outcome in zip(share, outcomes, strict=True):
                self._history.note(Entry(one, outcome, began_s, self.seconds, attempt))

    async def _attempt(self, region: str, way: str, share: Sequence[Send]) -> list[Outcome]:
        if way == "kafka":
            return [await self._publish(region, share)] * len(share)
        async with self._at_once:
            return await self._post(region, way, share)

    async def _publish(self, region: str, share: Sequence[Send]) -> Outcome:
        publisher = self._publishers.get(region)
        if publisher is None:
            user = f"region.{region.lower()}"
            publisher = Publisher(self._platform.kafka_settings(user))
            self._publishers[region] = publisher
        try:
            await publisher.send([(one.topic, one.record_id, one.raw) for one in share])
        except OutageError:
            return "unknown"
        return "ok"

    async def _post(self, region: str, owner: str, share: Sequence[Send]) -> list[Outcome]:
        body = b"[" + b",".join(one.raw for one in share) + b"]"
        headers = {"content-type": MEDIA_TYPES[2], "authorization": f"Bearer {self._token(region)}"}
        try:
            url = f"{self._platform.url(f'{owner}-api')}/claims"
            answer = await self._web.post(url, content=body, headers=headers)
        except httpx.TransportError:
            return ["unknown"] * len(share)
        if answer.status_code == BUSY or answer.status_code >= FAULTY_FROM:
            return ["unknown"] * len(share)
        if answer.status_code >= REFUSED_FROM:
            return ["fail"] * len(share)
        items = answer.json()["items"]
        return ["ok" if item["status"] < REFUSED_FROM else "fail" for item in items]

    def _token(self, region: str) -> str:
        if region not in self._tokens:
            self._tokens[region] = self._platform.token(centre(region))
        return self._tokens[region]


def _known(before: Outcome, later: Outcome) -> Outcome:
    """Who is refused when asking again may have been taken the first time."""
    return "unknown" if (before, later) == ("unknown", "fail") else later
