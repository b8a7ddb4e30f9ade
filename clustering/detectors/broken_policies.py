"""Rules of the user's own: what must have succeeded before a tool may run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from clustering.conversation import tool_calls
from clustering.failure import Failure
from clustering.failure_at import failure_at, one_line
from clustering.span_outcome import tool_error
from webhooks import semconv
from webhooks.trace import Span, Trace


class Rule(Protocol):
    """Before `tool` runs, `requires` must have succeeded in the same trace."""

    @property
    def name(self) -> str:
        """The rule's name, which becomes the failure's key."""

    @property
    def tool(self) -> str:
        """The tool that the rule guards."""

    @property
    def requires(self) -> str:
        """The tool whose success it needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenPolicies:
    """A guarded tool did its work without the call that the rule requires; keyed by the rule's name.

    A guarded tool that refused, with an error, did no harm and breaks no rule.
    """

    rules: Sequence[Rule]
    name: str = "policy"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield each broken rule once, at the first call that broke it."""
        calls = [span for span in tool_calls(trace) if tool_error(span) is None]
        for rule in self.rules:
            if span := _first_break(rule, calls):
                yield failure_at(
                    trace,
                    span,
                    detector=self.name,
                    key=rule.name,
                    message=f"{rule.tool}({semconv.tool_arguments(span) or ''})",
                    reason=f"{one_line(rule.tool)} runs although {one_line(rule.requires)} has not succeeded before.",
                )


def _first_break(rule: Rule, succeeded: Sequence[Span]) -> Span | None:
    for span in succeeded:
        if semconv.tool_name(span) == rule.requires:
            return None
        if semconv.tool_name(span) == rule.tool:
            return span
    return None
