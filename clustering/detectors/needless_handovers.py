"""Conversations that are handed over to a person although the agent was getting on."""

from collections.abc import Iterable
from dataclasses import dataclass

from clustering.conversation import tool_calls
from clustering.deeds import changes, hands_over
from clustering.dialogue import PEOPLE, dialogue
from clustering.failure import Failure
from clustering.failure_at import failure_at, one_line
from clustering.people import asks_for_a_person
from webhooks import semconv
from webhooks.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedlessHandovers:
    """The agent had made a change, nobody asked for a person, and it handed over; keyed by the tool that hands over.

    A hand-over before any change may well be what the agent's instructions ask for, and is not judged.
    """

    name: str = "needless_handover"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield at most one failure, at the hand-over."""
        changed = False
        for span in tool_calls(trace):
            if changed and hands_over(span):
                if any(asks_for_a_person(turn.text) for turn in dialogue(trace) if turn.role == PEOPLE):
                    return
                tool = semconv.tool_name(span) or span.name
                yield failure_at(
                    trace,
                    span,
                    detector=self.name,
                    key=tool,
                    message=semconv.tool_arguments(span) or "",
                    reason=f"The agent hands over with {one_line(tool)}, half way and unasked.",
                )
                return
            changed = changed or changes(span)
