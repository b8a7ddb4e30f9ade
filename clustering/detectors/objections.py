"""People who correct the agent, complain, say it all again, or ask for somebody else."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from clustering.dialogue import AGENT, PEOPLE, Turn, dialogue
from clustering.failure import Failure
from clustering.failure_at import failure_at
from clustering.people import objection, overlap
from webhooks.trace import Trace

MIN_WORDS = 5  # "yes" and "yes, please" are said again and mean nothing
SAME_WORDS = 0.8
DEMANDS = 2
REASONS = {
    "correction": "The user's next turn corrects the agent.",
    "complaint": "The user's next turn complains about the agent.",
    "escalation": "The user's next turn asks for a person instead of the agent.",
    "rephrasing": "The user has to say the same thing again.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Objections:
    """A person's turn, after an answer of the agent, objects to it; keyed by how.

    "correction", "complaint" and "escalation" go by set phrases, in English; "rephrasing" is a turn that repeats at
    least four fifths of the words of the person's turn before. "escalation" needs a second demand, since the first may
    accept an offer or try for what the agent must refuse.
    """

    name: str = "objection"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield one failure per kind, at the call to the model that was sent the objection first."""
        seen: set[str] = set()
        for turn, kind in _objections(dialogue(trace)):
            if kind not in seen:
                seen.add(kind)
                yield failure_at(
                    trace, turn.span, detector=self.name, key=kind, message=turn.text, reason=REASONS[kind]
                )


def _objections(turns: Iterable[Turn]) -> Iterator[tuple[Turn, str]]:
    before, answered, demands = "", False, 0
    for turn in turns:
        if turn.role == AGENT:
            answered = True
        elif turn.role == PEOPLE:
            kind = objection(turn.text) or ("rephrasing" if _same(before, turn.text) else None)
            demands += kind == "escalation"
            if answered and kind and (kind != "escalation" or demands >= DEMANDS):
                yield turn, kind
            before, answered = turn.text, False


def _same(before: str, now: str) -> bool:
    return len(set(re.findall(r"\w+", now.lower()))) >= MIN_WORDS and overlap(before, now) >= SAME_WORDS
