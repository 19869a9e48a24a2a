"""The rehearsal clock: weeks pass in seconds, and what falls due is done at its own instant."""

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime

import asyncpg
import pytest

from contracts.codec import decode
from contracts.envelope import Envelope
from contracts.platform import ClockAdvanced
from deploy.demo.people import people
from deploy.demo.platform import Platform
from deploy.local.plan import ROOT
from deploy.local.stack import Stack
from services.cli.importing import KINDS, await_answers, publish
from services.runtime.broker import read_from_start
from tests.clock import tick
from tests.conftest import OPTIONS

REGION = "VN-07"
LATER = "2026-10-15T00:30:00+07:00"
HELD = "select count(*) from benefits.entitlements where phase = 'held'"
DUE = "select distinct due_at from benefits.timers where name = 'release_hold' order by due_at"


@pytest.fixture(scope="module")
def rehearsal() -> Iterator[Stack]:
    """A platform of its own: nobody else's business time moves."""
    stack = Stack(ROOT / ".local" / "tick-test")
    stack.reset()
    stack.up(OPTIONS.model_copy(update={"regions": ("vn-07",)}))
    yield stack
    stack.down()


async def test_what_is_held_is_released_at_its_own_instant(rehearsal: Stack) -> None:
    # given people registered twice, whose new entitlements are held for five working days
    platform = Platform(rehearsal.instance, REGION)
    region = platform.kafka_settings("region.vn-07")
    rows = [asdict(row) for row in people(23, 300)]
    names = await publish(region, REGION, KINDS["persons"], rows, lambda _: None)
    await await_answers(region, REGION, names, lambda _: None, patience_s=60)
    await asyncio.to_thread(platform.await_quiet, "the registrations")
    admin = await asyncpg.connect(rehearsal.instance.database_url())
    held = await admin.fetchval(HELD)
    due = [row["due_at"] for row in await admin.fetch(DUE)]
    assert held > 0
    assert due

    # when a month passes
    done = await asyncio.to_thread(tick, rehearsal, LATER)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"

    # then nothing is held any more, and what was released is dated by the instant it was due
    assert await admin.fetchval(HELD) == 0
    await admin.close()
    found = read_from_start(platform.kafka_settings("insights"), ["benefits.entitlement.v1"])
    facts = [decode(record.value) async for record in found]
    started = [fact.time for fact in facts if isinstance(fact, Envelope)]
    assert sum(at in due for at in started) >= held
    # and business time went from stop to stop, forward only
    clock = read_from_start(platform.kafka_settings("benefits"), ["platform.clock.v1"])
    moves = [decode(record.value) async for record in clock]
    instants = [
        move.data.business_time
        for move in moves
        if isinstance(move, Envelope) and isinstance(move.data, ClockAdvanced)
    ]
    assert instants == sorted(instants)
    assert instants[-1] == datetime.fromisoformat(LATER)
    assert set(due) <= set(instants)


def test_business_time_never_runs_backwards(rehearsal: Stack) -> None:
    refused = tick(rehearsal, "2026-09-01T00:00:00+07:00")
    assert refused.returncode == 1
    assert "never runs backwards" in refused.stderr


def test_an_instant_without_an_offset_is_asked_back(rehearsal: Stack) -> None:
    refused = tick(rehearsal, "2027-01-01T00:00:00")
    assert refused.returncode == 2
    assert "offset" in refused.stderr
