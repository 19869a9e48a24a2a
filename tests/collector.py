"""A collector that keeps what it is told: OTLP over HTTP, as protobuf."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True, slots=True)
class Told:
    """A span, and the service that told it."""

    service: str
    span: Span

    @property
    def trace_id(self) -> str:
        return self.span.trace_id.hex()

    @property
    def attributes(self) -> dict[str, Any]:
        return texts(self.span.attributes)


def texts(attributes: Any) -> dict[str, str]:
    """Attributes of text, by their keys."""
    return {pair.key: pair.value.string_value for pair in attributes}


@dataclass
class Collector:
    """Requests as they came, by their path."""

    endpoint: str = ""
    taken: dict[str, list[bytes]] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def listening(cls, port: int = 0) -> Iterator["Collector"]:
        """Takes what is told until the end."""
        collector = cls()

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.taken.setdefault(self.path, []).append(body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", port), Receiver)
        collector.endpoint = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def spans(self) -> list[Told]:
        """Every span so far."""
        found = []
        for body in [*self.taken.get("/v1/traces", ())]:
            for told in ExportTraceServiceRequest.FromString(body).resource_spans:
                service = _service(told.resource.attributes)
                found += [Told(service, span) for part in told.scope_spans for span in part.spans]
        return found

    def metrics(self) -> list[Metric]:
        """Every metric in every request so far."""
        return [
            metric
            for body in [*self.taken.get("/v1/metrics", ())]
            for told in ExportMetricsServiceRequest.FromString(body).resource_metrics
            for part in told.scope_metrics
            for metric in part.metrics
        ]


def _service(attributes: list[KeyValue]) -> str:
    return texts(attributes)["service.name"]
