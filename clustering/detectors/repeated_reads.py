"""An agent that looks up again what it has been told."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from clustering.conversation import tool_calls
from clustering.deeds import changes
from clustering.failure import Failure
from clustering.failure_at import failure_at, one_line
from clustering.people import overlap
from clustering.span_outcome import tool_error
from clustering.turns import turns_of
from webhooks import semconv
from webhooks.trace import Trace

#: Tools that look for what meets somebody's conditions; others look up a thing by its name.
SEARCHES = re.compile(r"(?:\w+_)?(?:search|query|filter)", re.IGNORECASE)
SAME_WORDS = 0.8


class _Told(NamedTuple):
    at: int
    turn: int
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedReads:
    """The same call gave the same result twice, with other calls but no change in between; keyed by the tool's name.

    Two equal calls in a row may be a retry, and another request of a person may need another look; but not the same
    search, where the person asked for something else. Calls without arguments or results are not judged: a clock, a
    poll.
    """

    name: str = "no_progress"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield one failure per tool, at the first call that was needless."""
        known: dict[tuple[str, str], _Told] = {}
        turns = turns_of(trace)
        reported: set[str] = set()
        for at, span in enumerate(tool_calls(trace)):
            if changes(span):
                known.clear()
                continue
            tool, arguments = semconv.tool_name(span) or span.name, (semconv.tool_arguments(span) or "").strip()
            result = (semconv.tool_result(span) or "").strip()
            if tool_error(span) is not None or not result or arguments in {"", "{}", "null"}:
                continue
            told = _Told(at, turns.number_of[span.span_id], result)
            before = known.get((tool, arguments))
            if before and tool not in reported and _is_needless(tool, before, told, turns.asked):
                reported.add(tool)
                yield failure_at(
                    trace,
                    span,
                    detector=self.name,
                    key=tool,
                    message=f"{tool}({arguments})",
                    reason=f"The agent asks {one_line(tool)} again for what it was told before.",
                )
            known[tool, arguments] = told


def _is_needless(tool: str, before: _Told, now: _Told, asked: Sequence[str]) -> bool:
    if before.result != now.result:
        return False
    if before.turn == now.turn:
        return now.at > before.at + 1
    return SEARCHES.match(tool) is not None and overlap(asked[before.turn], asked[now.turn]) < SAME_WORDS
