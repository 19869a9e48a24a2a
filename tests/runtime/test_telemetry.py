import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from services.runtime.settings import Settings
from services.runtime.telemetry import (
    METRICS,
    REDACTED,
    Telemetry,
    configure_logs,
    redact,
)
from tests.collector import Collector

PERSON = UUID("5d1f9c1e-6f3a-5d0e-9d3c-6f0c7f1b2a10")
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
MARKED = ["Nguyễn Thị Ánh", "Оксана Шевченко", "+84912345678", "031195001234", "a@b.example"]


class MarkedError(Exception):
    sqlstate = "23505"


def fail() -> None:
    raise MarkedError(f"Key (phone)=({MARKED[2]}) already exists") from ValueError(MARKED[0])


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


class TestLogs:
    def test_ids_codes_and_counts_pass(self, capsys: pytest.CaptureFixture[str]) -> None:
        configure_logs("benefits", "info")
        at = datetime(2026, 9, 1, tzinfo=UTC)
        structlog.get_logger().info(
            "batch taken", person_id=PERSON, records=500, topic="beneficiary.person.v1", sent_at=at
        )
        (line,) = lines(capsys)
        assert line.pop("timestamp").endswith("Z")
        assert line == {
            "service": "benefits",
            "level": "info",
            "event": "batch taken",
            "person_id": str(PERSON),
            "records": 500,
            "topic": "beneficiary.person.v1",
            "sent_at": "2026-09-01 00:00:00+00:00",
        }

    @pytest.mark.parametrize("marked", MARKED)
    @pytest.mark.parametrize("key", ["event", "name", "person_id", "topic", "code", "path", "ids"])
    def test_marked_people_never_pass(self, key: str, marked: str) -> None:
        for value in (marked, [marked], {"name": marked}):
            assert marked not in json.dumps(redact(None, "", {key: value}), ensure_ascii=False)

    @given(st.dictionaries(st.text(), st.text(alphabet="Ắьўґạ ", min_size=1), max_size=5))
    def test_no_letters_of_names_pass_whatever_the_key(self, entry: dict[str, str]) -> None:
        assert set(redact(None, "", dict(entry)).values()) <= {REDACTED}

    def test_an_exception_is_told_by_type_place_and_code_and_never_by_text(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        configure_logs("benefits", "info")
        try:
            fail()
        except MarkedError:
            structlog.get_logger().exception("handler failed")
        text = capsys.readouterr().out
        line = json.loads(text)
        assert not any(marked in text for marked in MARKED)
        assert line["error"].endswith("MarkedError")
        assert line["cause"] == "builtins.ValueError"
        assert line["sqlstate"] == "23505"
        assert ":fail:" in line["where"][-1]

    def test_a_library_is_quoted_without_its_arguments(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        configure_logs("benefits", "info")
        logging.getLogger("aiokafka.conn").warning("Unable to read %s", MARKED[0])
        logging.getLogger("asyncio").error(f"Task exception: {MARKED[0]}")  # noqa: G004
        quoted, hidden = lines(capsys)
        assert quoted["event"] == "library: Unable to read %s"
        assert (hidden["event"], hidden["logger"]) == (REDACTED, "asyncio")


def told_everything(listener: Collector) -> Settings:
    return Settings(otlp_endpoint=listener.endpoint, trace_share=1.0)


@pytest.fixture
def listener() -> Iterator[Collector]:
    with Collector.listening() as collector:
        yield collector


class TestExport:
    def test_metrics_and_spans_reach_a_collector(self, listener: Collector) -> None:
        telemetry = Telemetry("benefits", told_everything(listener))
        telemetry.record("lag.records", 7, group="benefits.facts", topic="beneficiary.person.v1")
        with telemetry.batch("benefits.facts", 500):
            pass
        with telemetry.span("inside", parent=PARENT), telemetry.span("outside", link=PARENT):
            pass
        telemetry.close()
        spans = {told.span.name: told for told in listener.spans()}
        inside, outside = spans["inside"], spans["outside"]
        assert (inside.service, inside.trace_id) == ("benefits", PARENT.split("-")[1])
        assert inside.span.parent_span_id.hex() == PARENT.split("-")[2]
        assert outside.span.parent_span_id == b""
        assert outside.trace_id != PARENT.split("-")[1]
        assert outside.span.links[0].trace_id.hex() == PARENT.split("-")[1]
        assert {metric.name for metric in listener.metrics()} == {
            "hamroh.benefits.lag.records",
            "hamroh.benefits.batch.records",
            "hamroh.benefits.batch.seconds",
        }

    def test_a_fault_in_a_span_is_told_without_its_text(self, listener: Collector) -> None:
        telemetry = Telemetry("benefits", told_everything(listener))
        with pytest.raises(MarkedError), telemetry.batch("benefits.any", 1):
            fail()
        telemetry.close()
        [told] = listener.spans()
        assert told.span.status.code == Status.STATUS_CODE_ERROR
        assert not any(m.encode() in body for m in MARKED for body in listener.taken["/v1/traces"])

    def test_without_a_collector_everything_still_works(self) -> None:
        telemetry = Telemetry("benefits", Settings())
        for name in METRICS:
            telemetry.record(name, 1, group="any")
        with telemetry.span("work", parent=PARENT) as span:
            assert not span.is_recording()

    def test_names_are_one_noun_and_one_unit(self) -> None:
        assert all(name.count(".") == 1 and metric.tells for name, metric in METRICS.items())
