"""Plays a scenario on a platform of its own, under one schedule."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, assert_never

import asyncpg

from deploy.demo.platform import Platform
from deploy.demo.sources import gather
from deploy.instance import SERVICES
from deploy.local.stack import Stack
from deploy.local.state import Options
from services.cli.importing import KINDS, Row, await_answers, publish
from tests.chaos.money import Officers
from tests.clock import tick
from tests.scenarios.kills import Kill, kill_in_mid_batch
from tests.scenarios.observation import Observation, observe, unmet
from tests.scenarios.repeats import Repeater
from tests.scenarios.scenario import Expect, Pay, Scenario, Send, Step, Tick
from tests.scenarios.schedules import Schedule, delivered, runs

SEED: Final = 7
ANSWERS_WITHIN_S: Final = 90.0

Say = Callable[[str], None]


@dataclass(slots=True)
class Outcome:
    """What a play came to."""

    scenario: str
    schedule: Schedule
    seconds: float = 0.0
    """From the first claim to the last look, without the platform's start."""
    seen: Observation = field(default_factory=Observation)
    complaints: list[str] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    repeated: int = 0
    """Facts that were sent a second time."""


def play(scenario: Scenario, schedule: Schedule, directory: Path, say: Say) -> Outcome:
    """Starts a platform, plays, looks, and stops it."""
    with _platform(scenario, directory) as stack:
        return asyncio.run(_played(scenario, schedule, stack, say))


@contextmanager
def _platform(scenario: Scenario, directory: Path) -> Iterator[Stack]:
    stack = Stack(directory)
    stack.reset()
    options = Options(
        regions=tuple(region.lower() for region in scenario.regions),
        business_time=scenario.business_time,
        rehearsal=True,
        seed=SEED,
        bank=scenario.bank,
    )
    try:
        stack.up(options)
        yield stack
    finally:
        stack.down()


async def _played(scenario: Scenario, schedule: Schedule, stack: Stack, say: Say) -> Outcome:
    outcome, began = Outcome(scenario.name, schedule), time.monotonic()
    platform = Platform(stack.instance, scenario.regions[0])
    repeater = Repeater(platform)
    if schedule is Schedule.TWICE:
        repeater.start()
    player = Player(platform, stack, schedule, outcome, repeater)
    try:
        for steps in business_days(scenario.steps):
            await player.step(steps)
            say(f"{schedule}: {', '.join(map(name_of, steps))}")
        await player.finish(scenario)
    finally:
        await repeater.stop()
    outcome.seconds = time.monotonic() - began
    return outcome


def business_days(steps: tuple[Step, ...]) -> list[tuple[Step, ...]]:
    """Lists that are sent one after the other stand together: they are of one business day."""
    cuts = runs([isinstance(step, Send) or place for place, step in enumerate(steps)])
    return [steps[first:last] for first, last in cuts]


def name_of(step: Step) -> str:
    """A step in a few words."""
    match step:
        case Send(send=kind, region=region):
            return f"{kind} of {region}"
        case Tick(tick=instant):
            return f"until {instant:%d %B %Y %H:%M}"
        case Pay(pay=month):
            return f"{month} paid"
        case Expect(expect=expected):
            return f"{len(expected)} expectations"
        case _:
            assert_never(step)


@dataclass(slots=True)
class Player:
    """Does one step after the other."""

    platform: Platform
    stack: Stack
    schedule: Schedule
    outcome: Outcome
    repeater: Repeater

    async def step(self, steps: tuple[Step, ...]) -> None:
        """A business day's lists, or one other step; returns when nothing is on its way."""
        match steps[0]:
            case Send():
                await self._send([step for step in steps if isinstance(step, Send)])
            case Tick(tick=instant):
                await self._tick(instant.isoformat())
            case Pay():
                await self._pay(steps[0])
            case Expect(expect=expected):
                await self._expect(expected)
            case _:
                assert_never(steps[0])
        if isinstance(steps[0], Send | Pay):
            await self._quiet(name_of(steps[0]))

    async def finish(self, scenario: Scenario) -> None:
        """Looks at everything."""
        connection = await asyncpg.connect(self.platform.instance.database_url())
        self.outcome.seen = await observe(connection)
        await connection.close()
        self.outcome.repeated = self.repeater.repeated
        if scenario.balanced:
            totals = await gather(self.platform, scenario.claims)
            self.outcome.complaints += totals.disagreements()

    async def _send(self, lists: list[Send]) -> None:
        events = [(step, row) for step in lists for row in step.rows()]
        events = delivered(events, self.schedule, SEED)
        if self.schedule is not Schedule.KILLED or self.outcome.kills:
            await self._publish(events)
            return
        middle = len(events) // 2
        late = {KINDS[step.send].owner for step, _ in events[middle:]}
        only_early = {KINDS[step.send].owner for step, _ in events[:middle]} - late
        kills = await self._lie_in_wait(only_early)
        await self._publish(events[:middle])
        kills += await self._lie_in_wait(set(SERVICES) - only_early)
        await self._publish(events[middle:])
        self.outcome.kills = [await kill for kill in kills]
        self.outcome.complaints += [
            f"{kill.service} died outside of a batch: its transaction is {kill.fate}"
            for kill in self.outcome.kills
            if kill.fate != "aborted" or not kill.written
        ]

    async def _lie_in_wait(self, services: set[str]) -> "list[asyncio.Task[Kill]]":
        """Who kills the next batch of each service; returns when all of them are ready."""
        waits = [(service, asyncio.Event()) for service in sorted(services)]
        kills = [
            asyncio.create_task(kill_in_mid_batch(self.stack, service, ready))
            for service, ready in waits
        ]
        await asyncio.gather(*(ready.wait() for _, ready in waits))
        return kills

    async def _publish(self, events: list[tuple[Send, Row]]) -> None:
        for first, last in runs([step for step, _ in events]):
            step = events[first][0]
            settings = self.platform.kafka_settings(f"region.{step.region.lower()}")
            rows, kind = [row for _, row in events[first:last]], KINDS[step.send]
            names = await publish(settings, step.region, kind, rows, lambda _: None)
            report = await await_answers(
                settings, step.region, names, lambda _: None, ANSWERS_WITHIN_S
            )
            if report.answered != len(names):
                self.outcome.complaints.append(
                    f"{len(names) - report.answered} claims were never answered"
                )

    async def _tick(self, instant: str) -> None:
        done = await asyncio.to_thread(tick, self.stack, instant)
        if done.returncode:
            self.outcome.complaints.append(f"hamroh tick: {done.stderr.strip()}")

    async def _pay(self, step: Pay) -> None:
        asks = 2 if self.schedule is Schedule.TWICE else 1
        officers = Officers(self.platform, step.pay, asks)
        await officers.pay(step.region)
        if not await officers.closed():
            self.outcome.complaints.append(f"the cycle of {step.pay} was never closed")

    async def _expect(self, expected: dict[str, int]) -> None:
        connection = await asyncpg.connect(self.platform.instance.database_url())
        self.outcome.complaints += await unmet(connection, expected)
        await connection.close()

    async def _quiet(self, what: str) -> None:
        await asyncio.to_thread(self.platform.await_quiet, what)
        if self.schedule is Schedule.TWICE:
            await self.repeater.caught_up()
            await asyncio.to_thread(self.platform.await_quiet, what)
