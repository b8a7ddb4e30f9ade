"""Agents that were told to go ahead, or said that they would, and did nothing."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from clustering.conversation import tool_calls
from clustering.dialogue import AGENT, PEOPLE, Turn, dialogue
from clustering.failure import Failure
from clustering.failure_at import failure_at
from clustering.people import agrees
from webhooks.trace import Trace

MAX_TEXT = 4_000
DEEDS = (
    r"(?:book|cancel|change|create|delete|exchange|issue|modify|place|process|proceed|refund|remove|return|schedule|send"
    r"|submit|transfer|update|upgrade)"
)
ASKS = re.compile(
    r"\b(?:please\s(?:reply|confirm)|(?:do|would)\syou\s(?:like|want)\s(?:me\s)?to\sproceed|shall\s(?:i|we)|should\si"
    r"|do\syou\sconfirm|if\syou\sconfirm|would\syou\slike\sme\sto|do\syou\swant\sme\sto)\b",
    re.IGNORECASE,
)
PROMISE = re.compile(
    rf"\bI(?:'ll|\u2019ll|\swill|'m\sgoing\sto|\sam\sgoing\sto)\s(?:now\s|go\sahead\sand\s|right\saway\s)?{DEEDS}\b",
    re.IGNORECASE,
)
CONDITION = re.compile(r"\b(?:if|once|when|after|before|until|unless|please|need)\b|\?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnkeptPromises:
    """The conversation ends right after a yes, or after a promise, without any tool call; keyed by which of the two.

    Only the end of a run of which nothing more can come is judged: its root has ended. Runs without any tool are not
    judged. English only.
    """

    name: str = "unkept_promise"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield at most one failure, at the call to the model that gave the last answer, or was sent the last words."""
        tools = tool_calls(trace)
        if not tools or (trace.root.end is None and len(trace.spans) > 1):
            return
        last_call = max(span.start for span in tools)
        turns = [turn for turn in dialogue(trace) if turn.text]
        for at, turn in enumerate(turns):
            if (key := _promised(turns, at)) and turn.span.start >= last_call and _last_of(turns, at):
                yield failure_at(
                    trace,
                    turn.span,
                    detector=self.name,
                    key=key,
                    message=turn.text,
                    reason="The run ends before what was agreed to is done."
                    if key == "agreed"
                    else "The agent says what it will do, and the run ends before it does.",
                )
                return


def _promised(turns: list[Turn], at: int) -> str:
    turn = turns[at]
    if len(turn.text) > MAX_TEXT:
        return ""
    if turn.role == PEOPLE and at and turns[at - 1].role == AGENT:
        return "agreed" if ASKS.search(turns[at - 1].text[-MAX_TEXT:]) and agrees(turn.text) else ""
    promises = turn.role == AGENT and PROMISE.search(turn.text)
    return "announced" if promises and not CONDITION.search(turn.text) else ""


def _last_of(turns: list[Turn], at: int) -> bool:
    return at >= len(turns) - 2  # an answer may still come: words instead of the deed
