"""Three Kafka nodes, replication 3, two in sync at least: a node goes away under load, twice."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from confluent_kafka import admin as confluent

from deploy.instance import KAFKA_ADMIN, KAFKA_SECURITY
from deploy.local.plan import ROOT
from deploy.local.stack import Stack
from deploy.local.state import Options
from services.runtime.broker import Publisher
from services.runtime.database import OutageError
from services.runtime.topics import all_topics
from tests.runtime.stage import EFFECTS, NOW, TOPIC, Effects, Stage, fact, until, worker

kafka: Any = confluent
pytestmark = [pytest.mark.local, pytest.mark.slow]

CASES = "casework.case.v1"
REGIONS = ("vn-07",)
PATIENCE_S = 180


@pytest.fixture(scope="module")
async def cluster() -> AsyncIterator[tuple[Stack, Stage]]:
    """Three brokers and a PostgreSQL of their own, with topics and tables and no service."""
    stack = Stack(ROOT / ".local" / "test-nodes")
    await asyncio.to_thread(stack.reset)
    options = Options(
        only=("infrastructure", "topics", "migrate"), nodes=3, regions=REGIONS, business_time=NOW
    )
    await asyncio.to_thread(stack.up, options)
    admin = await asyncpg.connect(stack.instance.database_url())
    await admin.execute(EFFECTS)
    yield stack, Stage(stack.instance, admin)
    await admin.close()
    await asyncio.to_thread(stack.down)


def administrator(stack: Stack) -> Any:
    return kafka.AdminClient(
        {
            "bootstrap.servers": stack.instance.kafka_internal,
            "security.protocol": KAFKA_SECURITY,
            "sasl.mechanism": "PLAIN",
            "sasl.username": KAFKA_ADMIN,
            "sasl.password": stack.instance.credentials.kafka_admin,
            "log_level": 0,
        }
    )


def test_every_partition_stands_on_three_nodes_and_is_taken_by_two_at_least(
    cluster: tuple[Stack, Stage],
) -> None:
    admin, names = administrator(cluster[0]), [topic.name for topic in all_topics(REGIONS)]

    found = admin.list_topics(timeout=20).topics
    settings = admin.describe_configs(
        [kafka.ConfigResource(kafka.ConfigResource.Type.TOPIC, name) for name in names]
    )

    replicas = {len(p.replicas) for name in names for p in found[name].partitions.values()}
    in_sync = {future.result(20)["min.insync.replicas"].value for future in settings.values()}
    # (who leads now says who was slow a moment ago; the first of the replicas is who is to lead)
    leaders = Counter(p.replicas[0] for name in names for p in found[name].partitions.values())
    assert replicas == {3}
    assert in_sync == {"2"}
    assert set(leaders) == {1, 2, 3}


async def test_a_node_that_dies_and_one_that_leaves_under_load_lose_and_double_nothing(
    cluster: tuple[Stack, Stage],
) -> None:
    stack, stage = cluster
    keys, effects = [uuid4() for _ in range(60)], Effects(decides=True)
    publisher = Publisher(stage.login("workforce"))
    # given a worker that opens a case for each fact, while facts keep coming
    async with stage.running(worker(effects.on_deployed), batch_facts=30):
        for n in range(1, 13):
            if n == 3:
                # when one node is killed, and comes again
                stack.kill("kafka-2", signal.SIGKILL)
            if n == 7:
                await asyncio.to_thread(stack.await_ready, "kafka-2")
                # and another leaves for good
                await asyncio.to_thread(stack.stop, "kafka-3")
            sent = [(TOPIC, str(key), fact(key, n)) for key in keys]
            await until(lambda sent=sent: accepted(publisher, sent), PATIENCE_S)  # type: ignore[misc]
        await until(lambda: stage.have(keys, 12), PATIENCE_S)
        # then each fact took effect once and in order, with two nodes of three
        assert {tuple(await stage.applied(key)) for key in keys} == {tuple(range(1, 13))}
        await until(lambda: all_sent(stage), PATIENCE_S)
    # and, once all three are there again, each is told of without a gap
    await asyncio.to_thread(stack.start, "kafka-3")
    await until(lambda: told(stage, [str(key) for key in keys], 12), PATIENCE_S)
    await publisher.stop()
    assert [letter for key in keys for letter in await stage.letters(key)] == []


async def accepted(publisher: Publisher, sent: list[tuple[str, str, bytes | None]]) -> bool:
    """Whether the brokers have taken these for good."""
    try:
        await publisher.send(sent)
    except OutageError:
        return False
    return True


async def all_sent(stage: Stage) -> bool:
    return not await stage.admin.fetchval("select count(*) from casework.outbox")


async def told(stage: Stage, keys: list[str], many: int) -> bool:
    """Whether as many cases of each key stand in the topic, without a gap."""
    found: dict[str, set[int]] = {key: set() for key in keys}
    try:
        events = await stage.events(CASES, "insights")
    except OutageError:  # a node that has just come to itself
        return False
    for event in events:
        found.get(event.subject or "", set()).add(event.sequence or 0)
    return all(sequences == set(range(1, many + 1)) for sequences in found.values())
