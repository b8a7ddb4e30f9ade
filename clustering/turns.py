"""Turns: which of a person's requests each tool call serves. A call made again for another request is no circle."""

from collections.abc import Sequence

from clustering.conversation import chat_calls
from webhooks import semconv
from webhooks.semconv import Message, Operation
from webhooks.trace import Trace


def turn_numbers(trace: Trace) -> dict[str, int]:
    """Return the number of the turn, from 0, that each tool run belongs to, by span id.

    A turn begins with a call to the model that ends with a person's message. A request that is sent again, as after a
    refusal, begins none. Where the model calls its tools in plain words, results are sent as a person's messages, and
    nothing tells the turns apart: all is one.
    """
    tells = any(message.tool_calls for span in chat_calls(trace) for message in semconv.output_messages(span))
    numbers: dict[str, int] = {}
    number, sent_before = 0, list[Message]()
    for span in trace.spans:
        operation = semconv.operation(span)
        if operation is Operation.TOOL:
            numbers[span.span_id] = number
        elif tells and operation is Operation.LLM:
            sent = semconv.input_messages(span)
            number += _asks(sent) and bool(sent_before) and sent != sent_before
            sent_before = sent
    return numbers


def _asks(sent: Sequence[Message]) -> bool:
    return bool(sent) and sent[-1].role == "user"
