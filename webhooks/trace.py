"""A trace as every tracer's dialect is read into it: spans with OpenTelemetry's names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self


class StatusCode(StrEnum):
    """https://opentelemetry.io/docs/specs/otel/trace/api/#set-status."""

    UNSET = "unset"
    OK = "ok"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at one moment within a span, such as an exception."""

    name: str
    #: Aware, UTC.
    time: datetime
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One operation of a trace. Attribute values are JSON values: str, int, float, bool, list, dict or None."""

    #: 32 lowercase hex digits where the source is OpenTelemetry; another source's own id otherwise.
    trace_id: str
    #: 16 lowercase hex digits where the source is OpenTelemetry.
    span_id: str
    parent_span_id: str | None = None
    name: str
    #: OpenTelemetry's span kind, lowercase: internal, server, client, producer, consumer.
    kind: str = "internal"
    #: Aware, UTC.
    start: datetime
    #: Aware, UTC; None while the span has not ended.
    end: datetime | None = None
    status: StatusCode = StatusCode.UNSET
    status_message: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    #: Attributes of what produced the span: service.name, service.version, telemetry.sdk.name.
    resource: Mapping[str, Any] = field(default_factory=dict)
    #: Name of the instrumentation scope.
    scope: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """All spans kept so far of one run of an agent, oldest first."""

    trace_id: str
    spans: tuple[Span, ...]

    @classmethod
    def from_spans(cls, spans: Sequence[Span]) -> Self:
        """Build the trace of `spans`, which share one trace_id; a span id that comes twice is kept once.

        Raises
        ------
        ValueError
            When `spans` is empty or holds more than one trace_id.

        """
        ids = {span.trace_id for span in spans}
        if len(ids) != 1:
            msg = f"a trace needs spans of exactly one trace_id, got {len(ids)}"
            raise ValueError(msg)
        latest = {span.span_id: span for span in spans}
        ordered = sorted(latest.values(), key=lambda span: (span.start, span.span_id))
        return cls(trace_id=ids.pop(), spans=tuple(ordered))

    @property
    def root(self) -> Span:
        """The span whose parent is not in the trace; the oldest of them when there are several."""
        known = {span.span_id for span in self.spans}
        return next((span for span in self.spans if span.parent_span_id not in known), self.spans[0])

    def span(self, span_id: str) -> Span | None:
        """Return the span with this id, or None."""
        return next((span for span in self.spans if span.span_id == span_id), None)
