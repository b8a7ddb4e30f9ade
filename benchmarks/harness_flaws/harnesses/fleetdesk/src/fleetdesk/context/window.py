"""Window: what of a conversation is sent, when all of it is too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleetdesk.context.summary import summarise
from fleetdesk.llm import messages as chat
from fleetdesk.llm.messages import Message
from fleetdesk.llm.tokens import clip, count_messages


@dataclass(frozen=True)
class Fitted:
    """The messages that are sent, and how many turns were left out."""

    messages: list[Message]
    n_left_out: int


def fit(conversation: Sequence[Message], *, budget_tokens: int) -> Fitted:
    """Return the system message and as many of the newest turns as the budget has room for.

    The newest turn is always whole: a tool's result is of no use without its call. What is left out is told in a
    line of the system message.
    """
    system, rest = conversation[0], list(conversation[1:])
    groups = chat.turns(rest)
    kept: list[list[Message]] = []
    used = count_messages([system])
    for group in reversed(groups):
        used += count_messages(group)
        if kept and used > budget_tokens:
            break
        kept.insert(0, group)
    left_out = groups[: len(groups) - len(kept)]
    head = chat.system(f"{system['content']}\n\n{summarise(left_out)}") if left_out else system
    return Fitted(messages=[head, *chat.joined(kept)], n_left_out=len(left_out))


def shorten_results(conversation: Sequence[Message], *, max_result: int) -> list[Message]:
    """Return the conversation with long tool results cut, but for those of the newest turn."""
    groups = chat.turns(list(conversation))
    old = chat.joined(groups[:-1])
    new = list(groups[-1]) if groups else []
    return [_shortened(message, max_result) for message in old] + new


def _shortened(message: Message, max_result: int) -> Message:
    if message["role"] != "tool":
        return message
    return message | {"content": clip(message.get("content") or "", max_result)}
