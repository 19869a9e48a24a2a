"""One run: a platform behind two failing wires, centres that send, faults, and what is left."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import httpx

from deploy.demo.platform import QUIET_LOOKS, Platform, on_its_way
from deploy.instance import SERVICES
from deploy.local import postgres
from deploy.local.stack import Stack
from deploy.local.state import Options
from tests.chaos import claims
from tests.chaos.checker import Findings, check
from tests.chaos.clients import Centres
from tests.chaos.history import History
from tests.chaos.money import Officers
from tests.chaos.nemesis import BROKER, Nemesis, Strike
from tests.chaos.observation import Observation, observe
from tests.chaos.proxy import Proxy
from tests.chaos.schedule import schedule

BUSINESS_TIME: Final = datetime.fromisoformat("2026-09-15T09:00:00+07:00")
QUIET_WITHIN_S: Final = 60.0
"""How long after the last fault nothing may be on its way any more."""
GAP_S: Final = 0.8
"""Between a fault and the events of the next."""
CLIENT: Final = f"{BROKER}.client"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Field:
    """A started platform whose services reach database and broker through wires that fail."""

    stack: Stack
    platform: Platform
    database: Proxy
    broker: Proxy


@contextmanager
def field_of(
    directory: Path, regions: tuple[str, ...], only: tuple[str, ...] = ()
) -> Iterator[Field]:
    """A platform that holds nothing yet; ended afterwards."""
    stack = Stack(directory)
    database = Proxy(lambda: stack.state.ports[postgres.NAME])
    broker = Proxy(lambda: stack.state.ports[CLIENT])
    stack.reset()
    options = Options(
        regions=tuple(region.lower() for region in regions),
        business_time=BUSINESS_TIME,
        rehearsal=True,
        only=only,
        fronts={postgres.NAME: database.port, CLIENT: broker.port},
    )
    try:
        stack.up(options)
        yield Field(stack, Platform(stack.instance, regions[0]), database, broker)
    finally:
        stack.down()
        database.close()
        broker.close()


@dataclass(slots=True)
class Outcome:
    """What a run came to."""

    history: History
    strikes: list[Strike]
    observation: Observation
    findings: Findings
    quiet_after_s: float | None
    """Since the last fault; None if something was still on its way when patience ended."""
    cycles: int
    """Payment cycles that were ordered."""
    seconds: float
    """From the first event to the last fault."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is sent from where, and how often it is struck."""

    events: int
    faults: int
    regions: tuple[str, ...] = claims.REGIONS


async def play(place: Field, seed: int, size: Size, say: Say) -> Outcome:
    """Sends, strikes and pays at once, waits for quiet, and checks."""
    history, began = History(), time.monotonic()
    sends, faults = claims.plan(seed, size.events, size.regions), schedule(seed, size.faults)
    centres, officers = Centres(place.platform, history), Officers(place.platform)
    nemesis = Nemesis(place.stack, place.database, place.broker)
    share = -(-len(sends) // (len(faults) + 1))
    centres.send(sends[:share])
    paying: list[asyncio.Task[None]] = []
    for fault in faults:
        centres.send(sends[(fault.nth + 1) * share : (fault.nth + 2) * share])
        say(str(fault))
        await nemesis.strike(fault)
        await asyncio.sleep(GAP_S)
        if 3 * fault.nth > len(faults):
            due = size.regions[fault.nth % len(size.regions)]
            paying.append(asyncio.create_task(officers.pay(due)))
    seconds = time.monotonic() - began
    await asyncio.gather(centres.close(), nemesis.finish(), *paying)
    quiet_after_s = await _quiet(place.platform, nemesis.over)
    closed = await officers.closed()
    await _quiet(place.platform, time.monotonic())
    seen = await observe(place.platform)
    findings = check(history, seen)
    if not closed:
        findings.lost.append("a payment cycle was never closed")
    cycles = len(officers.cycles)
    return Outcome(history, nemesis.strikes, seen, findings, quiet_after_s, cycles, seconds)


async def _quiet(platform: Platform, since: float) -> float | None:
    """Seconds until nothing was on its way for some looks in a row; None if it took too long."""
    looks = 0
    async with httpx.AsyncClient(timeout=15, trust_env=False) as web:
        while time.monotonic() - since < QUIET_WITHIN_S:
            looks = looks + 1 if await _idle(web, platform) else 0
            if looks == QUIET_LOOKS:
                return time.monotonic() - since
            await asyncio.sleep(0.2)
    return None


async def _idle(web: httpx.AsyncClient, platform: Platform) -> bool:
    for service in SERVICES:
        try:
            answer = await web.get(f"{platform.url(f'{service}-worker')}/status")
        except httpx.TransportError:
            return False
        if not answer.is_success or on_its_way(answer.json()):
            return False
    return True
