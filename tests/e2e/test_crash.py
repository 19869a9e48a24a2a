"""Workers are killed in the middle of their transactions; nothing is lost and nothing doubled."""

import asyncio
import signal
from collections import Counter
from dataclasses import asdict, replace

import asyncpg
import pytest

from contracts.codec import Event, decode
from contracts.envelope import Envelope
from contracts.platform import EventAccepted, EventRejected
from deploy.demo.people import people
from deploy.demo.platform import Platform
from deploy.local.stack import Stack
from deploy.local.state import ChildRecord
from services.cli.importing import KINDS, Row, await_answers, publish
from services.runtime.broker import read_from_start

pytestmark = [pytest.mark.stack, pytest.mark.local]

REGION = "VN-07"
IN_TRANSACTION = """
select count(*) from pg_stat_activity
where usename = $1 and xact_start is not null and state <> 'idle'
  and query not ilike 'select%pg_try_advisory_lock%'
"""


def rows(seed: int, count: int) -> list[Row]:
    """Invented people under record ids that no other story uses."""
    renamed = (
        replace(row, record_id=f"K{seed}-{row.record_id}", form_id=f"K{seed}-{row.form_id}")
        for row in people(seed, count)
    )
    return [asdict(row) for row in renamed]


async def kill_in_transaction(stack: Stack, admin: asyncpg.Connection, service: str) -> None:
    """Waits for an open transaction of the worker, ends it without a word, awaits its successor."""
    name = f"{service}-worker"
    async with asyncio.timeout(180):
        while not await admin.fetchval(IN_TRANSACTION, f"{service}_worker"):
            await asyncio.sleep(0)
        before = child(stack, name).process
        stack.kill(name, signal.SIGKILL)
        while child(stack, name).process == before or child(stack, name).phase != "ready":
            await asyncio.sleep(0.05)


def child(stack: Stack, name: str) -> ChildRecord:
    """What the supervisor says about a process."""
    assert stack.running is not None
    return stack.running.children[name]


async def events(platform: Platform, user: str, topic: str) -> list[Event]:
    found = [
        decode(record.value)
        async for record in read_from_start(platform.kafka_settings(user), [topic])
    ]
    return [event for event in found if isinstance(event, Envelope)]


async def test_workers_killed_in_mid_batch_lose_and_double_nothing(stack: Stack) -> None:
    platform = Platform(stack.instance, REGION)
    admin = await asyncpg.connect(stack.instance.database_url())
    counted = "select coalesce(sum(count), 0) from insights.cube where measure = 'registered'"
    await asyncio.to_thread(platform.await_quiet, "what went before")
    before = await admin.fetchval(counted)

    # given two thousand claims of a region on their way
    region = platform.kafka_settings("region.vn-07")
    claims = rows(seed=41, count=2000)
    names = await publish(region, REGION, KINDS["persons"], claims, lambda _: None)

    # when the registry is killed three times and insights once, each inside a transaction
    restarts = child(stack, "beneficiary-worker").restarts
    for service in ("beneficiary", "beneficiary", "insights", "beneficiary"):
        await kill_in_transaction(stack, admin, service)
    report = await await_answers(region, REGION, names, lambda _: None, patience_s=60)
    await asyncio.to_thread(platform.await_quiet, "after the kills")

    # then every claim has one answer
    assert report.answered == len(claims)
    receipts = [
        event.data
        for event in {
            e.id: e for e in await events(platform, "region.vn-07", "receipts.vn-07.v1")
        }.values()
    ]
    answers = Counter(
        data.claim_id for data in receipts if isinstance(data, EventAccepted | EventRejected)
    )
    assert {answers[claim_id] for claim_id in names} == {1}
    # and every accepted person exists once, with a fact numbered without a gap
    registered = await admin.fetchval(
        "select count(*) from beneficiary.persons where record_id like 'K41-%'"
    )
    assert registered == report.accepted
    facts = await events(platform, "insights", "beneficiary.person.v1")
    numbers: dict[str, set[int]] = {}
    for fact in facts:
        numbers.setdefault(fact.subject or "", set()).add(fact.sequence or 0)
    assert all(found == set(range(1, len(found) + 1)) for found in numbers.values())
    # and the ministry counts each once
    assert await admin.fetchval(counted) - before == report.accepted
    # and the kills really hit
    assert child(stack, "beneficiary-worker").restarts == restarts + 3
    await admin.close()
