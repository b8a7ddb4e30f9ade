"""An agent that goes round in circles."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from clustering.conversation import tool_calls
from clustering.failure import Failure
from clustering.failure_at import failure_at, one_line
from clustering.turns import turn_numbers
from webhooks import semconv
from webhooks.trace import Span, Trace

ROUNDS = 3  # A-B-A-B may be a check and its repetition; three rounds are a circle
PERIODS = (2, 3)  # a period of one is a repeated call

Step = tuple[str, str, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loops:
    """Two or three calls in turn, again and again, with the same arguments and results; keyed by the tools' names."""

    name: str = "loop"
    rounds: int = ROUNDS

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield the first circle, at its last step."""
        calls = tool_calls(trace)
        turns = turn_numbers(trace)
        steps = [_step(span, turns[span.span_id]) for span in calls]
        for period in PERIODS:
            end = _circle(steps, period, self.rounds)
            if end is not None:
                around = steps[end - period + 1 : end + 1]
                tools = ", ".join(sorted({one_line(tool) for tool, *_ in around}))
                yield failure_at(
                    trace,
                    calls[end],
                    detector=self.name,
                    key=tools,
                    message=" -> ".join(tool for tool, *_ in around),
                    reason=f"The agent goes in circles: {tools}, with the same arguments and results.",
                )
                return


def _step(span: Span, turn: int) -> Step:
    return (
        semconv.tool_name(span) or span.name,
        (semconv.tool_arguments(span) or "").strip(),
        (semconv.tool_result(span) or "").strip(),
        turn,
    )


def _circle(steps: Sequence[Step], period: int, rounds: int) -> int | None:
    """Return the position at which a circle of `period` different steps has been gone `rounds` times."""
    same = 0
    for at in range(period, len(steps)):
        same = same + 1 if steps[at] == steps[at - period] else 0
        if same == period * (rounds - 1) and len(set(steps[at - period + 1 : at + 1])) == period:
            return at
    return None
