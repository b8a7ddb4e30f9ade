"""When a run got over an error by itself."""

from datetime import datetime

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
    latest = tree.once("latest success", _latest_success).get(_group(span))
    return latest is not None and latest >= (span.end or span.start)


def _latest_success(tree: SpanTree) -> dict[object, datetime]:
    """Return when the last call of each kind that succeeded began: found once, since every failed span asks."""
    latest: dict[object, datetime] = {}
    for span in tree.trace.spans:
        if _succeeded(span):
            group = _group(span)
            latest[group] = max(span.start, latest.get(group, span.start))
    return latest


def _group(span: Span) -> object:
    """Return what calls must share to make up for each other."""
    kind = call_kind(span)
    if kind[0] is not Operation.TOOL:
        return kind, span.parent_span_id
    subject, by, _ = kind[1].partition("_by_")  # another way to look up the same thing
    return (subject, by) if by else kind


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
