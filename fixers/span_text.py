"""Tell what a span says: in two or three lines, as JSON, or raw."""

from collections.abc import Iterator, Sequence
from typing import Any

from fixers.quoting import one_line
from webhooks import semconv
from webhooks.messages import as_openai
from webhooks.trace import Span


def span_line(span: Span, limit: int) -> str:
    """Return a span in a few lines, each text cut to `limit` characters; of a model call, what is new in it."""
    is_call = semconv.operation(span) is semconv.Operation.LLM
    told = _call_told(span) if is_call else {}
    told = told or {
        "in": semconv.tool_arguments(span) or semconv.input_value(span),
        "out": semconv.tool_result(span) or semconv.output_value(span),
    }
    told["message"] = span.status_message
    if raised := semconv.exception(span):
        told["exception"] = f"{raised.type}: {raised.message}"
    for judged in semconv.evaluations(span):
        told["rated"] = f"{judged.name}: {judged.label or judged.score}, {judged.explanation}"
    parts = [f"  {name}: {_ends(text, limit)}" for name, text in told.items() if text]
    return "\n".join(
        [f"span {span.span_id} {semconv.operation(span)} {one_line(span.name, 80)} [{span.status}]", *parts]
    )


def span_data(span: Span) -> dict[str, Any]:
    """Return a span as JSON values; its resource left out."""
    return {
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "name": span.name,
        "start": span.start.isoformat(),
        "end": span.end.isoformat() if span.end else None,
        "status": str(span.status),
        "status_message": span.status_message,
        "attributes": dict(span.attributes),
        "events": [
            {"name": event.name, "time": event.time.isoformat(), "attributes": dict(event.attributes)}
            for event in span.events
        ],
    }


def run_data(spans: Sequence[Span]) -> Iterator[dict[str, Any]]:
    """Yield spans as JSON values; of a model call, what the call before it did not hold already.

    Instrumentations record a request twice or three times over, and each request holds those before it.
    """
    before: tuple[str, list[Any], list[Any]] = ("", [], [])
    for span in spans:
        request = semconv.request(span)
        if request is None:
            yield span_data(span)
            continue
        messages, tools = list(request.get("messages") or []), list(request.get("tools") or [])
        call = {
            **{key: value for key, value in request.items() if key not in {"messages", "tools"}},
            "tools": _unless_known(tools, before[2], before[0]),
            "messages": _new_messages(messages, before[1], before[0]),
            "answer": [as_openai(message) for message in semconv.output_messages(span)],
        }
        yield {**span_data(span), "attributes": call}
        before = (span.span_id, messages, tools)


def _call_told(span: Span) -> dict[str, str | None]:
    """Return the last message of a model call, and its answer with the tools that it asks for."""
    asked, answered = semconv.input_messages(span), semconv.output_messages(span)
    told: dict[str, str | None] = {}
    if asked:
        told[f"in, message {len(asked)}, {one_line(asked[-1].role, 20)}"] = asked[-1].content
    for message in answered[:1]:
        told["out"] = message.content
        told["calls"] = "; ".join(f"{call.name} {call.arguments}" for call in message.tool_calls)
    return told


def _unless_known(tools: list[Any], known: list[Any], span_id: str) -> list[Any] | str:
    return f"the same as in span {span_id}" if tools and tools == known else tools


def _new_messages(messages: list[Any], known: list[Any], span_id: str) -> list[Any]:
    """Return the messages; those that only repeat all of the call before are named instead."""
    if not known or messages[: len(known)] != known:
        return messages
    return [f"the {len(known)} messages of span {span_id}, then:", *messages[len(known) :]]


def _ends(text: str, limit: int) -> str:
    """Keep both ends: a long request starts with the instructions and ends with what was asked last."""
    line = one_line(text, len(text))
    half = limit // 2
    return line if len(line) <= limit else f"{line[:half]} [...] {line[-half:]}"
