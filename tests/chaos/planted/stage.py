"""Where a planted bug plays: a small platform whose registry or cube runs with the mistake."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx

from deploy.instance import IDENTITY
from deploy.local.processes import Child, end
from services.runtime.settings import Settings
from tests.chaos import claims
from tests.chaos.checker import Findings, check
from tests.chaos.claims import Channel, Send
from tests.chaos.clients import Centres
from tests.chaos.history import History
from tests.chaos.nemesis import start_worker
from tests.chaos.observation import observe
from tests.chaos.proxy import Trap, When
from tests.chaos.run import Field, field_of

REGIONS: Final = ("VN-01", "VN-04", "VN-07")
SERVICES: Final = ("beneficiary", "insights")
EVENTS: Final = 3000
"""How many claims there are to take from."""
READY_S: Final = 60.0
TRAP_S: Final = 40.0
SETTLED_S: Final = 6.5
"""So long nothing changes: longer than a sweeper leaves rows to their own process."""
PATIENCE_S: Final = 45.0
PLANTED: Final = ("tests.chaos.planted",)


@dataclass(slots=True)
class Stage:
    """One run of a bug. `service` is whose workers have it."""

    place: Field
    bug: str
    service: str
    centres: Centres
    history: History
    claims: Iterator[Send]
    workers: list[Child] = field(default_factory=list)

    async def start(self, workers: int) -> None:
        """Starts the workers with the bug; the first has the address of the one it replaces."""
        for nth in range(workers):
            self.workers.append(self._worker(nth))
        for nth in range(workers):
            await self._ready(nth)

    @property
    def _doors(self) -> tuple[str, ...]:
        """Whose addresses they have: workers that do not run here."""
        return (f"{self.service}-worker", "casework-worker", "workforce-worker")

    def _worker(self, nth: int) -> Child:
        port = self.place.stack.state.ports[self._doors[nth]]
        name = f"planted-{self.service}-{nth}"
        return start_worker(self.place.stack, self.service, name, (*PLANTED, self.bug), port)

    async def _ready(self, nth: int) -> None:
        """Waits until a worker says that it is ready."""
        address = f"{self.place.platform.url(self._doors[nth])}/health/ready"
        deadline = time.monotonic() + READY_S
        async with httpx.AsyncClient(timeout=5, trust_env=False) as web:
            while time.monotonic() < deadline:
                try:
                    if (await web.get(address)).is_success:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.1)
        raise TimeoutError(f"the worker with {self.bug} was not ready within {READY_S:.0f} s")

    def send(self, many: int, channel: Channel = "kafka") -> list[Send]:
        """Has the centres send the next claims by one way."""
        sends = [*islice((one for one in self.claims if one.channel == channel), many)]
        self.centres.send(sends)
        return sends

    async def sent(self) -> None:
        """Waits until the senders know."""
        await self.centres.finish()

    async def trap(self, when: When, act: Callable[[str], None] | None = None) -> None:
        """Cuts at the next COMMIT of the workers with the bug."""
        trap = Trap((f"{self.service}_worker",), when, act)
        self.place.database.set_trap(trap)
        if not await asyncio.to_thread(trap.sprung.wait, TRAP_S):
            raise TimeoutError(f"{self.bug}: nothing was committed")

    def signal(self, number: int, nth: int = 0) -> None:
        """Signals a worker with the bug."""
        os.kill(self.workers[nth].identity.pid, number)

    def kill(self) -> None:
        """Ends the first worker without a word."""
        self.signal(signal.SIGKILL)

    async def restart(self) -> None:
        """Starts the first worker again."""
        await asyncio.to_thread(self.workers[0].wait)
        self.workers[0] = self._worker(0)
        await self._ready(0)

    async def until(self, query: str, *values: Any) -> None:
        """Waits until the database says so."""
        connection = await asyncpg.connect(self.place.platform.instance.database_url())
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not await connection.fetchval(query, *values):
                    await asyncio.sleep(0.05)
        finally:
            await connection.close()

    def settings(self) -> Settings:
        """What the worker is started with."""
        environment = self.place.stack.instance.environment(self.service, "worker")
        named: dict[str, Any] = {
            name.removeprefix("HAMROH_").lower(): value for name, value in environment.items()
        }
        return Settings(**named)

    async def settle(self) -> None:
        """Waits until nothing changes any more; what a bug left behind never goes."""
        before: list[object] = []
        since = began = time.monotonic()
        async with httpx.AsyncClient(timeout=15, trust_env=False) as web:
            while time.monotonic() - since < SETTLED_S and time.monotonic() - began < PATIENCE_S:
                now = [await self._standing(web, service) for service in SERVICES]
                if now != before:
                    before, since = now, time.monotonic()
                await asyncio.sleep(0.2)

    async def _standing(self, web: httpx.AsyncClient, service: str) -> object:
        """What a worker says is on its way, but for how long; something new each time it fails."""
        try:
            answer = await web.get(f"{self.place.platform.url(f'{service}-worker')}/status")
            status = answer.json()
        except (httpx.TransportError, ValueError):
            return object()
        return {name: told for name, told in status.items() if name != "outbox_age_s"}

    async def judge(self) -> Findings:
        """What the checker says."""
        await self.centres.close()
        await self.settle()
        seen = await observe(self.place.platform, SERVICES)
        return check(self.history, seen, SERVICES)

    def end(self) -> None:
        """Ends the workers with the bug."""
        for worker in self.workers:
            end(worker.identity, signal.SIGCONT, 0.0)
            worker.wait()


@contextmanager
def stage_of(directory: Path, bug: str, service: str, seed: int) -> Iterator[Stage]:
    """A platform without the workers of this service."""
    others = [f"{one}-worker" for one in SERVICES if one != service]
    with field_of(directory, REGIONS, (*others, "beneficiary-api", IDENTITY)) as place:
        sends = (one for one in claims.plan(seed, EVENTS, REGIONS) if one.subject == "person")
        history = History()
        stage = Stage(place, bug, service, Centres(place.platform, history), history, sends)
        try:
            yield stage
        finally:
            stage.end()
