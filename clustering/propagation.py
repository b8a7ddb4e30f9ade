"""How an error travels from the span that raised it up to the spans that failed because of it."""

from collections.abc import Iterator

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
    after = (other for other in tree.siblings(below) if other.start >= (below.end or below.start))
    return not any(not failed(other) for other in after)
