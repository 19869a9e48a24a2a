"""Plays faults on a running platform, and notes when each struck and when it was over."""

import asyncio
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from typing import Final

import httpx
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from deploy.instance import KAFKA_ADMIN, KAFKA_SECURITY, SERVICES
from deploy.local import kafka, postgres
from deploy.local.faults import LocalStackError
from deploy.local.plan import ROOT
from deploy.local.processes import Child, Process, end, spawn
from deploy.local.stack import Stack
from services.runtime.rehearsal import clock_subscription
from tests.chaos.proxy import Proxy, Trap, When
from tests.chaos.schedule import Fault, Kind

BROKER: Final = kafka.node_name(1)
TRAP_S: Final = 12.0
"""How long a trap waits for the commit of its own service; then for that of any."""
RECOVERY_S: Final = 90.0
LOOK_EVERY_S: Final = 0.1
ADMIN_TIMEOUT_S: Final = 30.0
WORKERS: Final = tuple(f"{service}-worker" for service in SERVICES)


@dataclass(slots=True)
class Strike:
    """A fault that was played. Times are seconds since the epoch, as the broker stamps records."""

    fault: Fault
    began: float
    ended: float = 0.0
    """When whoever was hit worked again."""
    recovery_s: float | None = None
    """From the fault (or its end, where it lasts) until then; None if it never did."""


@dataclass(slots=True)
class Nemesis:
    """Who plays the faults."""

    stack: Stack
    database: Proxy
    broker: Proxy
    strikes: list[Strike] = field(default_factory=list)
    over: float = 0.0
    """When the last fault was over, by the monotonic clock."""
    _healing: list[asyncio.Task[None]] = field(default_factory=list)

    async def strike(self, fault: Fault) -> None:
        """Plays one fault; returns when it struck. What it broke heals meanwhile."""
        strike = Strike(fault, time.time())
        self.strikes.append(strike)
        heal = await self._acts()[fault.kind](fault)
        self._healing.append(asyncio.create_task(self._note(strike, heal)))

    async def finish(self) -> None:
        """Waits until everything that was hit works again."""
        await asyncio.gather(*self._healing)

    async def _note(self, strike: Strike, heal: Awaitable[float]) -> None:
        since = await heal
        self.over = max(self.over, since)
        took_s = time.monotonic() - since
        strike.ended = time.time()
        strike.recovery_s = took_s if took_s < RECOVERY_S else None

    def _acts(self) -> dict[Kind, Callable[[Fault], Awaitable[Awaitable[float]]]]:
        return {
            "worker killed": lambda fault: self._kill(f"{fault.service}-worker"),
            "api killed": lambda fault: self._kill(f"{fault.service}-api"),
            "worker stopped briefly": self._stop,
            "worker stopped past its session": self._stop,
            "database connections cut": self._cut_database,
            "broker connections cut": self._cut_broker,
            "commit answer lost": lambda fault: self._trap(fault, "after"),
            "commit lost": lambda fault: self._trap(fault, "before"),
            "killed at commit": self._kill_at_commit,
            "broker killed": lambda _: self._kill_server(BROKER),
            "database killed": lambda _: self._kill_server(postgres.NAME),
            "database restarted": self._restart_database,
            "worker joins and leaves": self._visit,
            "offsets forgotten": self._forget,
        }

    async def _kill(self, name: str) -> Awaitable[float]:
        await self._signal(name, signal.SIGKILL)
        return self._healed(name)

    async def _signal(self, name: str, number: int) -> int:
        """Signals a process, and one that was killed before once it is back; tells its pid."""
        deadline = time.monotonic() + RECOVERY_S
        while True:
            try:
                pid = self._pid(name)
                self.stack.kill(name, number)
            except LocalStackError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(LOOK_EVERY_S)
            else:
                return pid

    def _pid(self, name: str) -> int:
        running = self.stack.running
        process = running.children[name].process if running else None
        return process.pid if process else 0

    async def _healed(self, *names: str) -> float:
        """Waits until all of these answer that they are ready; when the wait began."""
        since = time.monotonic()
        await asyncio.sleep(LOOK_EVERY_S)
        async with httpx.AsyncClient(timeout=5, trust_env=False) as web:
            for name in names:
                while time.monotonic() - since < RECOVERY_S and not await self._ready(web, name):
                    await asyncio.sleep(LOOK_EVERY_S)
        return since

    async def _ready(self, web: httpx.AsyncClient, name: str) -> bool:
        try:
            answer = await web.get(f"{self.stack.instance.url(name)}/health/ready")
        except httpx.TransportError:
            return False
        return answer.is_success

    async def _stop(self, fault: Fault) -> Awaitable[float]:
        name = f"{fault.service}-worker"
        pid = await self._signal(name, signal.SIGSTOP)

        async def later() -> float:
            await asyncio.sleep(fault.lasts_s)
            if self._pid(name) == pid:
                with suppress(LocalStackError):  # somebody else killed it meanwhile
                    self.stack.kill(name, signal.SIGCONT)
            return await self._healed(name)

        return asyncio.create_task(later())

    async def _cut_database(self, fault: Fault) -> Awaitable[float]:
        """One service loses its connections to the database, its API's among them."""
        self.database.cut(lambda user: user.startswith(fault.service))
        return self._healed(f"{fault.service}-worker")

    async def _cut_broker(self, _: Fault) -> Awaitable[float]:
        self.broker.cut()
        return self._healed(*WORKERS)

    async def _trap(
        self, fault: Fault, when: When, act: Callable[[str], None] | None = None
    ) -> Awaitable[float]:
        """Cuts at the next commit of the service; of any service if that is long in coming."""
        every = tuple(f"{service}_worker" for service in SERVICES)
        # Who would commit may just be coming back, and nobody else have anything to do meanwhile.
        for users, wait_s in (((f"{fault.service}_worker",), TRAP_S), (every, RECOVERY_S)):
            trap = Trap(users, when, act)
            self.database.set_trap(trap)
            if await asyncio.to_thread(trap.sprung.wait, wait_s):
                return self._healed(f"{trap.user.removesuffix('_worker')}-worker")
        self.database.disarm()
        raise RuntimeError(f"nobody committed anything: fault {fault.nth} could not be played")

    async def _kill_at_commit(self, fault: Fault) -> Awaitable[float]:
        """The worker dies when its COMMIT is on its way and has not arrived."""

        def kill(user: str) -> None:
            with suppress(LocalStackError):  # it is a guest's commit, and the host is away
                self.stack.kill(f"{user.removesuffix('_worker')}-worker", signal.SIGKILL)

        return await self._trap(fault, "before", kill)

    async def _kill_server(self, name: str) -> Awaitable[float]:
        before = self._pid(name)
        await self._signal(name, signal.SIGKILL)
        since = time.monotonic()
        await self._await_successor(name, before)

        async def rest() -> float:
            await self._healed(*WORKERS)
            return since

        return rest()

    async def _restart_database(self, _: Fault) -> Awaitable[float]:
        since = time.monotonic()
        await asyncio.to_thread(self.stack.restart, postgres.NAME)

        async def rest() -> float:
            await self._healed(*WORKERS)
            return since

        return rest()

    async def _await_successor(self, name: str, before: int) -> None:
        deadline = time.monotonic() + RECOVERY_S
        while time.monotonic() < deadline:
            running = self.stack.running
            record = running.children[name] if running else None
            if record and record.phase == "ready" and self._pid(name) != before:
                return
            await asyncio.sleep(LOOK_EVERY_S)
        raise LocalStackError(f"{name} did not come back")

    async def _visit(self, fault: Fault) -> Awaitable[float]:
        """A second worker joins the groups of a service and leaves them again."""
        guest = start_worker(self.stack, fault.service, f"guest-{fault.nth}")

        async def later() -> float:
            await asyncio.sleep(fault.lasts_s)
            await asyncio.to_thread(end, guest.identity, signal.SIGTERM, 15.0)
            guest.wait()
            return await self._healed(f"{fault.service}-worker")

        return asyncio.create_task(later())

    async def _forget(self, fault: Fault) -> Awaitable[float]:
        """A worker ends cleanly; before the next one starts the broker forgets its groups."""
        name, since = f"{fault.service}-worker", time.monotonic()

        def forget() -> None:
            self.stack.stop(name)
            forget_offsets(self.stack, groups_of(fault.service))
            self.stack.start(name)

        await asyncio.to_thread(forget)

        async def rest() -> float:
            await self._healed(name)
            return since

        return rest()


def groups_of(service: str) -> list[str]:
    """The consumer groups of a service, that of the clock among them."""
    module = import_module(f"services.{service}.worker")
    subscriptions = (*module.SUBSCRIPTIONS, clock_subscription(service))
    return sorted({subscription.group for subscription in subscriptions})


def forget_offsets(stack: Stack, groups: Sequence[str]) -> None:
    """The broker forgets how far these groups had come; nobody may be in them."""
    instance = stack.instance
    admin = AdminClient(
        {
            "bootstrap.servers": instance.kafka_internal,
            "security.protocol": KAFKA_SECURITY,
            "sasl.mechanism": "PLAIN",
            "sasl.username": KAFKA_ADMIN,
            "sasl.password": instance.credentials.kafka_admin,
        }
    )
    left, deadline = [*groups], time.monotonic() + ADMIN_TIMEOUT_S
    while left:
        done = admin.delete_consumer_groups(left)
        left = [group for group in left if not _forgotten(done[group])]
        if left and time.monotonic() > deadline:
            raise LocalStackError(f"the broker does not forget {', '.join(left)}")
        time.sleep(LOOK_EVERY_S)


def _forgotten(answer: "Future[None]") -> bool:
    """Whether a group is gone; not while the broker still believes that somebody is in it."""
    try:
        answer.result(ADMIN_TIMEOUT_S)
    except KafkaException as fault:
        return bool(fault.args[0].name() == "GROUP_ID_NOT_FOUND")
    return True


def start_worker(
    stack: Stack, service: str, name: str, module: tuple[str, ...] = ("services",), port: int = 0
) -> Child:
    """A worker beside those of the stack; `module` runs it, and is told service and process."""
    environment = stack.instance.environment(service, "worker") | {"HAMROH_HTTP_PORT": str(port)}
    argv = (sys.executable, "-m", *module, service, "worker")
    return spawn(Process(name, argv, stack.log(name), env=environment, cwd=ROOT))
