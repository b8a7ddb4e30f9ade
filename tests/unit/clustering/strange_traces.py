"""Traces that no tracer should send: from one number, always the same trace."""

import random
from datetime import UTC, datetime, timedelta

from webhooks.trace import Event, Span, StatusCode, Trace

NOW = datetime(2026, 11, 22, tzinfo=UTC)
RIGHT_TO_LEFT = "\u202e\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627"
CALL = '{"id": "c", "type": "function", "function": {"name": "refund", "arguments": "{\\"order_id\\": 7}"}}'
TEXTS = (
    "",
    " ",
    "Error: no",
    "Hello",
    "That's wrong, I already told you.",
    "I have cancelled order A-123. Order A-123 is delivered.",
    "```",
    RIGHT_TO_LEFT,
    "\x00\x01\x1b[31m\x7f\u2028",
    "\ud800",  # half of a character
    "x" * 20_000,
    "[" * 3_000,
    '{"a":' * 1_000,
    "9" * 5_000,
    '{"error": "no"}',
    '{"error": {"error": [null]}}',
    '{"order_id": "A-123", "status": "pending"}',
    '[{"role": "user", "content": "That is wrong"}, {"role": "tool", "content": 1, "tool_call_id": "c"}]',
    f'[{{"role": "assistant", "content": "I have sent it.", "tool_calls": [{CALL}, 3, {{}}]}}]',
    '[{"type": "function", "function": {"name": "refund", "parameters": {"type": 3, "required": "order_id"}}}]',
    '[{"name": "refund", "parameters": {"properties": {"order_id": {"type": "string", "pattern": "(a+)+$"}}}}]',
    '{"response_format": {"type": "json_schema", "json_schema": {"schema": {"anyOf": [{"$ref": "#"}, []]}}}}',
    '{"response_format": {"type": ["json_object"]}, "max_tokens": "1e999"}',
    "max retries exceeded; maximum context length; step limit reached; cancelled",
    'Traceback:\n  File "a.py", line 99999999, in f\nKeyError',
)
VALUES = (
    *TEXTS,
    None,
    True,
    0,
    -1,
    2**70,
    float("nan"),
    float("inf"),
    [],
    {},
    [[]],
    {"a": {"b": [None]}},
    [1, "x", {}],
)
KEYS = (
    "openinference.span.kind",
    "gen_ai.operation.name",
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.tool.definitions",
    "gen_ai.tool.name",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.id",
    "gen_ai.tool.call.result",
    "gen_ai.usage.output_tokens",
    "gen_ai.request.max_tokens",
    "gen_ai.response.finish_reasons",
    "llm.invocation_parameters",
    "llm.tools.0.tool.json_schema",
    "llm.input_messages.0.message.content",
    "llm.input_messages.0.message.role",
    "llm.finish_reason",
    "input.value",
    "output.value",
    "error.type",
    "exception.type",
    "exception.stacktrace",
    "http.response.status_code",
    "code.file.path",
    "code.line.number",
    "gen_ai.evaluation.name",
    "gen_ai.evaluation.score.value",
    "session.id",
    "status",
)
KINDS = ("LLM", "TOOL", "AGENT", "CHAIN", "", None)
EVENTS = ("exception", "gen_ai.evaluation.result", "gen_ai.choice", "max_turns reached", "\x00")
NAMES = ("refund", "get_order", "transfer_to_human", "python", *TEXTS[:4], RIGHT_TO_LEFT)
FAR = (timedelta(0), timedelta(seconds=1), timedelta(days=-9), timedelta(days=30_000))  # clocks that disagree


def strange_trace(number: int) -> Trace:
    """Return a trace of up to eight spans: without roots, with parents in circles, with the end before the start."""
    chance = random.Random(number)
    return Trace(trace_id="t", spans=tuple(_span(chance, at) for at in range(chance.randrange(9))))


def _span(chance: random.Random, at: int) -> Span:
    start = NOW + timedelta(seconds=chance.randrange(-9, 9)) + chance.choice(FAR)
    return Span(
        trace_id="t",
        span_id=chance.choice("abcdefgh") if chance.random() < 0.2 else str(at),  # now and then one id twice
        parent_span_id=chance.choice((None, "0", "1", str(at), "gone", "a")),
        name=chance.choice(NAMES),
        start=start,
        end=chance.choice((None, start, start + timedelta(seconds=2), start - timedelta(seconds=2))),
        status=chance.choice(list(StatusCode)),
        status_message=chance.choice(TEXTS),
        attributes=_attributes(chance),
        events=tuple(_event(chance, start) for _ in range(chance.randrange(3))),
        resource={"service.name": chance.choice(VALUES)},
    )


def _attributes(chance: random.Random) -> dict[str, object]:
    found: dict[str, object] = {"openinference.span.kind": chance.choice(KINDS)}
    return found | {chance.choice(KEYS): chance.choice(VALUES) for _ in range(chance.randrange(9))}


def _event(chance: random.Random, start: datetime) -> Event:
    return Event(name=chance.choice(EVENTS), time=start, attributes=_attributes(chance))
