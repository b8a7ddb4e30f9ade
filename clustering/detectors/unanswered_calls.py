"""Tool results that the model never got to see."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from clustering.conversation import chat_calls
from clustering.failure import Failure
from clustering.failure_at import failure_at, one_line
from webhooks import semconv
from webhooks.semconv import Message
from webhooks.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class UnansweredCalls:
    """The model asked for tools and was called again without as many results; keyed by the tools' names.

    Results are counted, not matched by id, since not every tracer records ids. A call with fewer messages than an
    earlier one, whose history was shortened, is judged by what is left of it.
    """

    name: str = "lost_tool_result"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield at most one failure, at the first call to the model that lacks a result."""
        for span in chat_calls(trace):
            messages = semconv.input_messages(span)
            lacking = _lacking(messages) if any(message.role == "tool" for message in messages) else None
            if lacking is not None:
                tools = ", ".join(sorted({one_line(call.name) for call in lacking.tool_calls}))
                yield failure_at(
                    trace,
                    span,
                    detector=self.name,
                    key=tools,
                    message=f"{len(lacking.tool_calls)} calls, fewer results",
                    reason=f"The model asks for {tools} and is called again without all results.",
                )
                return


def _lacking(messages: Sequence[Message]) -> Message | None:
    """Return the first message whose tool calls have too few results before the next word of anybody."""
    asked, missing = None, 0
    for message in messages:
        if message.role == "tool":
            missing -= 1
        elif missing > 0:
            return asked
        if message.tool_calls:
            asked, missing = message, len(message.tool_calls)
        elif message.role != "tool":
            missing = 0
    return asked if missing > 0 else None
