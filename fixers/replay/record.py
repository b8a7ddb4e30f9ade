"""Record: read the cassette of a trace, what a model and the tools answered in it."""

import ast
import json
import re
from collections.abc import Sequence
from typing import Any

from fixers.replay.cassette import NO_ANSWER, TIMED_OUT, Cassette, ModelCall, ModelError, ToolCall, ToolError
from fixers.replay.http_tools import http_call
from fixers.replay.responses import as_chat, as_completion, message_of, said
from webhooks import semconv
from webhooks.attributes import mapping
from webhooks.semconv import Operation
from webhooks.trace import Span, StatusCode, Trace

# What openai's exceptions say and are called: https://github.com/openai/openai-python#handling-errors
ERROR_CODE = re.compile(r"Error code: (\d{3})(?: - (.*))?", re.DOTALL)
# What httpx and requests say in raise_for_status, and what people write who say it themselves.
STATUS_LINE = re.compile(
    r"\b(?:Client|Server) error '(\d{3})\b|^(\d{3}) (?:Client|Server) Error\b|\bHTTP(?:/[\d.]+)? (\d{3})\b"
)
RETRY_AFTER = re.compile(r"(?:try again in|retry.after:?) (\d{1,4}(?:\.\d{1,3})?) ?s", re.IGNORECASE)
STATUS_OF = {
    "BadRequestError": 400,
    "AuthenticationError": 401,
    "PermissionDeniedError": 403,
    "NotFoundError": 404,
    "ConflictError": 409,
    "UnprocessableEntityError": 422,
    "RateLimitError": 429,
    "InternalServerError": 500,
}
NO_ANSWER_TYPES = frozenset(
    {"APIConnectionError", "ConnectError", "ConnectTimeout", "ConnectionError", "ReadError", "RemoteProtocolError"}
)
TIMED_OUT_TYPES = frozenset({"APITimeoutError", "ReadTimeout", "ReadTimeoutError", "Timeout"})
MAX_PARSED = 20_000  # characters of a message; a provider's error body is far shorter


def record(trace: Trace) -> Cassette:
    """Read the calls of `trace`; a call whose span kept too little to answer it again is left out."""
    threads: dict[str, list[dict[str, Any]]] = {}
    start = trace.root.start
    model_calls = (_model_call(span, threads, trace) for span in _innermost(trace, Operation.LLM))
    tool_calls = (_tool_call(span) for span in _innermost(trace, Operation.TOOL))
    return Cassette(
        trace_id=trace.trace_id,
        service=semconv.service_name(trace),
        input=semconv.input_value(trace.root),
        model_calls=tuple(call for call in model_calls if call),
        tool_calls=tuple(call for call in tool_calls if call),
        http_calls=tuple(call for span in trace.spans if (call := http_call(span, start))),
        output=semconv.output_value(trace.root),
        recorded_at=trace.root.start.isoformat(),
    )


def _innermost(trace: Trace, operation: Operation) -> list[Span]:
    """Return the spans of this operation, without those that wrap another of them: two tracers may see one call."""
    spans = [span for span in trace.spans if semconv.operation(span) is operation]
    parents = {span.span_id: span.parent_span_id for span in trace.spans}
    wrapping: set[str] = set()
    for span in spans:
        above = span.parent_span_id
        while above is not None and above not in wrapping:
            wrapping.add(above)
            above = parents.get(above)
    return [span for span in spans if span.span_id not in wrapping]


def _model_call(span: Span, threads: dict[str, list[dict[str, Any]]], trace: Trace) -> ModelCall | None:
    asked = _asked_for_response(span)
    before = threads.get(str(asked.get("previous_response_id")), []) if asked else []
    request = as_chat(asked, before=before) if asked else semconv.request(span)
    if request is None:
        return None
    answer = mapping(semconv.output_value(span))
    response = as_completion(answer) if isinstance(answer.get("output"), list) else semconv.response(span)
    if asked and response:
        known_as = semconv.response_id(span) or str(answer.get("id"))
        threads[known_as] = [*said(asked, before=before), message_of(response)]
    error = provider_error(span, trace.spans) if response is None else None
    if response is None and error is None:
        return None
    began_ms = (span.start - trace.root.start).total_seconds() * 1000
    return ModelCall(request=request, response=response, error=error, began_ms=began_ms, duration_ms=_duration_ms(span))


def _asked_for_response(span: Span) -> dict[str, Any] | None:
    """Return the request when it was recorded as one to /v1/responses."""
    recorded = mapping(semconv.input_value(span))
    asked = recorded.get("input")
    fits = isinstance(asked, str) or (isinstance(asked, list) and all(isinstance(item, dict) for item in asked))
    return recorded if asked and fits and "model" in recorded and "messages" not in recorded else None


def provider_error(span: Span, beside: Sequence[Span] = ()) -> ModelError | None:
    """Recover the provider's answer from the exception that a model call recorded; None when it does not say.

    `beside` are the spans of the trace: an HTTP client's own span below this one may tell its headers.
    """
    raised = semconv.exception(span)
    name = (raised.type if raised else semconv.error_type(span) or "").rpartition(".")[2]
    message = raised.message if raised else span.status_message
    if name in NO_ANSWER_TYPES or name in TIMED_OUT_TYPES:
        return ModelError(status=NO_ANSWER, body=TIMED_OUT if name in TIMED_OUT_TYPES else {})
    stated = ERROR_CODE.search(message)
    line = STATUS_LINE.search(message[:MAX_PARSED])
    status = int(stated[1]) if stated else int(next(filter(None, line.groups()))) if line else STATUS_OF.get(name)
    if status is None or not 400 <= status <= 599:  # noqa: PLR2004 - the range of HTTP's errors
        return None
    said = (stated[2] or "") if stated else message
    own = [span, *(other for other in beside if other.parent_span_id == span.span_id)]
    told = [wait for each in own if (wait := semconv.retry_after(each))]
    headers = {"retry-after": told[-1]} if told else _retry_after(said)
    return ModelError(status=status, body=_error_body(said), headers=headers)


def _error_body(said: str) -> dict[str, Any]:
    """Return the body that an exception's message quotes, whether as Python, as JSON or only its message."""
    body = _parsed(said)
    if body is None:
        return {"error": {"message": said, "type": None, "code": None}}
    return body if "error" in body else {"error": body}


def _parsed(said: str) -> dict[str, Any] | None:
    if not said.startswith("{") or len(said) > MAX_PARSED:
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            body = read(said)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        if isinstance(body, dict) and _is_json(body):
            return body
    return None


def _is_json(value: object) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError):  # a set, bytes or a tuple key; a cycle is not possible
        return False
    return True


def _retry_after(said: str) -> dict[str, str]:
    found = RETRY_AFTER.search(said[:MAX_PARSED])
    return {"retry-after": found[1]} if found else {}


def _tool_call(span: Span) -> ToolCall | None:
    name = semconv.tool_name(span)
    if name is None:
        return None
    raised = semconv.exception(span)
    arguments = semconv.tool_arguments(span) or ""
    if raised is not None or span.status is StatusCode.ERROR:
        kind = raised.type if raised else semconv.error_type(span) or "Exception"
        message = raised.message if raised else span.status_message
        error = ToolError(type=kind, message=message)
        return ToolCall(name=name, arguments=arguments, error=error, duration_ms=_duration_ms(span))
    result = semconv.tool_result(span)
    if result is None:
        return None
    return ToolCall(name=name, arguments=arguments, result=result, duration_ms=_duration_ms(span))


def _duration_ms(span: Span) -> float:
    return (span.end - span.start).total_seconds() * 1000 if span.end else 0.0
