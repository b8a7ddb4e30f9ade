"""Real errors with their causes: what the tools of labelled runs answered when they failed, and why, by what they say.

Customer-service tools answer with a sentence; the code that the agents of another set wrote ends with a traceback. The
causes are regular expressions on those texts, so they favour what reads the surface.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from benchmarks.labelled_runs import START, LabelledRun
from clustering.span_outcome import error_message, failed, is_tool
from webhooks import semconv
from webhooks.trace import Event, Span, StatusCode, Trace

FAILED = re.compile(r"\s*(?:error\b|exitcode: [1-9])", re.IGNORECASE)
EXCEPTION = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception|Privileges|Timeout|Warning))\b(?:: ?(.*))?", re.MULTILINE)
#: Cause -> what an error of this cause says; the first that matches counts.
CAUSES = {
    "flight gone": r"flight \S+ not available",
    "no seats": r"not enough seats",
    "sum is wrong": r"payment amount does not add up",
    "balance too low": r"balance is not enough|not enough balance",
    "certificate not allowed": r"certificate cannot be used",
    "payment method unknown": r"payment method \S*\s?not found",
    "payment method not allowed": r"payment method should|exactly one payment",
    "user unknown": r"user not found",
    "order unknown": r"order not found",
    "reservation unknown": r"reservation not found",
    "product unknown": r"product not found",
    "item unknown": r"item \S+ not found",
    "order not delivered": r"non-delivered order",
    "order not pending": r"non-pending order",
    "items do not match": r"number of items.{0,40}should match",
    "same item": r"new item id should be different",
    "too many passengers": r"number of passengers",
    "provider down": r"max retries exceeded|connection (?:error|refused|timed out)|failed to establish|name resolution",
    "name not defined": r"NameError",
    "code not indented": r"IndentationError",
    "code not valid": r"SyntaxError",
    "nothing found in page": r"'NoneType' object",
    "file missing": r"FileNotFoundError|no such file",
    "module missing": r"ModuleNotFoundError|ImportError|No module named",
    "program missing": r"TesseractNotFound|: not found\s*$|cannot find .{0,20}(?:chrome|firefox|binary)",
    "key refused": r"invalid api key|not subscribed|401 Client Error|PermissionDenied|code 403|REQUEST_DENIED",
    "page refused": r"HTTP 4\d\d|\b4\d\d Client Error",
    "field missing": r"KeyError",
    "file not readable": r"EmptyDataError|ParserError|UnidentifiedImageError|FileDataError|BadZipFile|JSONDecodeError",
    "index too large": r"IndexError",
    "language unknown": r"unknown language",
    "too slow": r"exitcode: 124|\bTimeout\b|timed out",
    "browser broken": r"selenium|WebDriver",
}
_PATTERNS = {cause: re.compile(pattern, re.IGNORECASE) for cause, pattern in CAUSES.items()}


class CausedError(NamedTuple):
    """One failed call of a tool."""

    domain: str
    cause: str
    trace: Trace


def caused_errors(runs: Iterable[LabelledRun]) -> Iterator[CausedError]:
    """Yield the errors of known cause that tools answered with in these runs, in order."""
    for run in runs:
        for span in run.trace.spans:
            said = (semconv.tool_result(span) or error_message(span)) if is_tool(span) else ""
            cause = _cause(said) if FAILED.match(said) or failed(span) else None
            if cause:
                named = semconv.tool_name(span) or "tool"
                yield CausedError(run.domain, cause, _trace(f"{run.id}:{span.span_id}", named, said))


def _cause(said: str) -> str | None:
    last = said[-1_000:]
    raised = EXCEPTION.findall(said)
    told = f"{raised[-1][0]}: {raised[-1][1]}" if raised else last
    found = (cause for text in (told, last) for cause, pattern in _PATTERNS.items() if pattern.search(text))
    return next(found, None)


def _trace(trace_id: str, tool: str, said: str) -> Trace:
    """Build what an instrumented tool would have sent: the exception where one was raised, else the text."""
    raised = EXCEPTION.findall(said) if "Traceback" in said or 'File "' in said else []
    attributes: dict[str, Any] = {"openinference.span.kind": "TOOL", "tool.name": tool}
    events: tuple[Event, ...] = ()
    if raised:
        told = {"exception.type": raised[-1][0], "exception.message": raised[-1][1], "exception.stacktrace": said}
        events = (Event(name="exception", time=START, attributes=told),)
    else:
        attributes["output.value"] = said
    broke = bool(raised) or said.startswith("exitcode")
    root = Span(trace_id=trace_id, span_id="root", parent_span_id=None, name="agent", start=START, end=START)
    return Trace.from_spans(
        [
            root,
            Span(
                trace_id=trace_id,
                span_id="tool",
                parent_span_id="root",
                name=tool,
                start=START,
                end=START,
                status=StatusCode.ERROR if broke else StatusCode.UNSET,
                status_message="" if raised or not broke else said,
                attributes=attributes,
                events=events,
            ),
        ]
    )
