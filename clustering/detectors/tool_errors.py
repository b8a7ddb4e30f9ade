"""Tool calls that failed and were left at that."""

from collections.abc import Iterable
from dataclasses import dataclass

from clustering.failure import Failure
from clustering.failure_at import failure_at, one_line
from clustering.propagation import escaped
from clustering.recovery import succeeded_later
from clustering.span_outcome import is_tool, tool_error
from clustering.span_tree import SpanTree
from webhooks import semconv
from webhooks.trace import Span, Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolErrors:
    """A tool raised, or returned its error as text or as JSON; keyed by the tool's name.

    Not a failure when the same tool succeeded later in the trace: the model read the error and got over it. Of
    several failed calls of one tool that say the same, the last is the anchor. An exception that also broke the span
    around the tool is left to the error detector: there the harness failed, not only the tool.
    """

    name: str = "tool_error"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield the tool errors that the run did not get over."""
        tree = SpanTree(trace)
        last: dict[tuple[str, str], Span] = {}
        for span in trace.spans:
            error = tool_error(span) if is_tool(span) else None
            if error is not None and not escaped(tree, span) and not succeeded_later(tree, span):
                last[_tool(span), error] = span
        for (tool, error), span in last.items():
            yield failure_at(
                trace,
                span,
                detector=self.name,
                key=tool,
                message=error,
                reason=f"The tool {one_line(tool)} fails, and no later call of it succeeds.",
            )


def _tool(span: Span) -> str:
    return semconv.tool_name(span) or span.name
