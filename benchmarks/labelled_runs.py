"""Read runs that people or programs have labelled, and build the traces that an instrumented agent would have sent.

Each line of a file (JSON lines, gzip or not) is {"id", "label", "messages" or "spans", "domain"?, "outcome"?,
"tools"?}. `messages` are {"role", "content", "name"?, "tool_calls"?, "tool_call_id"?}; `spans` OTLP/JSON: an export
request, its resourceSpans, or no more than the spans. `label` is null or false for a healthy run, true for one that
failed in no kind that is known, else a name, a number, a list whose first is the main one, or {"primary", "step"?}
with one of these. The outcome is never put into a trace.
"""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from webhooks.errors import WebhookError
from webhooks.otlp_json import read_spans
from webhooks.sources import jsonl
from webhooks.trace import Span, Trace

START = datetime(2026, 1, 1, tzinfo=UTC)
HEALTHY = frozenset({"", "fine", "healthy", "none", "ok", "passed", "success", "successful"})
SYSTEM_PROMPT = re.compile(r"\[\[system prompt (\w+):")
TERMINALS = ("terminal", "executor")
#: Where a label that is an object may have its name.
NAMES = ("primary", "name", "label", "category")


class UnreadableRun(ValueError):
    """A line of a file is no labelled run; says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledRun:
    """One run, what it was labelled with, and its trace."""

    id: str
    domain: str
    failed: bool
    #: The name of what failed; "" for a healthy run, and for one that is only said to have failed.
    label: str
    #: As labelled, by whatever counts there; None where no step was labelled.
    step: int | None
    n_steps: int
    trace: Trace
    #: Position of the message that each span shows, from 0.
    step_of: Mapping[str, int]


def read_runs(path: Path) -> Iterator[LabelledRun]:
    """Yield the runs of a file in order.

    Raises
    ------
    UnreadableRun
        When a line is not JSON, or is no run.

    """
    data = path.read_bytes()
    prompts = _system_prompts(path)
    for number, line in enumerate((gzip.decompress(data) if path.suffix == ".gz" else data).split(b"\n"), 1):
        if line.strip():
            yield _read(line, f"line {number} of {path}", prompts)


def _read(line: bytes, where: str, prompts: Mapping[str, str]) -> LabelledRun:
    try:
        return _run(_object(line), prompts)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, WebhookError) as error:
        told = f"no {error}" if isinstance(error, KeyError) else error
        raise UnreadableRun(f"{where} is no labelled run: {told}") from error


def _object(line: bytes) -> dict[str, Any]:
    found = json.loads(line)
    if not isinstance(found, dict):
        raise TypeError(f"an object is expected, not {type(found).__name__}")
    if not (found.get("messages") or found.get("spans")):
        raise ValueError("it has neither messages nor spans")
    return found


def _system_prompts(path: Path) -> dict[str, str]:
    """Return the long system prompts that a file names by a key, from the file beside it."""
    beside = path.with_name(f"{path.name.partition('.')[0]}.systems.json")
    return dict(json.loads(beside.read_text("utf-8"))) if beside.exists() else {}


def _run(found: Mapping[str, Any], prompts: Mapping[str, str]) -> LabelledRun:
    messages = [_with_prompt(message, prompts) for message in found.get("messages") or ()]
    spans = _read_spans(found["spans"]) if found.get("spans") else _decoded(found, messages)
    label = found.get("label")
    failed = _failed(label, found.get("outcome"))
    return LabelledRun(
        id=str(found["id"]),
        domain=str(found.get("domain") or "all"),
        failed=failed,
        label=_label(label) if failed else "",
        step=label.get("step") if isinstance(label, dict) else None,
        n_steps=len(messages) or len(spans),
        trace=Trace.from_spans(spans),
        step_of=_steps(spans, len(messages)),
    )


def _with_prompt(message: dict[str, Any], prompts: Mapping[str, str]) -> dict[str, Any]:
    """Put a long system prompt in the place of its key."""
    said = message.get("content")
    key = SYSTEM_PROMPT.match(said) if isinstance(said, str) else None
    return message | {"content": prompts.get(key.group(1), said)} if key else message


def _failed(label: object, outcome: object) -> bool:
    if label is None and isinstance(outcome, dict):
        return not outcome.get("success", True)
    if isinstance(label, dict):
        return bool(label.get("failed", True))
    return label.strip().lower() not in HEALTHY if isinstance(label, str) else bool(label)


def _label(label: object) -> str:
    if isinstance(label, dict):
        label = next((label[name] for name in NAMES if name in label), "")
    if isinstance(label, list):
        return _label(label[0]) if label else ""
    return "" if isinstance(label, bool | dict | None) else str(label).strip()


def _read_spans(spans: dict[str, Any] | list[dict[str, Any]]) -> list[Span]:
    """Read OTLP/JSON: an export request, its resourceSpans, or no more than the spans."""
    if isinstance(spans, list) and any("scopeSpans" in item for item in spans):
        spans = {"resourceSpans": spans}
    elif isinstance(spans, list):
        spans = {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}
    return list(read_spans(json.dumps(spans).encode()))


def _steps(spans: list[Span], n_messages: int) -> dict[str, int]:
    """Return which message each span shows: the reader of messages numbers its spans by them."""
    if not n_messages:
        return {span.span_id: at for at, span in enumerate(spans)}
    first = min(span.start for span in spans)
    return {span.span_id: max(round((span.start - first) / jsonl.STEP) - 1, 0) for span in spans}


def _decoded(found: Mapping[str, Any], messages: list[dict[str, Any]]) -> list[Span]:
    names = {message.get("name") for message in messages if message["role"] != "tool"} - {None}
    messages = _group_chat(messages) if len(names) > 1 else _with_call_ids(messages)
    line = {"id": found["id"], "time": START.isoformat(), "messages": messages, "tools": found.get("tools")}
    return jsonl.decode(json.dumps(line).encode())


def _with_call_ids(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tie each result to its call, in order, where the source did not."""
    asked: list[dict[str, Any]] = []
    tied = []
    for message in messages:
        if message.get("tool_calls"):
            asked = list(message["tool_calls"])
        call = asked.pop(0) if message["role"] == "tool" and asked else {}
        tied.append({"tool_call_id": call["id"]} | message if call.get("id") else message)
    return [message | {"content": message.get("content") or ""} for message in tied]


def _group_chat(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Read several agents' talk as an agent's: each word a model's, but a terminal's, which is a tool's result."""
    told: list[dict[str, Any]] = []
    for at, message in enumerate(messages):
        named = message.get("name") or message["role"]
        said = message.get("content") or ""
        if any(word in named.lower() for word in TERMINALS) and told:
            call = {"id": f"call-{at}", "name": named, "arguments": json.dumps({"code": told[-1]["content"]})}
            told[-1] = told[-1] | {"tool_calls": [call]}
            told.append({"role": "tool", "content": said, "tool_call_id": call["id"]})
        else:
            told.append({"role": "assistant", "content": said})
    return told
