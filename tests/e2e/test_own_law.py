"""A ministry changes the law: a file in a folder and a new start, all of it in real processes."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import asyncpg
import pytest

from contracts.benefits import EntitlementAdjusted, EntitlementStarted, RulepackActivated
from contracts.codec import decode, encode
from contracts.envelope import Envelope
from deploy.demo.platform import Platform
from deploy.local.plan import ROOT
from deploy.local.stack import Stack
from deploy.local.state import Options
from services.runtime.broker import Publisher, read_from_start
from tests.benefits.programmes.own_law import LATER, RAISED, edited, put
from tests.benefits.registry import registered, status
from tests.benefits.stories import uid

pytestmark = pytest.mark.local

WORKER = "benefits-worker"
NAMES = ("mai", "an", "linh")
EPOCH = "select epoch from benefits.relay"
ON_ITS_WAY = """
select (select count(*) from benefits.outbox) +
       (select count(*) from benefits.timers where name like 'review%' and due_at < $1)
"""


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    """The worker of benefits with what it needs, and a ministry's folder that is still empty."""
    stack = Stack(ROOT / ".local" / "test-own-law")
    await asyncio.to_thread(stack.reset)
    now = datetime.fromisoformat("2026-09-15T09:00:00+07:00")
    options = Options(only=(WORKER,), business_time=now, rehearsal=True, packs=tmp_path)
    await asyncio.to_thread(stack.up, options)
    yield stack
    await asyncio.to_thread(stack.reset)


async def grant(registry: Publisher, name: str) -> None:
    """The registry says that somebody is registered, and severely disabled."""
    granted = status(name, "disability", "severe").model_copy(update={"sequence": 2})
    said = [encode(registered(name)), encode(granted)]
    await registry.send([("beneficiary.person.v1", str(uid(name)), text) for text in said])


async def published(stack: Stack) -> list[tuple[str, str, int]]:
    """What benefits said of amounts and of law: (what, from when or which version, amount)."""
    reader = Platform(stack.instance, "VN-07").kafka_settings("insights")
    found = []
    topics = ["benefits.rulepack.v1", "benefits.entitlement.v1"]
    async for record in read_from_start(reader, topics):
        event = decode(record.value)
        match event.data if isinstance(event, Envelope) else None:
            case RulepackActivated() as law:
                found.append(("law", law.pack_version, law.unconfirmed))
            case EntitlementStarted() as one:
                found.append(("started", one.from_month, one.amount_minor))
            case EntitlementAdjusted() as one:
                found.append((one.reason, one.from_month, one.new_amount_minor))
    return sorted(found)


def start_of(stack: Stack) -> subprocess.CompletedProcess[str]:
    """Starts the worker as it is configured there; it has to end by itself."""
    (process,) = [one for one in stack.plan.processes if one.name == WORKER]
    return subprocess.run(
        process.argv,
        cwd=process.cwd,
        env={**os.environ, **process.env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


async def test_a_raised_rate_in_the_folder_is_told_to_everybody_once(
    stack: Stack, tmp_path: Path
) -> None:
    admin = await asyncpg.connect(stack.instance.database_url())

    async def settled(count: int) -> list[tuple[str, str, int]]:
        async with asyncio.timeout(60):
            while len(found := await published(stack)) < count or await admin.fetchval(
                ON_ITS_WAY, datetime.fromisoformat("2026-09-30T00:00:00+07:00")
            ):
                await asyncio.sleep(0.1)
        return found

    # given three people with a right under the packaged law
    registry = Publisher(Platform(stack.instance, "VN-07").kafka_settings("beneficiary"))
    for name in NAMES:
        await grant(registry, name)
    before = await settled(4)
    assert before == [("law", "2025.7.1", 13), *3 * [("started", "2026-09", 1_000_000)]]

    # when the ministry puts a later version in the folder, with a higher standard from October on,
    # and starts the worker again
    law = put(tmp_path, "vn.toml", edited("VN-SA", LATER, RAISED))
    await asyncio.to_thread(stack.restart, WORKER)

    # then each is told the new amount once, and so is the law
    raised = 3 * [("standard_changed", "2026-10", 1_200_000)]
    after = await settled(8)
    assert after == sorted([*before, ("law", "2026.10.1", 13), *raised])

    # and nothing again by another start that leads, and by whose law a fourth person is judged
    led = await admin.fetchval(EPOCH)
    await asyncio.to_thread(stack.restart, WORKER)
    async with asyncio.timeout(60):
        while await admin.fetchval(EPOCH) == led:
            await asyncio.sleep(0.1)
    await grant(registry, "hoa")
    assert await settled(9) == sorted([*after, ("started", "2026-09", 1_000_000)])
    await registry.stop()
    await admin.close()

    # and when somebody edits the announced file in place, the worker does not start by it
    law.write_text(law.read_text().replace('"600000"', '"650000"'), encoding="utf-8")
    done = await asyncio.to_thread(start_of, stack)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{law}: version: not_later: 2026.10.1 says something else than 2026.10")
