"""An agent that guesses at a tool until a guess is accepted."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from clustering.conversation import tool_calls
from clustering.deeds import READS
from clustering.failure import Failure
from clustering.failure_at import failure_at, one_line
from clustering.span_outcome import tool_error
from webhooks import semconv
from webhooks.trace import Span, Trace

CHANGES = 2  # one refused change is a slip that the error text mends
LOOKUPS = 3  # looking for something in two wrong places is a search


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialAndError:
    """A tool refused several calls of one run, whatever came of it in the end; keyed by the tool's name.

    Runs of the harness's own for one call of the model count once.
    """

    name: str = "trial_and_error"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield one failure per tool, at the last call that was refused."""
        refused: dict[str, dict[str, Span]] = defaultdict(dict)
        for span in tool_calls(trace):
            if tool_error(span) is not None:
                arguments = semconv.tool_arguments(span) or ""
                refused[semconv.tool_name(span) or span.name][arguments] = span
        for tool, calls in refused.items():
            if len(calls) >= (LOOKUPS if READS.match(tool) else CHANGES):
                last = list(calls.values())[-1]
                yield failure_at(
                    trace,
                    last,
                    detector=self.name,
                    key=tool,
                    message=tool_error(last) or "",
                    reason=f"The tool {one_line(tool)} refuses one call after another.",
                )
