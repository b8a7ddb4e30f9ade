"""Searched: the columns by which spans and traces are found again, read off once, when they arrive.

They are an interface: docs/searched-columns.md says what each holds. All else of a span stays in its batch's body, from
which these can be read again at any time. Rows are tuples, because the sender waits while thousands are made.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from webhooks import attribute_keys, semconv
from webhooks.attributes import first_text
from webhooks.trace import RESPONSE, SIGNAL, Span, Trace

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# PostgreSQL refuses index entries above 2,704 bytes; the longest key holds three texts of up to 4 bytes a character.
LONGEST_SEARCHED = 200
# What these begin belongs to no trace, or to none yet.
NO_TRACES = (RESPONSE, SIGNAL)


class SpanRow(NamedTuple):
    """What a span is searched by. Texts are `searched`."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    operation: str
    service: str
    #: Microseconds since 1970, UTC.
    started_at: int
    ended_at: int | None
    status: str
    error_type: str | None
    session_id: str | None
    user_id: str | None


class TraceRow(NamedTuple):
    """What a trace is searched by, as far as one batch knows it. Texts are `searched`."""

    trace_id: str
    service: str
    session_id: str | None
    user_id: str | None
    release: str | None
    #: Microseconds since 1970, UTC.
    started_at: int
    #: Whether a span without a parent has ended.
    root_ended: bool


@dataclass(frozen=True, slots=True)
class Searched:
    """The rows of one batch."""

    #: In the order of the batch's spans.
    spans: Sequence[SpanRow] = ()
    #: Each trace once; none for spans that belong to no trace, or to none yet.
    traces: Sequence[TraceRow] = ()


def rows_of(spans: Iterable[Span]) -> Searched:
    """Return the rows of the spans of one batch."""
    by_trace: dict[str, list[Span]] = defaultdict(list)
    rows: list[SpanRow] = []
    for span in spans:
        by_trace[span.trace_id].append(span)
        rows.append(span_row(span))
    traces = (members for trace_id, members in by_trace.items() if not trace_id.startswith(NO_TRACES))
    return Searched(rows, [_trace_row(Trace.from_spans(members)) for members in traces])


def microseconds(moment: datetime) -> int:
    """Return microseconds since 1970, which sort and subtract alike in every database."""
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def searched(text: str) -> str:
    """Return a trace's text as a column to search by: short, and without what PostgreSQL or UTF-8 cannot hold.

    The text in full is in the raw batch. NUL and lone surrogates are legal in JSON strings.
    """
    short = text[:LONGEST_SEARCHED]
    if short.isascii() and "\0" not in short:
        return short
    return short.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def searched_or_none(text: str | None) -> str | None:
    """Return `searched(text)`, None for None."""
    return None if text is None else searched(text)


def span_row(span: Span) -> SpanRow:
    """Return the row of a span."""
    attributes = span.attributes
    return SpanRow(
        searched(span.trace_id),
        searched(span.span_id),
        searched_or_none(span.parent_span_id),
        searched(span.name),
        semconv.operation(span).value,
        searched(semconv.service_name(span)),
        microseconds(span.start),
        None if span.end is None else microseconds(span.end),
        span.status.value,
        searched_or_none(semconv.error_type(span)),
        searched_or_none(first_text(attributes, attribute_keys.SESSION_KEYS)),
        searched_or_none(first_text(attributes, attribute_keys.USER_KEYS)),
    )


def _trace_row(trace: Trace) -> TraceRow:
    return TraceRow(
        searched(trace.trace_id),
        searched(semconv.service_name(trace)),
        searched_or_none(semconv.session_id(trace)),
        searched_or_none(semconv.user_id(trace)),
        searched_or_none(semconv.release(trace)),
        microseconds(trace.spans[0].start),
        any(span.parent_span_id is None and span.end is not None for span in trace.spans),
    )
