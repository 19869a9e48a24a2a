"""Every figure that the platform can tell is told; dashboards and alerts ask for no other."""

import asyncio
import re
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from deploy.demo.platform import Platform
from deploy.local.stack import Stack
from services.cli.importing import KINDS, publish
from services.runtime import broker
from services.runtime.telemetry import METRICS
from tests.architecture.test_dashboards import EXPRESSIONS
from tests.collector import Collector
from tests.e2e.test_marked_people import hostile, row
from tests.prometheus import names_in, translated
from tests.runtime.stage import Effects, Stage, raw, until, worker
from tests.runtime.test_stuck_consumers import pause, replaced

pytestmark = [pytest.mark.stack, pytest.mark.local]

REGION = "VN-07"
BROKEN = "insert into benefits.timers (name, subject, due_at) values ('review', 'nobody', $1)"


@pytest.fixture
async def timer_that_fails(stack: Stack) -> AsyncIterator[None]:
    """A timer of benefits whose handler meets a fault: its subject is no person's id."""
    admin = await asyncpg.connect(stack.instance.database_url())
    await admin.execute(BROKEN, stack.instance.business_time)
    yield
    await admin.execute("delete from benefits.timers where subject = 'nobody'")
    await admin.close()


async def stick(stage: Stage, collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker whose consumer stands still tells the collector that it was rebuilt."""
    monkeypatch.setattr(broker, "WATCH_EVERY_S", 0.2)
    key, effects = uuid4(), Effects()
    telling = {"otlp_endpoint": collector.endpoint}
    async with stage.running(worker(effects.on_deployed), **telling) as running:
        consumer = running.intakes[0]._subscriber.consumer
        assert consumer is not None
        pause(consumer)
        with monkeypatch.context() as impatient:
            impatient.setattr(broker, "STUCK_S", 0.5)
            await stage.produce([raw(key, 1)])
            await until(lambda: replaced(running, consumer))
        await until(lambda: stage.have([key], 1))


def kind_of(metric: Metric) -> str:
    """Which kind of the table a metric was told as."""
    told = metric.WhichOneof("data")
    if told == "sum":
        assert metric.sum.is_monotonic
    return {"gauge": "gauge", "sum": "counter", "histogram": "histogram"}[str(told)]


async def test_every_metric_of_the_table_is_told_and_shown_under_its_name(
    stack: Stack,
    stage: Stage,
    collector: Collector,
    timer_that_fails: None,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # given a platform that takes good and bad claims, serves, meets a fault and rebuilds a consumer
    platform = Platform(stack.instance, REGION)
    region = platform.kafka_settings("region.vn-07")
    rows = [row(6001), hostile(6002)]
    await publish(region, REGION, KINDS["persons"], rows, lambda _: None)
    with platform.client("benefits-api", "ministry") as client:
        client.get("/cycles")
    await stick(stage, collector, monkeypatch)

    # then every metric of the table is told, as the kind that it is, and no other
    async def all_told() -> set[str]:
        told = {metric.name.split(".", 2)[2] for metric in collector.metrics()}
        return told if told >= set(METRICS) else set()

    assert await until(all_told, 120) == set(METRICS)
    told = {metric.name: kind_of(metric) for metric in collector.metrics()}
    for name, kind in told.items():
        assert kind == METRICS[name.split(".", 2)[2]].kind, name

    # and what dashboards and alerts ask for is among them
    series = {one for name, kind in told.items() for one in translated(name, kind)}
    for where, expression in EXPRESSIONS:
        for asked in names_in(expression):
            assert any(re.fullmatch(asked, one) for one in series), (where, asked)
    await asyncio.to_thread(platform.await_quiet, "the claims")
