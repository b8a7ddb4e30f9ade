"""How one span ended: whether it failed, with what, and whether a tool's result is an error in disguise."""

import json
import re

from webhooks import semconv
from webhooks.reading import once
from webhooks.semconv import Operation
from webhooks.trace import Span, StatusCode

MAX_JSON = 20_000  # an error is short; a page of results is not parsed to find one
MAX_DEPTH = 20
SAYS_ERROR = re.compile(
    r"""\s*(?:
        error\s*[:!\-]                                     # Error: user not found
      | error\s+(?:calling|executing|running|invoking|while|during|in|code|from)\b
      | an?\s+(?:unexpected\s+|internal\s+)?error\s+(?:has\s+)?occurred
      | traceback\s\(most\srecent
      | (?:tool|function)\s+(?:execution|call)\s+failed
      | failed\s+to\s
      | [A-Za-z_][\w.]{0,80}(?:Error|Exception)\b\s*[:(]   # KeyError: 'city'
    )""",
    re.IGNORECASE | re.VERBOSE,
)


@once
def failed(span: Span) -> bool:
    """Say whether the span itself reports a failure; an exception on a span marked OK was handled."""
    if span.status is StatusCode.ERROR:
        return True
    return span.status is not StatusCode.OK and bool(semconv.exception(span) or semconv.error_type(span))


def error_name(span: Span) -> str:
    """Return the short name of the exception or error type: `RateLimitError` for `openai.RateLimitError`; or ""."""
    exception = semconv.exception(span)
    named = (exception.type if exception else "") or semconv.error_type(span) or _named_in(span.status_message)
    return re.split(r"[.:/]+", named.strip())[-1] if named else ""


def error_message(span: Span) -> str:
    """Return what the span says of its failure."""
    exception = semconv.exception(span)
    return (exception.message if exception else "") or span.status_message or error_name(span)


@once
def tool_error(span: Span) -> str | None:
    """Return the error that a tool span ended with, raised or returned as its result; None when it succeeded."""
    if failed(span):
        return error_message(span) or error_in(semconv.tool_result(span) or "") or "failed without a message"
    return error_in(semconv.tool_result(span) or "")


def error_in(result: str) -> str | None:
    """Return the error that a tool's result consists of: `{"error": ...}`, `Error: ...`, a traceback; or None."""
    if SAYS_ERROR.match(result):
        return result.strip()
    return _error_in_json(_parsed(result))


def is_tool(span: Span) -> bool:
    """Say whether the span is one run of a tool."""
    return semconv.operation(span) is Operation.TOOL


def _named_in(status_message: str) -> str:
    named = re.match(r"\s*([A-Za-z_][\w.]{0,120}(?:Error|Exception|Timeout))\b", status_message)
    return named.group(1) if named else ""


def _parsed(result: str) -> object:
    text = result.strip()
    if len(text) > MAX_JSON or not text.startswith("{"):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _error_in_json(value: object) -> str | None:
    if not isinstance(value, dict):
        return None
    told = value.get("error") or value.get("errors")
    if told:
        return _words(told if told is not True else value.get("message") or value)
    unwell = value.get("status") == "error"  # an order whose status is "failed" is an answer, not an error
    if unwell or value.get("success") is False or value.get("ok") is False or value.get("isError") is True:
        return _words(value.get("message") or value.get("content") or value.get("reason") or value)
    return None


def _words(value: object, depth: int = 0) -> str:
    """Return the text of an error object: its message where it has one, else all of it."""
    if isinstance(value, dict) and depth < MAX_DEPTH:
        told = value.get("message") or value.get("text") or value.get("detail")
        if told:
            named = value.get("type")
            words = _words(told, depth + 1)
            return f"{named}: {words}" if isinstance(named, str) and named != "text" else words
    if isinstance(value, list) and len(value) == 1 and depth < MAX_DEPTH:
        return _words(value[0], depth + 1)
    return value if isinstance(value, str) else json.dumps(value, default=str)
