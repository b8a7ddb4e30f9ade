"""Make a Failure at a span: who ran, for whom, in which release."""

import re

from clustering.failure import Failure
from webhooks import semconv
from webhooks.trace import Span, Trace

MAX_KEY = 80
MAX_MESSAGE = 4_000  # the span keeps the rest

UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\s]+")


def failure_at(trace: Trace, span: Span, *, detector: str, key: str, message: str, reason: str) -> Failure:
    """Build the failure that `span` shows; `key` and `reason` become single lines, long texts are cut."""
    return Failure(
        trace_id=trace.trace_id,
        span_id=span.span_id,
        detector=detector,
        key=one_line(key),
        message=message[:MAX_MESSAGE],
        reason=UNPRINTABLE.sub(" ", reason).strip(),
        occurred_at=span.end or span.start,
        service=semconv.service_name(span) or semconv.service_name(trace) or "",
        session_id=semconv.session_id(trace),
        user_id=semconv.user_id(trace),
        release=semconv.release(trace),
    )


def one_line(text: str, *, limit: int = MAX_KEY) -> str:
    """Return a name from a trace as one short printable line."""
    return UNPRINTABLE.sub(" ", text[: limit * 4]).strip()[:limit]
