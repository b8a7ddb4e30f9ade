"""A trace as every tracer's dialect is read into it: spans with OpenTelemetry's names."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

#: What a record completes when it belongs to the trace's root, whichever span that turns out to be.
ROOT = "root"
#: Begins the trace_id of a record that names no trace but a model's answer, whose gen_ai.response.id follows.
RESPONSE = "response:"
#: Begins the trace_id of a record that belongs to no trace at all; what told of it follows.
SIGNAL = "signal:"
RESPONSE_ID = "gen_ai.response.id"


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
    #: The span that this record is a piece of: its id, ROOT, or RESPONSE and the id of the answer that it got; None for
    #: a span that came whole. Some sources send a span's start, its end and its feedback apart and in any order: each
    #: is kept as a record with a span_id of its own.
    completes: str | None = None
    #: Records that this span was put together from.
    n_records: int = 1
    #: What `webhooks.reading` has read of the span so far; a changed copy begins anew.
    readings: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """All spans kept so far of one run of an agent, oldest first."""

    trace_id: str
    spans: tuple[Span, ...]

    @classmethod
    def from_spans(cls, spans: Sequence[Span]) -> Self:
        """Build the trace of `spans`, which share one trace_id; a span id that comes twice is kept once.

        Records that complete a span are united with it, in whatever order they are given; those that name a model's
        answer belong to the span that got it.

        Raises
        ------
        ValueError
            When `spans` is empty or holds more than one trace_id.

        """
        named = {span.trace_id for span in spans}
        ids = {trace_id for trace_id in named if not trace_id.startswith(RESPONSE)} or named
        if len(ids) != 1:
            msg = f"a trace needs spans of exactly one trace_id, got {len(ids)}"
            raise ValueError(msg)
        latest = {span.span_id: span for span in spans}
        trace_id = ids.pop()
        return cls(trace_id=trace_id, spans=tuple(_oldest_first(_completed(_addressed(latest.values(), trace_id)))))

    @property
    def root(self) -> Span:
        """The span whose parent is not in the trace; the oldest of them when there are several."""
        return _root(self.spans)

    @property
    def n_records(self) -> int:
        """Records that the trace was put together from; at least as many as it has spans."""
        return sum(span.n_records for span in self.spans)

    def span(self, span_id: str) -> Span | None:
        """Return the span with this id, or None."""
        return next((span for span in self.spans if span.span_id == span_id), None)


def _oldest_first(spans: Iterable[Span]) -> list[Span]:
    return sorted(spans, key=lambda span: (span.start, span.span_id))


def _root(spans: Sequence[Span]) -> Span:
    known = {span.span_id for span in spans}
    return next((span for span in spans if span.parent_span_id not in known), spans[0])


def _addressed(records: Collection[Span], trace_id: str) -> Iterable[Span]:
    """Return the records with those that name a model's answer now naming the span that got it, or the root."""
    if not any(record.completes and record.completes.startswith(RESPONSE) for record in records):
        return records
    answered = {
        f"{RESPONSE}{record.attributes[RESPONSE_ID]}": record.completes or record.span_id
        for record in records
        if RESPONSE_ID in record.attributes
    }
    return [
        replace(record, trace_id=trace_id, completes=answered.get(record.completes, ROOT))
        if record.completes and record.completes.startswith(RESPONSE)
        else record
        for record in records
    ]


def _completed(records: Iterable[Span]) -> list[Span]:
    """Return the spans that the records are pieces of."""
    pieces: dict[str, list[Span]] = defaultdict(list)
    for record in records:
        pieces[record.completes or record.span_id].append(record)
    of_root = pieces.pop(ROOT, [])
    spans = _oldest_first(_united(span_id, found) for span_id, found in pieces.items())
    if not of_root:
        return spans
    if not spans:
        return [_united(ROOT, of_root)]
    root = _root(spans)
    return [*(span for span in spans if span is not root), _united(root.span_id, [root, *of_root])]


def _united(span_id: str, records: Sequence[Span]) -> Span:
    """Return one span with what all its records say; where they differ, the one that ended later is right."""
    if len(records) == 1 and records[0].completes is None:
        return records[0]
    ordered = sorted(records, key=_version)
    last = ordered[-1]
    ends = [record.end for record in ordered if record.end is not None]
    failed = [record for record in ordered if record.status is StatusCode.ERROR]
    decisive = failed[-1] if failed else next((item for item in ordered[::-1] if item.status is StatusCode.OK), last)
    return replace(
        last,
        span_id=span_id,
        parent_span_id=next((record.parent_span_id for record in ordered if record.parent_span_id), None),
        name=next((record.name for record in ordered if record.name), ""),
        kind=ordered[0].kind,
        start=min(record.start for record in ordered),
        end=max(ends, default=None),
        status=decisive.status,
        status_message=decisive.status_message,
        attributes={key: value for record in ordered for key, value in record.attributes.items()},
        events=_events(ordered),
        resource={key: value for record in ordered for key, value in record.resource.items()},
        scope=next((record.scope for record in ordered if record.scope), ""),
        completes=None,
        n_records=sum(record.n_records for record in ordered),
    )


def _version(record: Span) -> tuple[bool, bool, datetime, str]:
    """Order the records of a span: the whole span, then what was sent before its end, then by end."""
    return record.completes is not None, record.end is not None, record.end or record.start, record.span_id


def _events(records: Iterable[Span]) -> tuple[Event, ...]:
    """Return the events of all records, oldest first; one that several records repeat comes once."""
    found: list[Event] = []
    for record in records:
        found += [event for event in record.events if event not in found]
    return tuple(sorted(found, key=lambda event: event.time))
