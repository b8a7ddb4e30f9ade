"""A receiver of OTLP/HTTP that keeps the spans in memory."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

ERROR = 2  # opentelemetry.proto.trace.v1.Status.StatusCode.STATUS_CODE_ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A span as it came over the wire."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    status: int
    attributes: Mapping[str, Any]
    #: (name, attributes) of each event.
    events: tuple[tuple[str, Mapping[str, Any]], ...]
    resource: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return str(self.attributes.get("openinference.span.kind", ""))

    @property
    def exceptions(self) -> list[Mapping[str, Any]]:
        return [attributes for name, attributes in self.events if name == "exception"]

    @property
    def request(self) -> dict[str, Any]:
        """The chat-completions request of an LLM span."""
        request: dict[str, Any] = json.loads(self.attributes["input.value"])
        return request


class Sink:
    """Listens on loopback while it is entered."""

    def __init__(self) -> None:
        self.spans: list[Seen] = []
        self.keys: set[str | None] = set()
        self._http = _HTTPServer(("127.0.0.1", 0), _Handler)
        self._http.sink = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def traces(self) -> dict[str, list[Seen]]:
        """Return the spans of each conversation by its session id, in the order of arrival."""
        sessions = {span.trace_id: span.attributes["session.id"] for span in self.spans if not span.parent_span_id}
        traces: dict[str, list[Seen]] = {session: [] for session in sessions.values()}
        for span in self.spans:
            traces[sessions[span.trace_id]].append(span)
        return traces

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True
    sink: Sink


class _Handler(BaseHTTPRequestHandler):
    server: _HTTPServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.sink.keys.add(self.headers.get("Authorization"))
        self.server.sink.spans += _decoded(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _decoded(request: ExportTraceServiceRequest) -> list[Seen]:
    return [
        Seen(
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_span_id=span.parent_span_id.hex(),
            name=span.name,
            status=span.status.code,
            attributes=_attributes(span.attributes),
            events=tuple((event.name, _attributes(event.attributes)) for event in span.events),
            resource=_attributes(resource_spans.resource.attributes),
        )
        for resource_spans in request.resource_spans
        for scope_spans in resource_spans.scope_spans
        for span in scope_spans.spans
    ]


def _attributes(pairs: Any) -> dict[str, Any]:  # noqa: ANN401  # protobuf's repeated KeyValue
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
