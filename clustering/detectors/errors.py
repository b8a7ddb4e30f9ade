"""Errors that broke something: an error status, a recorded exception, an error.type."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from clustering.failure import Failure
from clustering.failure_at import failure_at
from clustering.propagation import consequences, escaped
from clustering.recovery import call_kind, recovered
from clustering.site import site
from clustering.span_outcome import error_message, error_name, failed, is_tool
from clustering.span_tree import SpanTree
from webhooks import semconv
from webhooks.semconv import Operation
from webhooks.trace import Span, Trace

SOURCES = {
    Operation.LLM: "from the model provider",
    Operation.EMBEDDING: "from the embedding provider",
    Operation.RETRIEVER: "while retrieving documents",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """One failure per root cause, keyed by exception or error type.

    The failed span nearest to the cause is the anchor: spans above it that report the same or an unnamed error, an
    exception that wraps it, or nothing but its consequence, are not counted again. Of several attempts of one call the
    last is the anchor. An error that the run recovered from (`clustering.recovery`) is no failure, and a tool's error
    that did not leave the tool belongs to the tool-error detector.
    """

    name: str = "error"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield the errors that the run did not recover from."""
        tree = SpanTree(trace)
        causes: dict[object, Span] = {}
        for span in _root_causes(tree):
            causes[span.parent_span_id, call_kind(span), error_name(span)] = span
        for span in causes.values():
            yield self._failure(tree, span)

    def _failure(self, tree: SpanTree, span: Span) -> Failure:
        key = error_name(span) or "error"
        ended = tree.root is not None and failed(tree.root)
        effect = "ends the conversation" if ended else "goes unanswered"
        return failure_at(
            tree.trace,
            span,
            detector=self.name,
            key=key,
            message=error_message(span),
            reason=f"{key} {_source(span)} {effect}.",
        )


def _root_causes(tree: SpanTree) -> Iterator[Span]:
    broken = [span for span in tree.trace.spans if failed(span)]
    explained = {above.span_id for span in broken for above in consequences(tree, span)}
    for span in broken:
        contained = is_tool(span) and not escaped(tree, span)
        if span.span_id not in explained and not contained and not recovered(tree, span):
            yield span


def _source(span: Span) -> str:
    operation = semconv.operation(span)
    if operation is Operation.TOOL:
        return f"in the tool {semconv.tool_name(span) or span.name}"
    return SOURCES.get(operation) or f"in {site(span) or span.name or 'the agent'}"
