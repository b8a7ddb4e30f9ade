"""Tool calls whose arguments break the tool's own JSON schema."""

from collections.abc import Iterable
from dataclasses import dataclass

from clustering.failure import Failure
from clustering.failure_at import failure_at, one_line
from clustering.tool_schema import DeclaredCall, arguments_violation, declared_calls
from webhooks.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidToolArguments:
    """The model's last call of a tool does not fit the schema that the request declared; keyed by the tool's name.

    A later call of the tool that fits makes up for it: the model saw its mistake.
    """

    name: str = "invalid_tool_arguments"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield one failure per tool, at the call to the model that made the last bad call."""
        last: dict[str, tuple[DeclaredCall, str | None]] = {}
        for declared in declared_calls(trace):
            if declared.parameters is not None:
                last[declared.call.name] = declared, arguments_violation(declared)
        for tool, (declared, violation) in last.items():
            if violation is not None:
                yield failure_at(
                    trace,
                    declared.span,
                    detector=self.name,
                    key=tool,
                    message=violation,
                    reason=f"The model calls {one_line(tool)} with arguments that its schema does not allow.",
                )
