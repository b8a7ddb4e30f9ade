"""Rules of the user's own that a run broke."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from clustering.constraints import rule_checks
from clustering.failure import Failure
from clustering.failure_at import failure_at
from clustering.rule import Rule
from webhooks import semconv
from webhooks.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenPolicies:
    """A guarded tool did its work although a rule forbids it; keyed by the rule's name.

    A guarded tool that refused, with an error, did no harm and breaks no rule.
    """

    rules: Sequence[Rule]
    name: str = "policy"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield each broken rule once, at the first call that broke it."""
        for rule in self.rules:
            check = next((check for check in rule_checks(trace, rule) if not check.held), None)
            span = trace.span(check.span_id) if check else None
            if check and span:
                yield failure_at(
                    trace,
                    span,
                    detector=self.name,
                    key=rule.name,
                    message=f"{semconv.tool_name(span) or ''}({semconv.tool_arguments(span) or ''})",
                    reason=check.why,
                )
