"""Conversations whose system prompt goes missing on the way."""

from collections.abc import Iterable
from dataclasses import dataclass

from clustering.conversation import chat_calls
from clustering.failure import Failure
from clustering.failure_at import failure_at
from webhooks import semconv
from webhooks.semconv import Message
from webhooks.trace import Trace

INSTRUCTIONS = frozenset({"system", "developer"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LostSystemPrompts:
    """A later call to the model has no system message while an earlier one of the same conversation had.

    Two calls belong to one conversation when the later one sends a message of the earlier one again: a call of its
    own, such as one that asks for a title, may well go without. The key is "system".
    """

    name: str = "lost_system_prompt"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield one failure, at the first call that lost its system message."""
        instructed: set[tuple[str, str]] = set()
        for span in chat_calls(trace):
            messages = semconv.input_messages(span)
            said = _said(messages)
            if any(message.role in INSTRUCTIONS for message in messages):
                instructed |= said
            elif said & instructed:
                yield failure_at(
                    trace,
                    span,
                    detector=self.name,
                    key="system",
                    message=f"{len(messages)} messages, none of them from the system",
                    reason="A later call to the model lacks the system message that earlier calls had.",
                )
                return


def _said(messages: Iterable[Message]) -> set[tuple[str, str]]:
    """Return what tells a conversation from another: user and tool messages, and calls by id."""
    said = {(message.role, message.content) for message in messages if message.role == "user" and message.content}
    return said | {(message.role, message.tool_call_id) for message in messages if message.tool_call_id}
