"""Traces are derived from causes: a repetition writes the same, and what was not kept stays so."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from contracts.codec import Event, decode, encode
from contracts.envelope import Envelope
from services.runtime.consumer import FactConsumer
from services.runtime.database import Database, OutageError, Transaction
from services.runtime.routes import Cause, Decided, DueTimer, Outcome, seed_of
from services.runtime.telemetry import Telemetry
from services.runtime.timers import Leader, set_timers
from services.runtime.tracing import is_kept, traceparent
from tests.collector import Collector, Told
from tests.runtime.desk import SETTINGS, Desk, record
from tests.runtime.stage import NOW, Effects, fact
from tests.runtime.test_outbox import case

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
DECISIONS = "hamroh.casework.decision.facts"
NOT_KEPT = PARENT.removesuffix("01") + "00"


class TestTraceparent:
    def test_it_follows_from_its_cause(self) -> None:
        ours = traceparent("benefits", "a claim", None, 1.0)
        assert traceparent("benefits", "a claim", None, 1.0) == ours
        # another service's work on it is another span of the same trace, another cause's none
        theirs = traceparent("casework", "a claim", None, 1.0)
        assert theirs.split("-")[1] == ours.split("-")[1]
        assert theirs.split("-")[2] != ours.split("-")[2]
        assert traceparent("benefits", "another", None, 1.0).split("-")[1] != ours.split("-")[1]

    def test_what_follows_stays_in_the_trace(self) -> None:
        ours = traceparent("benefits", "a fact", PARENT, 0.001)
        assert ours.split("-")[1] == PARENT.split("-")[1]
        assert ours.split("-")[2] != PARENT.split("-")[2]
        assert is_kept(ours)

    def test_what_is_not_kept_is_passed_on_as_it_is(self) -> None:
        assert traceparent("benefits", "a fact", NOT_KEPT, 1.0) == NOT_KEPT

    def test_the_share_of_traces_that_is_kept_is_the_one_asked_for(self) -> None:
        kept = [is_kept(traceparent("benefits", f"claim {n}", None, 0.25)) for n in range(4000)]
        assert 900 < sum(kept) < 1100


@dataclass
class Traced:
    """A consumer's place of work that tells a collector everything."""

    desk: Desk
    collector: Collector
    database: Database
    telemetry: Telemetry

    def facts(self, effects: Effects) -> FactConsumer:
        consumer = self.desk.facts(effects.on_deployed)
        consumer.database, consumer.telemetry = self.database, self.telemetry
        return consumer

    def told(self) -> list[Told]:
        """Every span, the last ones too."""
        self.telemetry.close()
        return self.collector.spans()

    def sent(self, key: UUID) -> list[Envelope[Any]]:
        """What was sent under a key."""
        events = [decode(value) for _, to, value in self.desk.sent if to == str(key)]
        return [event for event in events if isinstance(event, Envelope)]


@pytest.fixture
def listener() -> Iterator[Collector]:
    with Collector.listening() as collector:
        yield collector


@pytest.fixture
async def traced(desk: Desk, listener: Collector) -> AsyncIterator[Traced]:
    everything = {"otlp_endpoint": listener.endpoint, "trace_share": 1.0}
    settings = SETTINGS.model_copy(update=everything)
    database = Database(desk.database.pool, desk.database.clock, settings)
    telemetry = Telemetry("casework", settings)
    yield Traced(desk, listener, database, telemetry)
    telemetry.close()


def deployed(key: UUID, carried: str | None) -> tuple[Event, bytes]:
    """A fact of a key that carries a trace."""
    event = decode(fact(key, 1))
    assert isinstance(event, Envelope)
    event = event.model_copy(update={"traceparent": carried})
    return event, encode(event)


@pytest.mark.stack
async def test_a_repetition_writes_the_same_trace_and_only_what_committed_is_told(
    traced: Traced,
) -> None:
    # given a fact whose handler meets an outage first
    key, away = uuid4(), True
    event, raw = deployed(key, PARENT)

    async def fail(_: Transaction, __: Sequence[Event]) -> None:
        if away:
            raise OutageError("a neighbour is away")

    consumer = traced.facts(Effects(before=fail, decides=True))
    with pytest.raises(OutageError):
        await consumer.process([record(key, raw)])
    # when it comes again, twice
    away = False
    for _ in range(2):
        await consumer.process([record(key, raw)])
    # then what follows from it carries the work on it, derived
    [decided] = traced.sent(key)
    seed = seed_of(event.source, event.id)
    assert decided.traceparent == traceparent("casework", seed, PARENT, 1.0)
    # and that work is told once, below what the fact carried, with a link to its batch
    spans = traced.told()
    [work] = [one.span for one in spans if one.span.name == event.type]
    assert work.span_id.hex() == decided.traceparent.split("-")[2]
    assert work.parent_span_id.hex() == PARENT.split("-")[2]
    failed, applied, passed = [one.span for one in spans if one.span.name.startswith("batch")]
    assert failed.status.code == Status.STATUS_CODE_ERROR
    assert [link.span_id for link in work.links] == [applied.span_id]
    for batch in (failed, applied, passed):
        assert [link.trace_id.hex() for link in batch.links] == [PARENT.split("-")[1]]


@pytest.mark.stack
@pytest.mark.parametrize("carried", [None, PARENT, NOT_KEPT])
async def test_who_tells_nobody_passes_a_trace_on_and_begins_none(
    desk: Desk, carried: str | None
) -> None:
    key = uuid4()
    await desk.facts(Effects(decides=True).on_deployed).process(
        [record(key, deployed(key, carried)[1])]
    )
    [told] = [decode(value) for _, to, value in desk.sent if to == str(key)]
    assert isinstance(told, Envelope)
    assert told.traceparent == carried


@pytest.mark.stack
async def test_a_trace_that_is_not_kept_makes_no_span(traced: Traced) -> None:
    key = uuid4()
    event, raw = deployed(key, NOT_KEPT)
    await traced.facts(Effects(decides=True)).process([record(key, raw)])
    [decided] = traced.sent(key)
    assert decided.traceparent == NOT_KEPT
    assert [one for one in traced.told() if one.span.name == event.type] == []


@pytest.mark.stack
async def test_what_a_timer_decides_begins_a_trace_and_is_counted(traced: Traced) -> None:
    # given a timer that is due
    key = uuid4()
    cause = Cause.of_timer("visit", NOW - timedelta(hours=1), str(key), "VN-07")

    async def decide(_: Transaction, __: Sequence[DueTimer]) -> list[Outcome]:
        return [Decided(cause, case(key))]

    async with traced.database.transaction() as tx:
        await set_timers(tx.connection, "visit", [(str(key), NOW - timedelta(hours=1), {})])
    means = traced.database, traced.desk.send, traced.telemetry
    await Leader("casework", *means, (), {"visit": decide}, (), asyncio.Event()).run_due()
    # then what it decides carries its work, which begins the trace
    [decided] = traced.sent(key)
    assert decided.traceparent == traceparent("casework", cause.seed, None, 1.0)
    [work] = [one.span for one in traced.told() if one.span.name == "timer visit"]
    assert work.span_id.hex() == decided.traceparent.split("-")[2]
    assert work.parent_span_id == b""
    # and it counts as a decision
    counted = [m for m in traced.collector.metrics() if m.name == DECISIONS][-1]
    assert [int(point.as_int) for point in counted.sum.data_points] == [1]


@pytest.mark.stack
async def test_a_dead_letter_stays_in_the_trace_of_its_record(traced: Traced) -> None:
    key = uuid4()
    _, raw = deployed(key, PARENT)

    async def fail(_: Transaction, __: Sequence[Event]) -> None:
        raise RuntimeError("a bug")

    await traced.facts(Effects(before=fail)).process([record(key, raw)])
    letters = [
        decode(value) for to, _, value in traced.desk.sent if to == "casework.dead-letter.v1"
    ]
    carried = [letter.traceparent or "" for letter in letters if isinstance(letter, Envelope)]
    assert carried[-1].split("-")[1] == PARENT.split("-")[1]
