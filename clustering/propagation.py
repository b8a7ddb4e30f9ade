"""How an error travels from the span that raised it up to the spans that failed because of it."""

from collections.abc import Iterator
from datetime import datetime

from clustering.span_outcome import error_message, error_name, failed
from clustering.span_tree import SpanTree
from webhooks import semconv
from webhooks.trace import Span


def escaped(tree: SpanTree, span: Span) -> bool:
    """Say whether the failure of `span` broke the span around it."""
    return failed(span) and next(consequences(tree, span), None) is not None


def consequences(tree: SpanTree, span: Span) -> Iterator[Span]:
    """Yield the ancestors that failed because `span` did, up to the first that held the error back."""
    below = span
    for above in tree.ancestors(span):
        if not failed(above) or not _caused(tree, span, below=below, above=above):
            return
        yield above
        below = above


def _caused(tree: SpanTree, span: Span, *, below: Span, above: Span) -> bool:
    """Say whether `above` reports the error of `span`: the same, unnamed, wrapping it, or right after it."""
    name = error_name(above)
    if not name or (name, error_message(above)) == (error_name(span), error_message(span)):
        return True
    exception = semconv.exception(above)
    if exception is not None and error_name(span) and f"{error_name(span)}:" in exception.stacktrace:
        return True  # Python prints the exceptions that another one was raised from
    latest = tree.once("latest child that went well", _latest_well).get(below.parent_span_id)
    return latest is None or latest < (below.end or below.start)


def _latest_well(tree: SpanTree) -> dict[str | None, datetime]:
    """Return, by parent, when the last child that did not fail began."""
    latest: dict[str | None, datetime] = {}
    for span in tree.trace.spans:
        if not failed(span):
            parent = span.parent_span_id
            latest[parent] = max(span.start, latest.get(parent, span.start))
    return latest
