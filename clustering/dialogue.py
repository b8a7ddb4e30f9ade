"""Dialogue: what a person and the agent said to each other in a trace, each turn once, with the span that shows it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from clustering.conversation import chat_calls
from webhooks import semconv
from webhooks.semconv import Message
from webhooks.trace import Span, Trace

PEOPLE = "user"
AGENT = "assistant"


class Turn(NamedTuple):
    """One thing said."""

    #: "user" or "assistant".
    role: str
    text: str
    #: The call to the model that was sent a user's turn first, or that gave the assistant's.
    span: Span


def dialogue(trace: Trace) -> list[Turn]:
    """Return the turns of people and of the agent, oldest first; what other agents say among themselves is left out.

    A call to the model belongs to the dialogue when it sends a user's turn of the dialogue again.
    """
    turns: list[Turn] = []
    known: Counter[str] = Counter()
    for span in chat_calls(trace):
        asked = Counter(_said(semconv.input_messages(span), PEOPLE))
        if known and not known.keys() & asked.keys():
            continue
        turns += [Turn(PEOPLE, text, span) for text in unheard(asked, known)]
        turns += [Turn(AGENT, text, span) for text in _said(semconv.output_messages(span), AGENT)]
    return turns


def unheard(asked: Mapping[str, int], known: Counter[str]) -> list[str]:
    """Return what is `asked` more often than it was known, and make it known; as fast as `asked` is short."""
    new = [text for text, times in asked.items() for _ in range(times - known[text])]
    known.update(new)
    return new


def _said(messages: Iterable[Message], role: str) -> list[str]:
    return [text for message in messages if message.role == role and (text := message.content.strip())]
