"""Read one line of a file of conversations: a plain list of messages, alone or with its outcome. No I/O.

    [{"role": "user", "content": "..."}, {"role": "assistant", "content": "...", "tool_calls": [...]}, ...]
    {"messages": [...], "outcome": "failed", "id": "...", "session_id": "...", "user_id": "...", "service": "..."}

It becomes a trace as an instrumented agent would have sent it: the conversation, its model calls and its tool calls.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from webhooks.attributes import mapping, number, text
from webhooks.errors import Undecodable
from webhooks.iso_time import RECEIVED_AT, read_time
from webhooks.json_body import objects, read_json, write_json
from webhooks.messages import Message, ToolCall, as_openai, read_message
from webhooks.trace import Event, Span

STEP = timedelta(milliseconds=1)
#: Fields beside the messages by which a person or a program said how the run went.
MARKS = ("outcome", "label", "success", "passed", "reward", "score", "feedback")
ERROR = "error"
LAST_WORD = frozenset({"assistant", "user"})  # a person's goodbye takes nothing from the answer before it


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    trace_id: str
    start: datetime
    messages: Sequence[Message]
    fields: Mapping[str, Any]


def decode(body: bytes) -> list[Span]:
    """Return the spans of one line: the root first, then its steps in order.

    Parameters
    ----------
    body
        The line with the time at which it was read, see `stamped`: a list of messages says none.

    Raises
    ------
    Undecodable
        When the line is no list of messages, or says no time.

    """
    line = _line(body)
    return [_root(line), *_steps(line)]


def stamped(body: bytes, received_at: str) -> bytes:
    """Return the line as an object with the time at which it was read; the ids of its spans do not depend on it."""
    return write_json({**_fields(body), RECEIVED_AT: received_at})


def _line(body: bytes) -> _Line:
    fields = _fields(body)
    received_at = fields.pop(RECEIVED_AT, None)
    items = objects(fields.get("messages"), name="messages")
    messages = [message for item in items for message in read_message(item, role="user")]
    if not messages:
        raise Undecodable("a line without messages")
    times = (fields.get("time"), fields.get("timestamp"), received_at)
    start = next((found for value in times if (found := read_time(value))), None)
    if start is None:
        raise Undecodable("a line of messages that says no time")
    named = text(fields.get("trace_id")) or text(fields.get("id"))
    identity = named.encode(errors="replace") if named else write_json(fields, sort=True)
    return _Line(
        trace_id=hashlib.sha256(identity).hexdigest()[:32],
        start=start,
        messages=messages,
        fields=fields,
    )


def _fields(body: bytes) -> dict[str, Any]:
    found = read_json(body, name="a list of messages")
    return dict(found) if isinstance(found, dict) else {"messages": found}


def _root(line: _Line) -> Span:
    end = line.start + STEP * len(line.messages)
    answers = [message.content for message in line.messages if message.role == "assistant" and message.content]
    turns = [message.content for message in line.messages if message.role == "user"]
    fields = line.fields
    found = {
        "gen_ai.operation.name": "invoke_agent",
        "input.value": write_json({"turns": turns}).decode(),
        "output.value": answers[-1] if line.messages[-1].role in LAST_WORD and answers else None,
        "session.id": text(fields.get("session_id")),
        "user.id": text(fields.get("user_id")),
    }
    resource = {"service.name": text(fields.get("service")), "service.version": text(fields.get("release"))}
    return _span(line, 0, "conversation", found, end=end, events=_outcome(line, end), resource=resource)


def _steps(line: _Line) -> Iterator[Span]:
    """Yield a span for each answer of the model and for each result of a tool."""
    called: dict[str, ToolCall] = {}
    for index, message in enumerate(line.messages):
        if message.role == "assistant":
            called |= {call.id: call for call in message.tool_calls}
            yield _model_call(line, index, message)
        elif message.role == "tool":
            yield _tool_call(line, index, message, called.get(message.tool_call_id or ""))


def _model_call(line: _Line, index: int, message: Message) -> Span:
    tools = line.fields.get("tools")
    found = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": text(line.fields.get("model")),
        "gen_ai.input.messages": [as_openai(earlier) for earlier in line.messages[:index]],
        "gen_ai.output.messages": [as_openai(message)],
        "gen_ai.tool.definitions": tools if isinstance(tools, list) else None,
    }
    return _span(line, index + 1, "chat", found)


def _tool_call(line: _Line, index: int, message: Message, call: ToolCall | None) -> Span:
    found = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": call.name if call else "tool",
        "gen_ai.tool.call.id": message.tool_call_id,
        "gen_ai.tool.call.arguments": call.arguments if call else None,
        "gen_ai.tool.call.result": message.content,
    }
    return _span(line, index + 1, call.name if call else "tool", found)


def _span(  # one place that knows ids, order and times
    line: _Line,
    number_: int,
    name: str,
    attributes: Mapping[str, Any],
    *,
    end: datetime | None = None,
    events: tuple[Event, ...] = (),
    resource: Mapping[str, Any] | None = None,
) -> Span:
    start = line.start + STEP * number_
    service = resource or {"service.name": text(line.fields.get("service"))}
    root_id = line.trace_id[:16]
    return Span(
        trace_id=line.trace_id,
        span_id=hashlib.sha256(f"{line.trace_id}/{number_}".encode()).hexdigest()[:16] if number_ else root_id,
        parent_span_id=root_id if number_ else None,
        name=name,
        start=start,
        end=end or start + STEP,
        attributes={key: value for key, value in attributes.items() if value is not None},
        events=events,
        resource={key: value for key, value in service.items() if value},
        scope="messages",
    )


def _outcome(line: _Line, time: datetime) -> tuple[Event, ...]:
    """Return each mark that stands beside the messages as an evaluation."""
    told = ((name, _told(line.fields.get(name))) for name in MARKS)
    error = line.fields.get(ERROR)
    # That no error is named does not say that all went well.
    failed = ((ERROR, {"label": "failed", "explanation": _words(error)}) for _ in range(1) if error)
    return tuple(_judged(name, mark, time) for name, mark in (*told, *failed) if mark)


def _told(value: object) -> Mapping[str, Any]:
    """Return a word, a number from 0 to 1, a boolean, or {name, score, label, ...} as the last of these."""
    if value is None or value == "":
        return {}
    is_number = isinstance(value, bool) or number(value) is not None
    return mapping(value) or {"score" if is_number else "label": value}


def _judged(name: str, told: Mapping[str, Any], time: datetime) -> Event:
    score = told.get("score")
    found = {
        "gen_ai.evaluation.name": text(told.get("name")) or name,
        "gen_ai.evaluation.score.value": float(score) if isinstance(score, bool) else number(score),
        "gen_ai.evaluation.score.label": text(told.get("label")),
        "gen_ai.evaluation.explanation": text(told.get("explanation")) or text(told.get("comment")),
    }
    attributes = {key: item for key, item in found.items() if item is not None}
    return Event(name="gen_ai.evaluation.result", time=time, attributes=attributes)


def _words(error: object) -> str | None:
    """Return what an error says: its text, or the message and type of an object."""
    parts = (text(mapping(error).get(key)) for key in ("type", "message"))
    return ": ".join(part for part in parts if part) or text(error)
