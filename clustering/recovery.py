"""When a run got over an error by itself."""

from clustering.span_outcome import failed, tool_error
from clustering.span_tree import SpanTree
from webhooks import semconv
from webhooks.semconv import Operation
from webhooks.trace import Span


def recovered(tree: SpanTree, span: Span) -> bool:
    """Say whether a later call of the same kind succeeded and the trace's root did not fail."""
    root = tree.root
    return root is not None and not failed(root) and succeeded_later(tree, span)


def succeeded_later(tree: SpanTree, span: Span) -> bool:
    """Say whether a call of the same kind, begun after `span` ended, succeeded.

    A tool is looked for in the whole trace, since a model may ask for it again from another step; any other call
    among the siblings, where a retry is made.
    """
    kind = call_kind(span)
    candidates = tree.trace.spans if kind[0] is Operation.TOOL else tree.siblings(span)
    later = (other for other in candidates if other is not span and other.start >= (span.end or span.start))
    return any(call_kind(other) == kind and _succeeded(other) for other in later)


def call_kind(span: Span) -> tuple[Operation, str]:
    """Return what makes two calls the same kind: the tool, the operation, or the span's name where it has neither."""
    operation = semconv.operation(span)
    if operation is Operation.TOOL:
        return operation, semconv.tool_name(span) or span.name
    return operation, span.name if operation is Operation.OTHER else ""


def _succeeded(span: Span) -> bool:
    if semconv.operation(span) is Operation.TOOL:
        return tool_error(span) is None
    return not failed(span)
