"""Read what the LangSmith SDK sends: runs as they start, runs as they end, and feedback. No I/O.

Whatever the route, a request is kept as one JSON object, `{"post": [run], "patch": [run], "feedback": [feedback]}`,
which is LangSmith's own /runs/batch with the feedback beside it. Each item is a record that completes its run.

https://docs.langchain.com/langsmith/run-data-format
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from webhooks.attributes import mapping, number, text
from webhooks.errors import Undecodable
from webhooks.iso_time import RECEIVED_AT, read_time
from webhooks.json_body import objects, read_object, write_json
from webhooks.langchain import messages_of
from webhooks.otlp_fields import shown
from webhooks.trace import ROOT, Event, Span, StatusCode

ERROR_TYPE = re.compile(r"\s*([A-Za-z_][\w.]{0,200})\(")
TRACEBACK = "Traceback (most recent call last)"
UUID_VERSION_WITH_TIME = 7
DOTTED_ID = re.compile(r"Z([0-9a-f-]{36})$")
DOTTED_TIME = re.compile(r"(?:^|\.)(\d{8}T\d{6})(\d{6})Z[^.]*$")


def decode(body: bytes) -> list[Span]:
    """Return the runs and feedback of a kept request as records that complete their runs.

    Raises
    ------
    Undecodable
        When the body is no such object, or an item says neither what it is about nor when it was.

    """
    request = read_object(body, name="LangSmith runs")
    posts = [_run(run, "1-post") for run in objects(request.get("post"), name="post")]
    patches = [_run(run, "2-patch") for run in objects(request.get("patch"), name="patch")]
    return [*posts, *patches, *(_feedback(item) for item in objects(request.get("feedback"), name="feedback"))]


def _run(run: dict[str, Any], step: str) -> Span:
    run_id = _id(_named(run), "id")
    trace_id = _id(run, "trace_id") if run.get("trace_id") else run_id
    parent = _id(run, "parent_run_id") if run.get("parent_run_id") else None
    error = text(run.get("error")) or ""
    start = _start(run)
    return Span(
        trace_id=trace_id,
        span_id=f"{run_id}/{step}-{_digest(run)}",
        parent_span_id=parent,
        name=text(run.get("name")) or "",
        start=start,
        end=read_time(run.get("end_time")),
        status=StatusCode.ERROR if error else StatusCode.UNSET,
        status_message=error.partition(TRACEBACK)[0].strip(),
        attributes=_attributes(run, is_root=run_id == trace_id),
        events=(_exception(error, read_time(run.get("end_time")) or start),) if error else (),
        resource=_resource(run),
        scope="langsmith",
        completes=run_id,
    )


def _feedback(item: Mapping[str, Any]) -> Span:
    # Sent again it arrives at another time, and is the same.
    feedback = {key: value for key, value in item.items() if key != RECEIVED_AT}
    # Without a trace it is about a root run, as from a thumb below an answer; a child's is sent with its trace.
    run_id = _id(feedback, "run_id" if feedback.get("run_id") else "trace_id")
    trace_id = _id(feedback, "trace_id") if feedback.get("trace_id") else run_id
    said = read_time(feedback.get("created_at")) or read_time(item.get(RECEIVED_AT))
    time = said or _start({"id": feedback.get("run_id"), **feedback})
    score = feedback.get("score")
    found = {
        "gen_ai.evaluation.name": text(feedback.get("key")) or "feedback",
        "gen_ai.evaluation.score.value": float(score) if isinstance(score, bool) else number(score),
        "gen_ai.evaluation.score.label": text(feedback.get("value")),
        "gen_ai.evaluation.explanation": text(feedback.get("comment")) or text(feedback.get("correction")),
    }
    attributes = {key: value for key, value in found.items() if value is not None}
    return Span(
        trace_id=trace_id,
        span_id=f"{run_id}/3-feedback-{_digest(feedback)}",
        name="",
        start=time,
        events=(Event(name="gen_ai.evaluation.result", time=time, attributes=attributes),),
        scope="langsmith",
        completes=ROOT if run_id == trace_id else run_id,
    )


def _named(run: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a run with its id, which JavaScript's SDK leaves to the end of dotted_order when it updates a run."""
    ordered = DOTTED_ID.search(text(run.get("dotted_order")) or "")
    return run if run.get("id") or not ordered else {**run, "id": ordered[1]}


def _id(item: Mapping[str, Any], key: str) -> str:
    """Return an id as 32 hex digits, as OpenTelemetry would write it."""
    value = item.get(key)
    try:
        return UUID(value).hex if isinstance(value, str) else _refuse(key, value)
    except ValueError:
        return _refuse(key, value)


def _refuse(key: str, value: object) -> str:
    raise Undecodable(f"{key} of a LangSmith run is not a UUID: {shown(value)}")


def _start(run: Mapping[str, Any]) -> datetime:
    """Return when a run began, as near as it says: an update may name only its end, or nothing but its id."""
    dotted = DOTTED_TIME.search(text(run.get("dotted_order")) or "")
    ordered = f"{dotted[1]}.{dotted[2]}+00:00" if dotted else None
    run_id = UUID(_id(_named(run), "id"))
    made = run_id.int >> 80 if run_id.version == UUID_VERSION_WITH_TIME else None
    found = read_time(run.get("start_time")) or read_time(ordered) or read_time(run.get("end_time")) or read_time(made)
    if found is None:
        raise Undecodable(f"LangSmith run {run_id} says no time")
    return found


def _attributes(run: Mapping[str, Any], *, is_root: bool) -> dict[str, Any]:
    run_type = text(run.get("run_type"))
    extra = mapping(run.get("extra"))
    metadata = mapping(extra.get("metadata"))
    inputs, outputs = mapping(run.get("inputs")), mapping(run.get("outputs"))
    tokens = mapping(outputs.get("usage_metadata")) or mapping(metadata.get("usage_metadata"))
    parameters = mapping(extra.get("invocation_params"))
    found = {
        "langsmith.span.kind": run_type,
        "gen_ai.operation.name": "invoke_agent" if is_root and run_type == "chain" else None,
        "input.value": _value(inputs, "input"),
        "output.value": _value(outputs, "output"),
        "gen_ai.input.messages": messages_of(inputs) if run_type == "llm" else None,
        "gen_ai.output.messages": messages_of(outputs) if run_type == "llm" else None,
        "gen_ai.tool.definitions": parameters.get("tools"),
        "gen_ai.tool.name": run.get("name") if run_type == "tool" else None,
        "gen_ai.tool.call.id": mapping(mapping(outputs.get("output")).get("kwargs")).get("tool_call_id"),
        "gen_ai.request.model": metadata.get("ls_model_name") or parameters.get("model"),
        "gen_ai.usage.input_tokens": tokens.get("input_tokens"),
        "gen_ai.usage.output_tokens": tokens.get("output_tokens"),
        "tag.tags": run.get("tags"),
        **{f"langsmith.metadata.{key}": value for key, value in metadata.items()},
    }
    return {key: value for key, value in found.items() if value not in (None, "", [], {})}


def _value(values: Mapping[str, Any], alone: str) -> str | None:
    """Return inputs or outputs as text; what a function returned is wrapped under one name."""
    if not values:
        return None
    content = values[alone] if list(values) == [alone] else values
    constructed = mapping(mapping(content).get("kwargs")) if isinstance(content, dict) and "lc" in content else {}
    return text(constructed.get("content")) if constructed else text(content)


def _resource(run: Mapping[str, Any]) -> dict[str, Any]:
    metadata = mapping(mapping(run.get("extra")).get("metadata"))
    found = {"service.name": text(run.get("session_name")), "service.version": text(metadata.get("revision_id"))}
    return {key: value for key, value in found.items() if value}


def _exception(error: str, time: datetime) -> Event:
    """Return the exception that LangSmith writes as `Type('message')`, followed by its traceback."""
    head, marker, trace = error.partition(TRACEBACK)
    head = head.strip()
    typed = ERROR_TYPE.match(head)
    message = head[typed.end() :].removesuffix(")").strip("'\"") if typed else head
    attributes = {
        "exception.type": typed[1] if typed else "",
        "exception.message": message,
        "exception.stacktrace": marker + trace,
    }
    return Event(name="exception", time=time, attributes=attributes)


def _digest(item: Mapping[str, Any]) -> str:
    """Return what tells this record from others of its run, and is the same when it is sent again by another route."""
    return hashlib.sha256(write_json(item, sort=True)).hexdigest()[:16]
