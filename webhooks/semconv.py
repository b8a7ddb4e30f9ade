"""Read what a span means, whatever convention its attributes follow: all that the other rooms ask of a span.

    attribute_keys  what each convention calls things
    attributes      values, whatever their type
    operation       what kind of span it is
    messages        one message, whatever the provider's shape
    conversation    the messages of a span, wherever the convention keeps them
    semconv         the rest, and the one import path for the above

No function here raises on a strange attribute value: it reads as absent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from webhooks import attribute_keys as keys
from webhooks.attributes import first, first_text, indexed, integer, mapping, number, text
from webhooks.conversation import choices_of, finish_reasons, input_messages, output_messages, tool_definitions
from webhooks.messages import Message, ToolCall, as_openai
from webhooks.operation import Operation, operation
from webhooks.reading import once
from webhooks.trace import Span, Trace

__all__ = [
    "Evaluation",
    "ExceptionInfo",
    "HttpExchange",
    "Message",
    "Operation",
    "ToolCall",
    "Usage",
    "code_location",
    "cost_usd",
    "error_type",
    "evaluations",
    "exception",
    "finish_reasons",
    "http_exchange",
    "input_messages",
    "input_value",
    "model",
    "operation",
    "output_messages",
    "output_value",
    "release",
    "request",
    "response",
    "response_id",
    "retry_after",
    "service_name",
    "session_id",
    "tool_arguments",
    "tool_call_id",
    "tool_definitions",
    "tool_name",
    "tool_result",
    "usage",
    "user_id",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionInfo:
    """An exception that a span recorded."""

    #: As recorded, such as "openai.RateLimitError".
    type: str
    message: str
    stacktrace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Somebody's or something's judgement of a span: a user's thumb, a judge model's score."""

    name: str
    score: float | None
    label: str
    explanation: str


class HttpExchange(NamedTuple):
    """A request that a client made, and what came back."""

    method: str
    url: str
    #: Empty when nothing was sent, or it was not recorded.
    sent: str
    status: int
    #: Empty when it was not recorded.
    content_type: str
    body: str


class Usage(NamedTuple):
    """Tokens of one call; 0 where none were recorded."""

    input_tokens: int
    output_tokens: int


def tool_name(span: Span) -> str | None:
    """Return the name of the tool that a tool span ran; None for other spans."""
    if operation(span) is not Operation.TOOL:
        return None
    named = first_text(span.attributes, keys.TOOL_NAME_KEYS)
    return named or span.name.removeprefix("execute_tool ") or None


def tool_call_id(span: Span) -> str | None:
    """Return the id of the model's tool call that a tool span answers."""
    return _tool_text(span, keys.TOOL_CALL_ID_KEYS) or None


def tool_arguments(span: Span) -> str | None:
    """Return what a tool span was called with, as recorded."""
    return _tool_text(span, keys.TOOL_ARGUMENT_KEYS)


def tool_result(span: Span) -> str | None:
    """Return what a tool span gave back, as recorded."""
    return _tool_text(span, keys.TOOL_RESULT_KEYS)


def model(span: Span) -> str | None:
    """Return the model that answered, or that was asked."""
    return first_text(span.attributes, keys.MODEL_KEYS) or None


def provider(span: Span) -> str:
    """Return who was asked, such as "openai" or "bedrock", in lower case; "" when nothing says so."""
    named = first_text(span.attributes, keys.PROVIDER_KEYS) or ""
    return named.strip().lower().rpartition(".")[2]


def input_value(span: Span) -> str | None:
    """Return what the operation was given, as text."""
    return first_text(span.attributes, keys.INPUT_KEYS)


def output_value(span: Span) -> str | None:
    """Return what the operation gave back, as text."""
    return first_text(span.attributes, keys.OUTPUT_KEYS)


def usage(span: Span) -> Usage:
    """Return how many tokens a model call took."""
    asked, answered = first(span.attributes, keys.INPUT_TOKEN_KEYS), first(span.attributes, keys.OUTPUT_TOKEN_KEYS)
    return Usage(input_tokens=integer(asked) or 0, output_tokens=integer(answered) or 0)


def cost_usd(span: Span) -> float | None:
    """Return what a model call cost in US dollars, where the tracer said so."""
    return number(first(span.attributes, keys.COST_KEYS))


def error_type(span: Span) -> str | None:
    """Return error.type, or the type of the recorded exception."""
    named = text(span.attributes.get(keys.ERROR_TYPE))
    if named:
        return named
    raised = exception(span)
    return raised.type or None if raised else None


def exception(span: Span) -> ExceptionInfo | None:
    """Return the last exception that the span recorded: with retries, the one that ended it."""
    recorded = [event.attributes for event in span.events if event.name == keys.EXCEPTION]
    if keys.EXCEPTION_TYPE in span.attributes:
        recorded.append(span.attributes)
    if not recorded:
        return None
    last = {field: text(recorded[-1].get(f"exception.{field}")) or "" for field in ("type", "message", "stacktrace")}
    return ExceptionInfo(**last)


@once
def evaluations(span: Span) -> list[Evaluation]:
    """Return every judgement that was recorded on the span or on one of its events."""
    found = [
        _evaluation(item, prefix) for key, prefix in keys.EVALUATION_LISTS for item in indexed(span.attributes, key)
    ]
    sources = [event.attributes for event in span.events if event.name == keys.GEN_AI_EVALUATION_EVENT]
    found += [_evaluation(attributes, keys.GEN_AI_EVALUATION) for attributes in (*sources, span.attributes)]
    return [evaluation for evaluation in found if evaluation]


@once
def request(span: Span) -> dict[str, Any] | None:
    """Return the chat completions request of a model call: as recorded, else rebuilt from its messages and tools."""
    if operation(span) is not Operation.LLM:
        return None
    recorded = mapping(input_value(span))
    sent = recorded.get("messages")
    if isinstance(sent, list) and sent and all(isinstance(item, dict) and "parts" not in item for item in sent):
        return recorded
    messages = [as_openai(message) for message in input_messages(span)]
    if not messages:
        return None
    tools = tool_definitions(span)
    asked = {"model": first_text(span.attributes, keys.REQUEST_MODEL_KEYS) or "", "messages": messages}
    return {**_parameters(span.attributes), **asked, **({"tools": tools} if tools else {})}


def response(span: Span) -> dict[str, Any] | None:
    """Return the chat completion that a model call got: as recorded, else rebuilt from its messages."""
    if operation(span) is not Operation.LLM:
        return None
    recorded = mapping(output_value(span))
    if choices_of(recorded):  # a streamed answer is recorded whole, but keeps the name of its chunks
        return recorded | {"object": "chat.completion"}
    messages = output_messages(span)
    if not messages:
        return None
    reasons = finish_reasons(span)
    return {
        "id": text(span.attributes.get(keys.GEN_AI_RESPONSE_ID)) or f"chatcmpl-{span.span_id}",
        "object": "chat.completion",
        "created": int(span.start.timestamp()),
        "model": model(span) or "",
        "choices": [_choice(index, message, reasons) for index, message in enumerate(messages)],
        "usage": _usage(span),
    }


def http_exchange(span: Span) -> HttpExchange | None:
    """Return the HTTP request that a span made, when it recorded what came back: the status, and the body."""
    method, url = (first_text(span.attributes, names) for names in (keys.HTTP_METHOD_KEYS, keys.HTTP_URL_KEYS))
    status = integer(first(span.attributes, keys.HTTP_STATUS_KEYS))
    body = first_text(span.attributes, keys.HTTP_BODY_KEYS)
    if span.kind != "client" or not method or not url or status is None or body is None:
        return None
    sent = first_text(span.attributes, keys.HTTP_SENT_KEYS) or ""
    content_type = _header(span, keys.HTTP_CONTENT_TYPE_KEYS) or ""
    return HttpExchange(method.upper(), url, sent, status, content_type, body)


def retry_after(span: Span) -> str | None:
    """Return how long the answer to the span's HTTP request asked to wait, as it came: seconds, or a date."""
    return _header(span, keys.HTTP_RETRY_AFTER_KEYS)


def _header(span: Span, names: Sequence[str]) -> str | None:
    values = first(span.attributes, names)  # a header's values are a list
    return text(values[0] if isinstance(values, list | tuple) and values else values)


def response_id(span: Span) -> str | None:
    """Return the id that the provider gave to a model's answer."""
    return text(span.attributes.get(keys.GEN_AI_RESPONSE_ID)) or None


def session_id(trace: Trace) -> str | None:
    """Return the conversation that the trace belongs to."""
    return _of_trace(trace, keys.SESSION_KEYS)


def user_id(trace: Trace) -> str | None:
    """Return the user whom the trace served."""
    return _of_trace(trace, keys.USER_KEYS)


def release(trace: Trace) -> str | None:
    """Return the version of the agent that ran, or its commit."""
    return first_text(trace.root.resource, keys.RELEASE_KEYS) or _of_trace(trace, keys.RELEASE_KEYS)


def service_name(source: Trace | Span) -> str:
    """Return the name of the service that sent the trace or span; empty when it has none."""
    span = source.root if isinstance(source, Trace) else source
    return text(span.resource.get(keys.SERVICE_NAME)) or ""


def code_location(span: Span) -> tuple[str, int] | None:
    """Return the file and line that the span says it comes from. Hostile text: not a path until it is checked."""
    path = first_text(span.attributes, keys.FILE_KEYS)
    line = integer(first(span.attributes, keys.LINE_KEYS))
    return (path, line) if path and line is not None else None


def _tool_text(span: Span, names: Iterable[str]) -> str | None:
    return first_text(span.attributes, names) if operation(span) is Operation.TOOL else None


def _evaluation(attributes: Mapping[str, Any], prefix: str) -> Evaluation | None:
    name = text(attributes.get(f"{prefix}.name"))
    if not name:
        return None
    return Evaluation(
        name=name,
        score=number(first(attributes, (f"{prefix}.score.value", f"{prefix}.score"))),
        label=first_text(attributes, (f"{prefix}.score.label", f"{prefix}.label")) or "",
        explanation=text(attributes.get(f"{prefix}.explanation")) or "",
    )


def _parameters(attributes: Mapping[str, Any]) -> dict[str, Any]:
    recorded = mapping(attributes.get(keys.LLM_INVOCATION_PARAMETERS))
    named = {name: attributes.get(f"gen_ai.request.{name}") for name in keys.REQUEST_PARAMETERS}
    return recorded or {name: value for name, value in named.items() if value is not None}


def _choice(index: int, message: Message, reasons: list[str]) -> dict[str, Any]:
    likely = "tool_calls" if message.tool_calls else "stop"
    reason = reasons[index] if index < len(reasons) else likely
    return {"index": index, "message": as_openai(message), "finish_reason": reason}


def _usage(span: Span) -> dict[str, int]:
    counts = usage(span)
    total = counts.input_tokens + counts.output_tokens
    return {
        "prompt_tokens": counts.input_tokens,
        "completion_tokens": counts.output_tokens,
        "total_tokens": total,
    }


def _of_trace(trace: Trace, names: Iterable[str]) -> str | None:
    """Return the first text that a span of the trace has for `names`: the root first, then the others, oldest first."""
    spans = (trace.root, *trace.spans)
    return next((found for span in spans if (found := first_text(span.attributes, names))), None)
