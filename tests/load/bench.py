"""The registration pipe measured: `python -m tests.load.bench [--quick]`.

Claims of one region become persons, entitlements and messages: by the platform's own workers
(`ours`), the obvious way (`obvious`) and with nothing but movement (`bare`); each package says what
its pipe does. All three get the same claims, by one generator, on one Kafka and one PostgreSQL, and
must leave the same records on topics kept alike and the same rows in tables made alike.
Figures of one run can be compared with each other alone: the machine has other work, too.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from statistics import median, quantiles
from typing import Final, TypeVar

import asyncpg

from deploy.local.plan import ROOT
from deploy.local.stack import Stack
from deploy.local.state import Options
from tests.load import machine
from tests.load.alike import CARRIED, REGION
from tests.load.newcomers import BUSINESS_TIME, claims
from tests.load.ours.platform import OurPipe
from tests.load.ours.registry import grow
from tests.load.pipe import SETTLING_S, LostError, Pipe, Run, measure
from tests.load.simple import SimplePipe

T = TypeVar("T")
FOLDER: Final = ROOT / ".local" / "bench"
RATE: Final = 200.0
WARM: Final = 0.25
"""The share of a run's claims that goes through its pipe before, unmeasured."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    rounds: int
    claims: Mapping[str, int]
    """Pipe → claims a round."""
    steady_s: int
    """How long latency is measured, after two seconds that are not."""
    people: int
    """To how many the registry grows, from `FEW`."""


GOALS: Final = {
    "obvious_ratio": (True, 35.0),
    "bare_ratio": (True, 0.55),
    "p99_bare_ratio": (False, 2.0),
    "growth": (False, 1.3),
    "worker_mb": (False, 200.0),
}
"""What is aimed at: whether it is the least or the most, and how much."""
FEW: Final = 10_000
FULL: Final = Size(3, {"obvious": 600, "bare": 20_000, "ours": 10_000}, 15, 1_000_000)
QUICK: Final = Size(3, {"obvious": 400, "bare": 12_000, "ours": 5000}, 8, 50_000)
PACK: Final = "vn_sa.toml"
NEWCOMERS: Final = 3000
"""Claims a run, of three, into a registry of a certain size."""


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def started() -> Stack:
    """Kafka with passwords and access lists, PostgreSQL that notes when a commit took place.

    Tables are vacuumed before each run, not within: once a minute it would strike whichever pipe
    is on. No rehearsal, in which every transaction asks whether the clock was moved.
    """
    stack = Stack(FOLDER)
    stack.reset()
    stack.up(
        Options(
            regions=(REGION.lower(),),
            business_time=BUSINESS_TIME,
            only=("infrastructure", "migrate", "topics"),
            rehearsal=False,
            packs=confirmed(FOLDER / "packs"),
        )
    )
    database = await asyncpg.connect(stack.plan.server.url())
    await database.execute("alter system set track_commit_timestamp = on")
    await database.execute("alter system set autovacuum = off")
    version = await database.fetchval("show server_version")
    await database.close()
    stack.restart(machine.POSTGRES)
    say(f"{machine.versions()} with SCRAM, PostgreSQL {version} with fsync")
    return stack


def confirmed(folder: Path) -> Path:
    """The law as a ministry's own rule pack, in which it has confirmed what nobody has yet."""
    folder.mkdir(parents=True, exist_ok=True)
    text = resources.files("services.benefits.programmes.packs").joinpath(PACK).read_text()
    (folder / PACK).write_text(text.replace('verified = "no"', 'verified = "yes"'))
    return folder


async def rounds(pipes: Sequence[Pipe], size: Size) -> dict[str, list[Run]]:
    """Each pipe in turn, again and again: started, warmed, measured, stopped."""
    found: dict[str, list[Run]] = {pipe.name: [] for pipe in pipes}
    rows: dict[str, list[float]] = {pipe.name: [] for pipe in pipes}
    for number in range(1, size.rounds + 1):
        for pipe in pipes:
            many = size.claims[pipe.name]
            warming, measured = claims(f"w{number}", round(many * WARM)), claims(f"r{number}", many)
            async with pipe.running():
                await measure(pipe, warming)
                run = await measure(pipe, measured)
            found[pipe.name].append(run)
            rows[pipe.name].append(pipe.rows / (len(warming) + len(measured)))
            say(
                f"  round {number}, {pipe.name}: {many} claims, {run.events_s:.0f} a second,"
                f" {run.total_us:.0f} µs of CPU each (load {machine.load()})"
            )
    say("per claim: " + "; ".join(work(name, runs, rows[name]) for name, runs in found.items()))
    return found


def work(name: str, runs: Sequence[Run], rows: Sequence[float]) -> str:
    """What a pipe wrote per claim: records that were counted, rows inserted and updated, log."""
    log = median(run.log_kb for run in runs)
    return f"{name} {sum(CARRIED.values())} records, {median(rows):.1f} rows, {log:.1f} KB of log"


async def steady(pipes: Sequence[Pipe], size: Size) -> dict[str, list[Run]]:
    """A fixed rate of claims, each pipe in turn; the first two seconds count for no latency."""
    found: dict[str, list[Run]] = {pipe.name: [] for pipe in pipes}
    many = round(RATE * (SETTLING_S + size.steady_s))
    for number in range(1, size.rounds + 1):
        for pipe in pipes:
            async with pipe.running():
                await measure(pipe, claims(f"ws{number}", round(RATE)))
                run = await measure(pipe, claims(f"s{number}", many), RATE)
            found[pipe.name].append(run)
            p50, p99 = percentiles(run)
            say(
                f"  {pipe.name} at {RATE:.0f} a second: p50 {p50:.0f} ms, p99 {p99:.0f} ms,"
                f" {run.total_us:.0f} µs of CPU per event (load {machine.load()})"
            )
    return found


async def among(ours: OurPipe, people: int) -> list[Run]:
    """Newcomers to a registry that has been filled up to so many people."""
    await grow(ours.stack, people)
    async with ours.running():
        await measure(ours, claims(f"wp{people}", NEWCOMERS // 2))
        runs = [await measure(ours, claims(f"n{people}-{n}", NEWCOMERS)) for n in range(3)]
    tell(f"newcomers among {people:,} people", runs)
    return runs


def spread(values: Sequence[float]) -> str:
    """The smallest, the median and the largest."""
    return f"{min(values):.0f} / {median(values):.0f} / {max(values):.0f}"


def tell(name: str, runs: Sequence[Run]) -> None:
    """A pipe's rounds: rates, cost and memory, by process."""
    rates, costs = [run.events_s for run in runs], [run.total_us for run in runs]
    parts = {part: median(run.cpu_us[part] for run in runs) for part in runs[0].cpu_us}
    memory = {part: max(run.memory_mb[part] for run in runs) for part in runs[0].memory_mb}
    say(f"{name}: {spread(rates)} events/s, {spread(costs)} µs of CPU per event")
    say("  µs per event: " + ", ".join(f"{part} {us:.0f}" for part, us in parts.items()))
    say("  MB at most: " + ", ".join(f"{part} {mb:.0f}" for part, mb in memory.items()))


def percentiles(run: Run) -> tuple[float, float]:
    """The 50th and 99th percentile of claim to message row, in milliseconds."""
    cuts = quantiles(run.latencies_ms, n=100)
    return cuts[49], cuts[98]


def middle(runs: Sequence[Run]) -> tuple[float, float]:
    """The medians of the runs' 50th and 99th percentiles, in milliseconds."""
    each = [percentiles(run) for run in runs]
    return median(p50 for p50, _ in each), median(p99 for _, p99 in each)


async def growth(stack: Stack, size: Size) -> tuple[float, list[Run]]:
    """What a newcomer among many costs to one among few, and the runs among many.

    On a platform that has done nothing else: no other table grows besides.
    """
    ours = OurPipe(stack)
    few, many = await among(ours, FEW), await among(ours, size.people)
    ratio = median(run.total_us for run in many) / median(run.total_us for run in few)
    say(f"cost per event among {size.people:,} people / among {FEW:,}: {ratio:.2f}")
    return ratio, many


async def bench(stack: Stack, size: Size, grown: tuple[float, list[Run]]) -> str:
    """Measures all else and tells it; returns the last line."""
    ratio, many = grown
    obvious, bare, ours = (
        SimplePipe(stack, "obvious"),
        SimplePipe(stack, "bare"),
        OurPipe(stack),
    )
    await grow(stack, FEW)
    found = await rounds((obvious, bare, ours), size)
    for name, runs in found.items():
        tell(name, runs)
    rate = {name: median(run.events_s for run in runs) for name, runs in found.items()}
    cost = {name: median(run.total_us for run in runs) for name, runs in found.items()}
    late = {name: middle(runs) for name, runs in (await steady((bare, ours), size)).items()}
    p50, p99 = late["ours"]
    reached = {
        "obvious_ratio": rate["ours"] / rate["obvious"],
        "bare_ratio": rate["ours"] / rate["bare"],
        "p99_bare_ratio": p99 / late["bare"][1],
        "growth": ratio,
        "worker_mb": max(max(run.memory_mb.values()) for run in (*found["ours"], *many)),
    }
    say(
        f"by CPU ours is {cost['obvious'] / cost['ours']:.1f} times the obvious way and"
        f" {cost['bare'] / cost['ours']:.3f} of the bare pipe"
    )
    judge(reached)
    return (
        f"bench obvious_ratio={reached['obvious_ratio']:.1f} bare_ratio={reached['bare_ratio']:.3f}"
        f" p99_bare_ratio={reached['p99_bare_ratio']:.1f} p50_ms={p50:.0f} p99_ms={p99:.0f}"
        f" events_s={rate['ours']:.0f} cpu_us_event={cost['ours']:.0f}"
    )


def judge(reached: Mapping[str, float]) -> None:
    """Says of each goal whether it is reached."""
    for name, (least, goal) in GOALS.items():
        value = reached[name]
        verdict = "reached" if (value >= goal if least else value <= goal) else "not reached"
        say(f"goal {name} {'at least' if least else 'at most'} {goal:g}: {value:.3g}, {verdict}")


async def main() -> None:
    """Measures on two fresh stacks; the exit code is 1 if a pipe lost or doubled anything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small rounds, and a smaller registry")
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    try:
        grown = await on_a_fresh_stack(lambda stack: growth(stack, size))
        say(await on_a_fresh_stack(lambda stack: bench(stack, size, grown)))
    except LostError as lost:
        sys.exit(str(lost))


async def on_a_fresh_stack(work: Callable[[Stack], Awaitable[T]]) -> T:
    """What comes of work on a stack of its own."""
    stack = await started()
    try:
        return await work(stack)
    finally:
        stack.down()


if __name__ == "__main__":
    asyncio.run(main())
