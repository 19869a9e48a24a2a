"""Logs, metrics and traces. They name ids, codes and counts; persons never.

Logs are JSON lines on the standard output. Only keys of an allow-list pass, and only with values
that look like ids, codes or numbers: whatever else somebody logs becomes `[redacted]`. An exception
is told by its type and places in the code, never by its text, which may quote a row. Metrics and
traces leave by OTLP/HTTP where `otlp_endpoint` is set; otherwise they cost next to nothing.
"""

import logging
import re
import sys
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from types import TracebackType
from typing import Any, Final, Literal
from uuid import UUID

import structlog
from opentelemetry import metrics, trace

from services.runtime.settings import Settings
from services.runtime.tracing import Step, Tally, below, context_of, is_kept

REDACTED: Final = "[redacted]"
PLACES: Final = 6
"""How many innermost places of a fault are told."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One instrument; its full name is `hamroh.<service>.<noun>.<unit>`."""

    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    tells: str

    def instrument(self, meter: metrics.Meter, name: str) -> Any:
        """Makes it; the edges of a histogram fit its unit."""
        if self.kind == "histogram":
            edges = EDGES[self.unit]
            return meter.create_histogram(
                name, self.unit, self.tells, explicit_bucket_boundaries_advisory=edges
            )
        return getattr(meter, f"create_{self.kind}")(name, self.unit, self.tells)


EDGES: Final = {
    "s": (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
    "{record}": (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000),
}


METRICS: Final = {
    "lag.records": Metric("gauge", "{record}", "Records of a topic that a group has not taken"),
    "batch.records": Metric("histogram", "{record}", "Records taken at once"),
    "batch.seconds": Metric("histogram", "s", "From taking a batch to its commit"),
    "fault.errors": Metric("counter", "{error}", "Faults by place and type"),
    "rebuild.consumers": Metric("counter", "{consumer}", "Consumers rebuilt because they stuck"),
    "decision.facts": Metric("counter", "{fact}", "Facts published, by type"),
    "rejection.claims": Metric("counter", "{claim}", "Claims refused, by code"),
    "outbox.rows": Metric("gauge", "{row}", "Facts stored and not yet sent"),
    "outbox_age.seconds": Metric("gauge", "s", "Age of the oldest of them"),
    "waiting.records": Metric("gauge", "{record}", "Records that wait for their turn or cause"),
    "dead_letter.records": Metric("gauge", "{record}", "Dead letters that are open"),
    "timer_lateness.seconds": Metric("gauge", "s", "How late the timer is that is due first"),
    "lead.workers": Metric("gauge", "{worker}", "1 in the worker that leads its service, else 0"),
    "request.seconds": Metric("histogram", "s", "HTTP requests, by route and status"),
}
"""Every metric of the platform. Labels are codes: groups, topics, types, routes, statuses."""


class Telemetry:
    """What one process tells about itself."""

    def __init__(self, service: str, settings: Settings) -> None:
        configure_logs(service, settings.log_level)
        meter, self.tracer, self._tell_step, self.close = _ways(service, settings)
        self.log = structlog.get_logger()
        self._instruments = {
            name: metric.instrument(meter, f"hamroh.{service}.{name}")
            for name, metric in METRICS.items()
        }

    def record(self, name: str, value: float, **labels: str) -> None:
        """Adds to a counter, sets a gauge or records in a histogram; `name` is in `METRICS`."""
        verb = {"counter": "add", "gauge": "set", "histogram": "record"}[METRICS[name].kind]
        getattr(self._instruments[name], verb)(value, labels)

    @contextmanager
    def batch(self, group: str, records: int) -> Iterator[trace.Span]:
        """Measures the handling of a batch, also when it fails."""
        started = time.perf_counter()
        try:
            with self.span(f"batch {group}") as span:
                yield span
        finally:
            self.record("batch.records", records, group=group)
            self.record("batch.seconds", time.perf_counter() - started, group=group)

    @contextmanager
    def span(
        self,
        name: str,
        *,
        parent: str | None = None,
        link: str | None = None,
        kind: trace.SpanKind = trace.SpanKind.INTERNAL,
    ) -> Iterator[trace.Span]:
        """A span of work in progress; of a fault in it no text is told.

        `link` is the `traceparent` of somebody outside, whom it points to: they are no parent.
        """
        links = [trace.Link(context_of(link))] if link else []
        with self.tracer.start_as_current_span(
            name,
            below(parent),
            kind,
            links=links,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except Exception:
                span.set_status(trace.StatusCode.ERROR)
                raise

    def told(self, tally: Tally, by: str) -> None:
        """Tells what a committed transaction did; `by` names the work that no event began."""
        for type_name, many in tally.facts.items():
            self.record("decision.facts", many, type=type_name)
        for step in tally.steps.values():
            self._tell_step(step, tally.began_ns, by)

    def fault(self, where: str, error: BaseException) -> None:
        """Tells of a fault that was met and dealt with."""
        self.log.error("fault", at=where, exc_info=error)
        self.record("fault.errors", 1, at=where, type=type(error).__name__)

    def rebuilt(self, group: str) -> None:
        """Tells that a stuck consumer was rebuilt."""
        self.log.warning("consumer rebuilt", group=group)
        self.record("rebuild.consumers", 1, group=group)


TellStep = Callable[[Step, int, str], None]


def _nothing(*_: object) -> None:
    """There is nobody to tell."""


def _ways(
    service: str, settings: Settings
) -> tuple[metrics.Meter, trace.Tracer, TellStep, Callable[[], None]]:
    """Where metrics, spans and steps go, to the collector or nowhere, and how to end that."""
    if settings.otlp_endpoint is None:
        return metrics.NoOpMeter(service), trace.NoOpTracer(), _nothing, _nothing
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    endpoint = settings.otlp_endpoint
    resource = Resource.create({"service.namespace": "hamroh", "service.name": service})
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{endpoint}/v1/metrics"), 10_000)
    meters = MeterProvider([reader], resource)
    tracers = TracerProvider(ParentBased(TraceIdRatioBased(settings.trace_share)), resource)
    spans = BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces"))
    tracers.add_span_processor(spans)

    def tell_step(step: Step, began_ns: int, by: str) -> None:
        if not is_kept(step.traceparent):
            return
        around = trace.get_current_span().get_span_context(), context_of(step.link)
        spans.on_end(
            ReadableSpan(
                step.name or by,
                context_of(step.traceparent),
                context_of(step.parent) if step.parent else None,
                resource,
                step.attributes,
                links=[trace.Link(other) for other in around if other.is_valid],
                kind=trace.SpanKind.CONSUMER if step.name else trace.SpanKind.INTERNAL,
                start_time=began_ns,
                end_time=time.time_ns(),
                instrumentation_scope=InstrumentationScope(service),
            )
        )

    def close() -> None:
        tracers.shutdown()
        meters.shutdown()

    return meters.get_meter(service), tracers.get_tracer(service), tell_step, close


Entry = MutableMapping[str, Any]

ALLOWED: Final = frozenset({
    "event", "level", "timestamp", "logger", "service", "at", "trace_id", "span_id", "topic",
    "partition", "offset", "group", "key", "sequence", "type", "code", "path", "reason", "region",
    "route", "method", "status", "attempts", "count", "records", "rows", "version", "port", "job",
    "timer", "template", "channel", "state", "outcome",
})  # fmt: skip
ALLOWED_ENDINGS: Final = ("_id", "_ids", "_count", "_s", "_ms", "_bytes", "_at", "_code")
_SAFE: Final = re.compile(r"[A-Za-z0-9<][A-Za-z0-9_.:/<>{}+=-]{0,199}")
_NUMBER_OF_SOMEBODY: Final = re.compile(r"\+?[0-9]{9,}")
_MESSAGE: Final = re.compile(r"[a-z][a-z0-9 ,_.-]{0,99}")
TRUSTED_LOGGERS: Final = ("aiokafka", "uvicorn.error")
"""Libraries whose message templates are constant; their arguments are left out all the same."""


def configure_logs(service: str, level: str) -> None:
    """Sends our logs, and what libraries log from warnings on, to the standard output."""

    def named(_: Any, __: str, entry: Entry) -> Entry:
        return {"service": service, **entry}

    structlog.configure(
        processors=[
            named,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _traced,
            redact,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(),  # the standard output of the moment
    )
    logging.basicConfig(handlers=[_Foreign()], level=logging.WARNING, force=True)
    sys.excepthook = _ended


def _ended(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
    """What ends the process is told like every fault: without its text."""
    structlog.get_logger().error("ended by a fault", exc_info=error)


class _Foreign(logging.Handler):
    """Passes on what a library logs: the template of a trusted one, never the arguments."""

    def emit(self, record: logging.LogRecord) -> None:
        # uvicorn's traceback of a failed start is no template: it ends with the fault's own text.
        trusted = record.name.startswith(TRUSTED_LOGGERS) and "\n" not in str(record.msg)
        structlog.get_logger().log(
            record.levelno,
            f"library: {record.msg}" if trusted else REDACTED,
            logger=record.name,
            exc_info=record.exc_info,
        )


def _traced(_: Any, __: str, entry: Entry) -> Entry:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        entry["trace_id"], entry["span_id"] = f"{context.trace_id:032x}", f"{context.span_id:016x}"
    return entry


def redact(_: Any, __: str, entry: Entry) -> Entry:
    """Keeps what is known to be no personal data; a fault becomes its type and places."""
    fault = entry.pop("exc_info", None)
    kept = {key: _kept(key, value) for key, value in entry.items()}
    if fault is True:
        fault = sys.exc_info()
    error = fault[1] if isinstance(fault, tuple) else fault
    if isinstance(error, BaseException):
        kept |= _described(error)
    return kept


def _kept(key: str, value: Any) -> Any:
    if key == "event":
        text = str(value)
        return text if _MESSAGE.fullmatch(text) or text.startswith("library: ") else REDACTED
    if not (key in ALLOWED or key.endswith(ALLOWED_ENDINGS)):
        return REDACTED
    if isinstance(value, list | tuple | set | frozenset):
        return [_kept(key, item) for item in value][:50]
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, UUID | date | datetime):
        return str(value)
    safe = isinstance(value, str) and _SAFE.fullmatch(value)
    return value if safe and not _NUMBER_OF_SOMEBODY.fullmatch(value) else REDACTED


def _described(error: BaseException) -> Entry:
    """A fault's type, SQLSTATE and innermost places; its cause's type. No text."""
    places, step = [], error.__traceback__
    while step is not None:
        module = step.tb_frame.f_globals.get("__name__", "?")
        places.append(f"{module}:{step.tb_frame.f_code.co_name}:{step.tb_lineno}")
        step = step.tb_next
    cause = error.__cause__ or error.__context__
    described = {
        "error": f"{type(error).__module__}.{type(error).__name__}",
        "where": places[-PLACES:],
        "cause": f"{type(cause).__module__}.{type(cause).__name__}" if cause else None,
        "sqlstate": getattr(error, "sqlstate", None),
    }
    return {key: value for key, value in described.items() if value}
