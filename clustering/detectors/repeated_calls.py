"""An agent that asks for the same thing again and again."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from clustering.conversation import tool_calls
from clustering.failure import Failure
from clustering.failure_at import failure_at, one_line
from clustering.turns import turn_numbers
from webhooks import semconv
from webhooks.trace import Span, Trace

REPEATS = 3  # two can be a retry; three is a habit
MAX_JSON = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedCalls:
    """The model called one tool with the same arguments three times or more; keyed by the tool's name.

    Arguments are compared as JSON. Runs of the harness's own for one call of the model count once, and what is called
    again for another request of a person counts anew.
    """

    name: str = "repeated_call"
    repeats: int = REPEATS

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield one failure per repeated call, at its last repetition."""
        for calls in _by_call(trace).values():
            if len(calls) < self.repeats:
                continue
            tool = semconv.tool_name(calls[-1]) or calls[-1].name
            yield failure_at(
                trace,
                calls[-1],
                detector=self.name,
                key=tool,
                message=f"{tool}({semconv.tool_arguments(calls[-1])})",
                reason=f"The tool {one_line(tool)} is called {len(calls)} times with the same arguments.",
            )


def _by_call(trace: Trace) -> dict[tuple[str, str, int], list[Span]]:
    found: dict[tuple[str, str, int], dict[str, Span]] = {}
    turns = turn_numbers(trace)
    for span in tool_calls(trace):
        arguments = semconv.tool_arguments(span)
        if arguments is not None:
            call = (semconv.tool_name(span) or span.name, _canonical(arguments), turns[span.span_id])
            found.setdefault(call, {})[semconv.tool_call_id(span) or span.span_id] = span
    return {call: list(spans.values()) for call, spans in found.items()}


def _canonical(arguments: str) -> str:
    if len(arguments) > MAX_JSON:
        return arguments
    try:
        return json.dumps(json.loads(arguments), sort_keys=True)
    except (ValueError, RecursionError):
        return arguments.strip()
