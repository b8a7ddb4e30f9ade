"""Refusals of a model's provider, by class, whatever the client library calls them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from clustering.conversation import chat_calls
from clustering.failure import Failure
from clustering.failure_at import failure_at
from clustering.recovery import recovered
from clustering.span_outcome import error_in, error_message, error_name, failed
from clustering.span_tree import SpanTree
from webhooks import semconv
from webhooks.attributes import first, integer
from webhooks.trace import Span, Trace

#: Class of the refusal -> what its error says, and the sentence. What is tried first wins: a request that is too long
#: is refused with 400 as well, and some providers answer it with 429.
CLASSES: dict[str, tuple[re.Pattern[str], str]] = {
    key: (re.compile(pattern, re.IGNORECASE), sentence)
    for key, pattern, sentence in (
        (
            "context_length",
            r"context.?(?:length|window)|maximum context|prompt is too long|too many (?:input )?tokens",
            "The provider refuses the request because it is longer than the model's context.",
        ),
        (
            "content_filter",
            r"content.?(?:filter|policy|management)|safety (?:system|settings)|ResponsibleAI",
            "The provider's content filter refuses the request or its answer.",
        ),
        (
            "authentication",
            r"\b(?:401|403)\b|authenticat|unauthori[sz]ed|invalid.{0,20}api.?key|permission.?denied",
            "The provider refuses the credentials.",
        ),
        (
            "rate_limit",
            r"\b429\b|rate.?limit|too many requests|quota|resource.?exhausted|throttl",
            "The provider refuses the request because of its rate limit or quota.",
        ),
        (
            "timeout",
            r"\b(?:408|504)\b|time[d\-_ ]?.?out|deadline.?exceeded",
            "The provider does not answer in time.",
        ),
        (
            "server_error",
            r"\b5\d\d\b|overloaded|service.?unavailable|internal.?server|bad gateway|server_error",
            "The provider fails with an error of its own.",
        ),
    )
}
STATUS_KEYS = ("http.response.status_code", "http.status_code")
MAX_TEXT = 2_000
REFUSED = 400
FILTERED = frozenset({"content_filter", "safety", "recitation", "prohibited_content", "refusal"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderErrors:
    """A call to a model was refused, and the run did not get over it; keyed by the class of the refusal.

    An answer that was withheld by a content filter counts although its call ended well.
    """

    name: str = "provider_error"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield one failure per class, at the last call that was refused."""
        tree = SpanTree(trace)
        last = {key: span for span in chat_calls(trace) if (key := _refusal(span)) and not recovered(tree, span)}
        for key, span in last.items():
            message = _said(span) or "; ".join(semconv.finish_reasons(span))
            yield failure_at(trace, span, detector=self.name, key=key, message=message, reason=CLASSES[key][1])


def _refusal(span: Span) -> str | None:
    """Return the class of the refusal; None when the call was answered, or refused for a reason that is in no class."""
    if FILTERED & set(semconv.finish_reasons(span)):
        return "content_filter"
    said = f"{_status(span)} {_said(span)}"[:MAX_TEXT].strip()
    return next((key for key, (pattern, _) in CLASSES.items() if said and pattern.search(said)), None)


def _status(span: Span) -> str:
    """Return the HTTP status of a refusal, or ""."""
    status = integer(first(span.attributes, STATUS_KEYS))
    return str(status) if status is not None and status >= REFUSED else ""


def _said(span: Span) -> str:
    """Return what a call says of its failure, or the error object that a gateway gave for an answer."""
    if failed(span):
        return f"{error_name(span)} {error_message(span)} {span.status_message}"
    answer = semconv.output_value(span) or ""
    return (error_in(answer) or "") if answer.lstrip().startswith('{"error"') else ""
