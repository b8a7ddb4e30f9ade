"""Calls of tools that do not exist."""

from collections.abc import Iterable
from dataclasses import dataclass

from clustering.failure import Failure
from clustering.failure_at import failure_at, one_line
from clustering.tool_schema import declared_calls
from webhooks.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownTools:
    """The model called a tool that the same request did not declare; keyed by the name that it made up.

    Requests that declare no tools are not judged: their tracer may not record them.
    """

    name: str = "unknown_tool"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield one failure per made-up name, at the first call of it."""
        named: set[str] = set()
        for declared in declared_calls(trace):
            tool = declared.call.name
            if declared.parameters is None and tool not in named:
                named.add(tool)
                yield failure_at(
                    trace,
                    declared.span,
                    detector=self.name,
                    key=tool,
                    message=tool,
                    reason=f"The model calls {one_line(tool)}, which is not among the tools that it was offered.",
                )
