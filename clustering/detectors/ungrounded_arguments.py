"""Tool arguments that the model made up."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from clustering.conversation import chat_calls, tool_calls
from clustering.deeds import changes
from clustering.facts import DATE, ID, MAX_ID
from clustering.failure import Failure
from clustering.failure_at import failure_at, one_line
from webhooks import semconv
from webhooks.semconv import ToolCall
from webhooks.trace import Span, Trace

MAX_JSON = 20_000
MAX_DEPTH = 8
NAMES_A_THING = ("id", "ids", "number", "code", "reference")


@dataclass(frozen=True, slots=True, kw_only=True)
class UngroundedArguments:
    """A change was made with an id that stands nowhere in what the model was sent; keyed by the tool and the field.

    A made-up id that a tool refused did no harm, and one that finds something was right.

    Only fields that are named for ids count, and only values that look like one: letters and digits mixed, or six
    digits and more. A value that the model had said before, and nobody objected to, counts as known.
    """

    name: str = "ungrounded_argument"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield one failure per tool and field, at the call to the model that made the value up."""
        reported: set[str] = set()
        changed = {_call(span) for span in tool_calls(trace) if changes(span)}
        for span in chat_calls(trace):
            made = [call for message in semconv.output_messages(span) for call in message.tool_calls]
            calls = [call for call in made if (call.name, call.arguments.strip()) in changed]
            wanted = [(call, field, value) for call in calls for field, value in _ids(call)]
            if not wanted:
                continue
            sent = _sent(semconv.input_messages(span))
            for call, field, value in wanted:
                key = f"{call.name}.{field}"
                if sent and value.lstrip("#").lower() not in sent and key not in reported:
                    reported.add(key)
                    yield failure_at(
                        trace,
                        span,
                        detector=self.name,
                        key=key,
                        message=f"{field}: {value}",
                        reason=f"The model calls {one_line(call.name)} with a {one_line(field)} that nobody gave it.",
                    )


def _call(span: Span) -> tuple[str, str]:
    return semconv.tool_name(span) or "", (semconv.tool_arguments(span) or "").strip()


def _sent(messages: Iterable[semconv.Message]) -> str:
    said = (f"{message.content} {' '.join(call.arguments for call in message.tool_calls)}" for message in messages)
    return "\n".join(said).lower()


def _ids(call: ToolCall) -> list[tuple[str, str]]:
    if len(call.arguments) > MAX_JSON:
        return []
    try:
        return list(_in_value(json.loads(call.arguments), "", 0))
    except (ValueError, RecursionError):
        return []


def _in_value(value: object, field: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _in_value(item, name, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _in_value(item, field, depth + 1)
    elif isinstance(value, str) and field.lower().endswith(NAMES_A_THING) and _is_id(value):
        yield field, value


def _is_id(value: str) -> bool:
    return len(value) <= MAX_ID and ID.fullmatch(value) is not None and not DATE.fullmatch(value)
