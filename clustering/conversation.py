"""What a trace says of its conversation: the calls to models and tools in order, and the answer at the end."""

import json

from webhooks import semconv
from webhooks.semconv import Message, Operation
from webhooks.trace import Span, Trace

NOTHING = frozenset({"", '""', "null", "none", "{}", "[]"})


def chat_calls(trace: Trace) -> list[Span]:
    """Return the calls to a model, oldest first."""
    return [span for span in trace.spans if semconv.operation(span) is Operation.LLM]


def tool_calls(trace: Trace) -> list[Span]:
    """Return the runs of tools, oldest first."""
    return [span for span in trace.spans if semconv.operation(span) is Operation.TOOL]


def final_answer(trace: Trace) -> str | None:
    """Return what the root answered, "" when it recorded an empty answer, None when the trace cannot say."""
    root = trace.root
    told = semconv.output_value(root)
    if told is not None:
        return "" if says_nothing(told) else told
    messages = semconv.output_messages(root)
    if messages:
        return _words(messages)
    recorded = semconv.operation(root) is Operation.AGENT and semconv.input_value(root) is not None
    return "" if recorded and root.end is not None else None


def says_nothing(text: str) -> bool:
    """Say whether an output is blank, or JSON whose every value is blank."""
    stripped = text.strip()
    if stripped.lower() in NOTHING:
        return True
    if not stripped.startswith("{"):
        return False
    try:
        found = json.loads(stripped)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and all(value in (None, "", [], {}) for value in found.values())


def _words(messages: list[Message]) -> str:
    called = any(message.tool_calls for message in messages)
    return "tool calls" if called else "\n".join(message.content for message in messages).strip()
