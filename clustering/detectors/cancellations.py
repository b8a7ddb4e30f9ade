"""Runs that somebody or something stopped."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from clustering.failure import Failure
from clustering.failure_at import failure_at
from clustering.span_outcome import error_message, error_name, failed
from webhooks import semconv
from webhooks.trace import Span, Trace

STOPPED = re.compile(
    r"cancell?ed(?:error)?|cancell?ation|abort(?:ed|error)?|interrupt(?:ed)?|keyboardinterrupt", re.IGNORECASE
)
STATUS_KEYS = ("status", "run.status", "gen_ai.run.status", "langsmith.run.status")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellations:
    """A run, or a step that the run did not go on from, was cancelled; the key is "cancelled"."""

    name: str = "cancelled"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield at most one failure, at the last span that was cancelled."""
        stopped = [span for span in trace.spans if _cancelled(span)]
        if stopped and (_cancelled(trace.root) or stopped[-1] is trace.spans[-1]):
            yield failure_at(
                trace,
                stopped[-1],
                detector=self.name,
                key="cancelled",
                message=error_message(stopped[-1]),
                reason="The run is cancelled before it ends by itself.",
            )


def _cancelled(span: Span) -> bool:
    told = [*semconv.finish_reasons(span), *(span.attributes.get(key) for key in STATUS_KEYS)]
    if failed(span):
        told += [error_name(span), span.status_message.strip()]
    return any(isinstance(word, str) and STOPPED.fullmatch(word) for word in told)
