"""Attempts that were given up."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from clustering.failure import Failure
from clustering.failure_at import failure_at
from clustering.recovery import recovered
from clustering.span_outcome import error_message, error_name, failed
from clustering.span_tree import SpanTree
from webhooks import semconv
from webhooks.trace import Span, Trace

GIVEN_UP = re.compile(
    r"max(?:imum)?[ _\-]?(?:number of )?retr(?:y|ies)\b.{0,30}(?:exceeded|reached|exhausted)"
    r"|(?:retries|attempts)\s(?:were\s|are\s)?exhausted|(?:too many|out of) retries"
    r"|(?:giving|gave) up (?:after|retrying)|after \d{1,4} (?:attempts|retries|tries)\b",
    re.IGNORECASE,
)
MAX_NOTICE = 500  # a longer text that speaks of retries speaks of something else


@dataclass(frozen=True, slots=True, kw_only=True)
class ExhaustedRetries:
    """A span says that it tried again and gave up, by its error, an event or its result; the key is "retries"."""

    name: str = "exhausted_retries"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield at most one failure, at the first span that says so and was not made up for."""
        tree = SpanTree(trace)
        for span in trace.spans:
            notice = next((text for text in _notices(span) if GIVEN_UP.search(text[:MAX_NOTICE])), None)
            if notice is not None and not recovered(tree, span):
                yield failure_at(
                    trace,
                    span,
                    detector=self.name,
                    key="retries",
                    message=notice,
                    reason="All attempts failed, and the run gave up.",
                )
                return


def _notices(span: Span) -> Iterator[str]:
    if failed(span):
        yield f"{error_name(span)} {error_message(span)}"
    yield from (event.name for event in span.events)
    result = semconv.tool_result(span)
    if result is not None and len(result) <= MAX_NOTICE:
        yield result
