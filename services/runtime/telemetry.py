"""What a process says of itself: logs that name ids and never people, and metrics named once.

Logs are JSON lines. Only keys of `SPEAKABLE` pass as they are; any other value is `[withheld]`.
Exceptions are told by type and place: their messages can quote what was in a row.
"""

import logging
import time
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import structlog
from opentelemetry import metrics
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from services.runtime.settings import Settings

METRICS: Final = {
    "batch.records": ("histogram", "Records per transaction"),
    "batch.seconds": ("histogram", "Seconds per batch, from decoding to the sent facts"),
    "faults.count": ("counter", "Exceptions, by kind and by where"),
    "rebuilt.count": ("counter", "Consumers rebuilt because they took nothing"),
    "lag.records": ("gauge", "Records on assigned partitions that were not yet taken"),
    "outbox.rows": ("gauge", "Facts committed and not yet sent"),
    "outbox.seconds": ("gauge", "Age of the oldest fact not yet sent"),
    "waiting.records": ("gauge", "Records that wait for their turn or their cause"),
    "dead-letters.records": ("gauge", "Dead letters nobody has settled"),
    "http.seconds": ("histogram", "Seconds per HTTP request"),
}
"""Every metric there is: its full name is `hamroh.<service>.<name here>`."""

SPEAKABLE: Final = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "logger",
        "service",
        "group",
        "topic",
        "partition",
        "offset",
        "records",
        "seconds",
        "rows",
        "lag",
        "error",
        "place",
        "code",
        "path",
        "count",
        "status",
        "method",
        "route",
        "event_id",
        "claim_id",
        "person_id",
        "case_id",
        "worker_id",
        "payment_id",
        "batch_id",
        "cycle_id",
        "dead_letter_id",
        "message_id",
        "trace_id",
        "span_id",
        "region",
        "timer",
        "job",
        "pid",
        "port",
        "version",
        "name",
        "attempts",
        "sequence",
        "role",
        "roles",
        "regions",
        "subject",
        "issuer",
        "reason",
        "kid",
    }
)
"""Keys whose values are ids, codes, counts or names of our own things."""
LONGEST_VALUE: Final = 200


def withhold(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The structlog processor that lets only what cannot be about a person's life pass."""
    for key, value in entry.items():
        if key not in SPEAKABLE:
            entry[key] = "[withheld]"
        elif isinstance(value, str) and len(value) > LONGEST_VALUE:
            entry[key] = value[:LONGEST_VALUE]
    return entry


@cache
def configure_logging(level: str) -> None:
    """JSON lines on standard output, ours and the libraries'."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            withhold,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        cache_logger_on_first_use=True,
    )
    handler = _LibraryHandler()
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


class _LibraryHandler(logging.Handler):
    """Libraries' warnings: where they come from and how bad, not what they quote."""

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        place = f"{record.module}:{record.lineno}"
        structlog.get_logger().log(
            record.levelno, "library", logger=record.name, place=place, error=kind
        )


def place_of(error: BaseException) -> str:
    """Where an exception was raised: `module:line` of the innermost frame of ours."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/services/" in frame.filename] or frames
    return f"{ours[-1].name}:{ours[-1].lineno}" if ours else ""


class Telemetry:
    """Logs and metrics of one process of a service."""

    def __init__(self, service: str, settings: Settings) -> None:
        configure_logging(settings.log_level)
        self.service = service
        self.log = structlog.get_logger().bind(service=service)
        meter = _meter(service, settings.otlp_endpoint)
        makers: dict[str, Any] = {
            "histogram": meter.create_histogram,
            "counter": meter.create_counter,
            "gauge": meter.create_gauge,
        }
        self._metrics: dict[str, Any] = {
            name: makers[kind](f"hamroh.{service}.{name}", description=what)
            for name, (kind, what) in METRICS.items()
        }

    @contextmanager
    def batch(self, group: str, records: int) -> Iterator[None]:
        """Measures one batch, also when it fails."""
        started = time.perf_counter()
        try:
            yield
        finally:
            labels = {"group": group}
            self._metrics["batch.records"].record(records, labels)
            self._metrics["batch.seconds"].record(time.perf_counter() - started, labels)

    def fault(self, where: str, error: BaseException) -> None:
        """An exception that was met and dealt with."""
        kind = type(error).__name__
        self._metrics["faults.count"].add(1, {"where": where, "error": kind})
        self.log.warning("fault", group=where, error=kind, place=place_of(error))

    def rebuilt(self, group: str) -> None:
        """A consumer that took nothing was rebuilt."""
        self._metrics["rebuilt.count"].add(1, {"group": group})
        self.log.warning("consumer rebuilt", group=group)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Sets a gauge of `METRICS`."""
        self._metrics[name].set(value, labels)

    def request(self, route: str, status: int, seconds: float) -> None:
        """Measures one HTTP request."""
        self._metrics["http.seconds"].record(seconds, {"route": route, "status": str(status)})


def _meter(service: str, endpoint: str | None) -> Meter:
    """A meter that exports to the collector, or one that costs nothing."""
    if endpoint is None:
        return metrics.NoOpMeterProvider().get_meter(service)
    exporter = OTLPMetricExporter(endpoint=f"{endpoint}/v1/metrics")
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=10_000)
    resource = Resource.create({"service.name": f"hamroh.{service}"})
    return MeterProvider(resource=resource, metric_readers=[reader]).get_meter(service)
