"""What is found in the payloads of many frameworks, and whether what is not found is really not there.

    python benchmarks/payloads.py --payloads FILE.jsonl.gz [--json OUT]

Each line of the file is `{"id", "format", "payload"}`: an export of Langfuse, a LangSmith batch, or spans of
OpenInference and Vercel's AI SDK. For each: how many spans have what. `-` means that nothing was found and nothing
in the payload's text looks like it; `MISSED` that something does. The looks are searched in the text, by patterns that
know no parser.
"""

import argparse
import gzip
import json
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from webhooks import semconv
from webhooks.sources import langfuse_export, langsmith, langsmith_requests
from webhooks.trace import Event, Span, StatusCode, Trace

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

#: What is looked for -> how its presence looks in the text of a payload, once its nested JSON is unescaped.
LOOKS = {
    "messages": r'_messages|"role" ?:|gen_ai\.(prompt|completion|input|output)\b|ai\.prompt|"llm\.prompts',
    "tool_calls": r'tool_calls?" ?: ?\[ ?\{|tool_calls\.\d|toolCalls?"? ?: ?"?\[ ?\{|function_call"? ?: ?\{|"tool_use"'
    r'|execute_tool|"ai\.toolCall|"type" ?: ?"TOOL"|gen_ai\.tool\.(name|call)|"tool_call"',
    "errors": r'"level" ?: ?"ERROR"|exception\.(type|message)|"code" ?: ?2\b|error\.type|"error" ?: ?"[^"]',
    "feedback": r'"scores" ?: ?\[ ?\{|gen_ai\.evaluation|"(evaluations|annotations)\.\d|"feedback" ?: ?\[ ?\{',
    "tokens": r'(token_count\.(prompt|completion)|usage\.(input|output|prompt|completion)\w*)"? ?: ?"?[1-9]'
    r'|"(input|output|input_tokens|output_tokens|prompt_tokens|completion_tokens)" ?: ?[1-9]',
    "model": r'"model" ?: ?"[^"]|model_name" ?: ?"[^"]|(request|response)\.model" ?: ?"[^"]|"ai\.model\.id'
    r'|"ls_model_name',
    "session": r'sessionId" ?: ?"[^"]|session\.id" ?: ?"[^"]|conversation\.id" ?: ?"[^"]'
    r'|"metadata" ?: ?"?\{[^{}]*"thread_id" ?: ?"[^"]',
    "release": r'service\.version" ?: ?"[^"]|"release" ?: ?"[^"]|revision_id" ?: ?"[^"]',
}


def main() -> None:
    """Print the table, or write it; the exit status is 1 when something that is there was not found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payloads", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with gzip.open(asked.payloads, "rt") as lines:
        rows = [_row(json.loads(line)) for line in lines]
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1))
    print(f"{'payload':58}{'spans':>6}", *(f"{name:>10}" for name in LOOKS))
    for row in rows:
        print(f"{row['id'][:57]:58}{row['spans']:>6}", *(f"{_shown(row[name]):>10}" for name in LOOKS))
    n_missed = sum(row[name] == "missed" for row in rows for name in LOOKS)
    print(f"{len(rows)} payloads, {n_missed} of {len(rows) * len(LOOKS)} things are there and were not found")
    sys.exit(n_missed > 0)


def _shown(value: int | str) -> str:
    return {"missed": "MISSED", 0: "-"}.get(value, str(value))


def _row(line: Mapping[str, Any]) -> dict[str, Any]:
    spans = list(_spans(line["payload"]))
    found = _found(spans)
    text = _unescaped(json.dumps(line["payload"]))
    seen = {name: bool(re.search(pattern, text)) for name, pattern in LOOKS.items()}
    told = {name: "missed" if spans and seen[name] and not found[name] else found[name] for name in LOOKS}
    return {"id": line["id"], "spans": len(spans), **told}


def _unescaped(text: str) -> str:
    """Return text in which JSON within JSON reads as JSON."""
    return re.sub(r'\\+"', '"', text)


def _found(spans: list[Span]) -> dict[str, int]:
    by_trace: dict[str, list[Span]] = {}
    for span in spans:
        by_trace.setdefault(span.trace_id, []).append(span)
    traces = [Trace.from_spans(members) for members in by_trace.values()]
    whole = [span for trace in traces for span in trace.spans]
    said = [(semconv.input_messages(span), semconv.output_messages(span)) for span in whole]
    return {
        "messages": sum(bool(asked or answered) for asked, answered in said),
        "tool_calls": sum(len(message.tool_calls) for pair in said for messages in pair for message in messages)
        + sum(semconv.tool_name(span) is not None for span in whole),
        "errors": sum(span.status is StatusCode.ERROR or semconv.error_type(span) is not None for span in whole),
        "feedback": sum(len(semconv.evaluations(span)) for span in whole),
        "tokens": sum(any(semconv.usage(span)) for span in whole),
        "model": sum(semconv.model(span) is not None for span in whole),
        "session": sum(semconv.session_id(trace) is not None for trace in traces),
        "release": sum(semconv.release(trace) is not None for trace in traces),
    }


def _spans(payload: Any) -> Iterator[Span]:  # noqa: ANN401  # any JSON value
    if isinstance(payload, dict) and "observations" in payload:
        yield from langfuse_export.decode(json.dumps(payload).encode())
    elif isinstance(payload, dict) and ("post" in payload or "patch" in payload):
        yield from langsmith.decode(langsmith_requests.from_batch(json.dumps(payload).encode()))
    elif isinstance(payload, dict) and all(isinstance(value, list) for value in payload.values()):
        yield from (span for value in payload.values() for item in value for span in _spans([item]))
    elif isinstance(payload, list):
        yield from (_javascript(item) for item in payload if "spanContext" in item)
    elif "captureDate" not in payload:  # the attributes of one span, and nothing else
        yield Span(trace_id="t", span_id="s", name="", start=EPOCH, end=EPOCH, attributes=payload)


def _javascript(item: Mapping[str, Any]) -> Span:
    """Return a span as OpenTelemetry's JavaScript SDK holds it."""
    context, status = item["spanContext"], item.get("status") or {}
    events = tuple(
        Event(name=event["name"], time=EPOCH, attributes=event.get("attributes") or {})
        for event in item.get("events") or ()
    )
    return Span(
        trace_id=context["traceId"],
        span_id=context["spanId"],
        parent_span_id=item.get("parentSpanId"),
        name=item["name"],
        start=EPOCH,
        end=EPOCH + timedelta(seconds=1),
        status=StatusCode.ERROR if status.get("code") == 2 else StatusCode.UNSET,  # noqa: PLR2004  # STATUS_CODE_ERROR
        attributes=item.get("attributes") or {},
        events=events,
        resource=(item.get("resource") or {}).get("attributes") or {},
    )


if __name__ == "__main__":
    main()
