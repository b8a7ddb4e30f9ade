"""Read the searched columns off a protobuf trace export request, without making spans of it. No I/O.

The sender waits for this, and most spans are looked at by nobody before their trace is complete. What is refused, and
where, is the same as when the request is decoded: the parser has judged every value, what is looked at here is read by
the same functions in the same order, and a span with anything rare in it is made whole. A test compares the two on
mutated requests.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import attrgetter
from typing import Any, NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from webhooks import attribute_keys as keys
from webhooks.attributes import first_text, text
from webhooks.operation import operation_of
from webhooks.otlp_fields import MAX_SPANS, STATUS_CODES, check_size, microseconds_of
from webhooks.otlp_protobuf import parent_id, parse, read_attributes, read_id, read_span, read_value
from webhooks.searched import Searched, SpanRow, TraceRow, searched, searched_or_none, span_row
from webhooks.trace import StatusCode

UNSET = StatusCode.UNSET.value
STATUS_VALUES = {code: status.value for code, status in STATUS_CODES.items()}
#: Attributes of a span that recorded an error, which is made whole to find out which.
OF_ERRORS = frozenset({keys.ERROR_TYPE, keys.EXCEPTION_TYPE})
#: Attributes that few spans of a trace have.
OF_CONVERSATIONS = frozenset({*keys.SESSION_KEYS, *keys.USER_KEYS, *keys.RELEASE_KEYS})
#: What `_found` looks at.
KEYS = frozenset({*keys.KIND_KEYS, keys.GEN_AI_TOOL_NAME}) | OF_CONVERSATIONS | OF_ERRORS

# A NamedTuple's own constructor would cost as much as all that is read of a span's own fields.
make = tuple.__new__

OLDEST_FIRST = attrgetter("row.started_at", "row.span_id")


class _Source(NamedTuple):
    """What sent a group of spans."""

    resource: dict[str, Any]
    service: str
    release: str | None


class _Found(NamedTuple):
    row: SpanRow
    source: _Source
    #: What the span's own attributes say.
    release: str | None


def search(body: bytes) -> Searched:
    """Return the rows of the spans of an ExportTraceServiceRequest.

    Raises
    ------
    Undecodable
        When and as `webhooks.otlp.decode` does.

    """
    found = list(islice(_read(body), MAX_SPANS + 1))
    check_size(len(found), name="spans in a request", limit=MAX_SPANS)
    by_trace: dict[str, list[_Found]] = defaultdict(list)
    for item in found:
        by_trace[item.row.trace_id].append(item)
    return Searched([item.row for item in found], [_trace_row(members) for members in by_trace.values()])


def _read(body: bytes) -> Iterator[_Found]:
    for resource_spans in parse(body).resource_spans:
        source = _source(read_attributes(resource_spans.resource.attributes))
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield _found(span, source)


def _source(resource: dict[str, Any]) -> _Source:
    service = searched(text(resource.get(keys.SERVICE_NAME)) or "")
    return _Source(resource=resource, service=service, release=first_text(resource, keys.RELEASE_KEYS))


def _found(span: trace_pb2.Span, source: _Source) -> _Found:
    started_at = microseconds_of(span.start_time_unix_nano, name="start_time_unix_nano")
    if span.events:
        return _whole(span, source)
    trace_id, span_id = read_id(span.trace_id, name="trace_id"), read_id(span.span_id, name="span_id", n_bytes=8)
    # Each look at a field makes a new object of it, so each field is looked at once.
    end_ns, parent = span.end_time_unix_nano, span.parent_span_id
    parent_span_id = parent_id(parent) if parent else None
    ended_at = microseconds_of(end_ns, name="end_time_unix_nano") if end_ns else None
    attributes = _wanted(span.attributes)
    if not OF_ERRORS.isdisjoint(attributes):
        return _whole(span, source)
    session_id = user_id = release = None
    if not OF_CONVERSATIONS.isdisjoint(attributes):
        session_id = searched_or_none(first_text(attributes, keys.SESSION_KEYS))
        user_id = searched_or_none(first_text(attributes, keys.USER_KEYS))
        release = first_text(attributes, keys.RELEASE_KEYS)
    row = make(
        SpanRow,
        (
            trace_id,
            span_id,
            parent_span_id,
            searched(span.name),
            operation_of(attributes)._value_,
            source.service,
            started_at,
            ended_at,
            STATUS_VALUES.get(span.status.code, UNSET),
            None,
            session_id,
            user_id,
        ),
    )
    return make(_Found, (row, source, release))


def _wanted(items: Sequence[KeyValue]) -> dict[str, Any]:
    """Return the attributes that a column is read from; the others, which hold whole conversations, stay unread."""
    check_size(len(items), name="attributes in one place")
    return {key: (value := item.value).string_value or read_value(value) for item in items if (key := item.key) in KEYS}


def _whole(span: trace_pb2.Span, source: _Source) -> _Found:
    read = read_span(span, resource=source.resource, scope="")
    return _Found(span_row(read), source, first_text(read.attributes, keys.RELEASE_KEYS))


def _trace_row(members: Iterable[_Found]) -> TraceRow:
    """Return the row of a trace, as `webhooks.searched.rows_of` does."""
    latest = {item.row.span_id: item for item in members}
    ordered = sorted(latest.values(), key=OLDEST_FIRST)
    root = next((item for item in ordered if item.row.parent_span_id not in latest), ordered[0])
    rows = [root.row, *(item.row for item in ordered)]
    release = root.source.release or _first(item.release for item in (root, *ordered))
    return TraceRow(
        root.row.trace_id,
        root.source.service,
        _first(row.session_id for row in rows),
        _first(row.user_id for row in rows),
        searched_or_none(release),
        ordered[0].row.started_at,
        any(row.parent_span_id is None and row.ended_at is not None for row in rows),
    )


def _first(texts: Iterable[str | None]) -> str | None:
    return next(filter(None, texts), None)
