"""An agent that looks up again what it has been told."""

from collections.abc import Iterable
from dataclasses import dataclass

from clustering.conversation import tool_calls
from clustering.deeds import changes
from clustering.failure import Failure
from clustering.failure_at import failure_at, one_line
from clustering.span_outcome import tool_error
from clustering.turns import turn_numbers
from webhooks import semconv
from webhooks.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedReads:
    """The same call gave the same result twice, with other calls but no change in between; keyed by the tool's name.

    Two equal calls in a row may be a retry, and another request of a person may need another look. Calls without
    arguments or results are not judged: a clock, a poll.
    """

    name: str = "no_progress"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield one failure per tool, at the first call that was needless."""
        known: dict[tuple[str, str, int], tuple[int, str]] = {}
        turns = turn_numbers(trace)
        reported: set[str] = set()
        for at, span in enumerate(tool_calls(trace)):
            if changes(span):
                known.clear()
                continue
            tool, arguments = semconv.tool_name(span) or span.name, (semconv.tool_arguments(span) or "").strip()
            result = (semconv.tool_result(span) or "").strip()
            if tool_error(span) is not None or not result or arguments in {"", "{}", "null"}:
                continue
            call = (tool, arguments, turns[span.span_id])
            before, same = known.get(call, (at, ""))
            if at > before + 1 and same == result and tool not in reported:
                reported.add(tool)
                yield failure_at(
                    trace,
                    span,
                    detector=self.name,
                    key=tool,
                    message=f"{tool}({arguments})",
                    reason=f"The agent asks {one_line(tool)} again for what it was told before.",
                )
            known[call] = at, result
