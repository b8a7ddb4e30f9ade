"""Turns: which of a person's requests each tool call serves. A call made again for another request is no circle."""

from collections.abc import Sequence
from typing import NamedTuple

from clustering.conversation import chat_calls
from webhooks import semconv
from webhooks.semconv import Message, Operation
from webhooks.trace import Trace


class Turns(NamedTuple):
    """The turns of a trace."""

    #: The number of the turn, from 0, that each tool run belongs to, by span id.
    number_of: dict[str, int]
    #: What the person said with whom each turn began; "" where nobody did.
    asked: list[str]


def turn_numbers(trace: Trace) -> dict[str, int]:
    """Return the number of the turn, from 0, that each tool run belongs to, by span id."""
    return turns_of(trace).number_of


def turns_of(trace: Trace) -> Turns:
    """Return the turns of a trace.

    A turn begins with a call to the model that ends with a person's message. A request that is sent again, as after a
    refusal, begins none. Where the model calls its tools in plain words, results are sent as a person's messages, and
    nothing tells the turns apart: all is one.
    """
    tells = any(message.tool_calls for span in chat_calls(trace) for message in semconv.output_messages(span))
    numbers: dict[str, int] = {}
    asked, sent_before = [""], list[Message]()
    for span in trace.spans:
        operation = semconv.operation(span)
        if operation is Operation.TOOL:
            numbers[span.span_id] = len(asked) - 1
        elif tells and operation is Operation.LLM:
            sent = semconv.input_messages(span)
            if _asks(sent) and sent != sent_before:
                asked = [*asked, sent[-1].content] if sent_before else [sent[-1].content]
            sent_before = sent
    return Turns(numbers, asked)


def _asks(sent: Sequence[Message]) -> bool:
    return bool(sent) and sent[-1].role == "user"
