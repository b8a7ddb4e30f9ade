"""Read what is exported from Langfuse: a trace with its observations and scores, or observations alone. No I/O.

    {"trace": {...}, "observations": [...], "scores": [...]}    or    {"id": ..., "observations": [...], ...}
    [observation, ...]    or    observation

An observation that came by OpenTelemetry keeps the attributes that it had in its metadata; they are read as they were.

https://langfuse.com/docs/api-and-data-platform/features/export-from-ui
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from webhooks.attributes import mapping, number, sequence, text
from webhooks.errors import Undecodable
from webhooks.iso_time import read_time
from webhooks.json_body import objects, read_json
from webhooks.otlp_fields import shown
from webhooks.trace import ROOT, Event, Span, StatusCode

#: What Langfuse keeps of a span of OpenTelemetry in its metadata.
OTEL_KEYS = frozenset({"attributes", "resourceAttributes", "scope"})


def is_export(value: object) -> bool:
    """Tell whether a JSON value looks like an export of Langfuse."""
    if isinstance(value, list):
        return bool(value) and all(_is_observation(item) for item in value)
    return isinstance(value, dict) and (isinstance(value.get("observations"), list) or _is_observation(value))


def decode(body: bytes) -> list[Span]:
    """Return the observations and scores of an export.

    Raises
    ------
    Undecodable
        When it holds no observations, or one has no id, trace or time.

    """
    found = read_json(body, name="an export of Langfuse")
    whole = found if isinstance(found, dict) else {}
    items = objects(whole.get("observations", [whole] if whole else found), name="observations")
    trace = mapping(whole.get("trace")) or (whole if "observations" in whole else {})
    spans = [_span(item, trace) for item in items]
    if not spans:
        raise Undecodable("an export of Langfuse without observations")
    scores = sequence(whole.get("scores")) or sequence(trace.get("scores"))
    return [*spans, *(_score(score, spans[0]) for score in scores if isinstance(score, dict))]


def _is_observation(value: object) -> bool:
    return isinstance(value, dict) and "traceId" in value and "startTime" in value


def _span(item: Mapping[str, Any], trace: Mapping[str, Any]) -> Span:
    trace_id = text(item.get("traceId")) or text(trace.get("id"))
    span_id, start = text(item.get("id")), read_time(item.get("startTime"))
    if not trace_id or not span_id or start is None:
        raise Undecodable(f"observation {shown(item.get('id'))} of Langfuse has no id, trace or time")
    metadata = mapping(item.get("metadata"))
    level, said = text(item.get("level")) or "", text(item.get("statusMessage")) or ""
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=text(item.get("parentObservationId")),
        name=text(item.get("name")) or "",
        start=start,
        end=read_time(item.get("endTime")),
        status=StatusCode.ERROR if level == "ERROR" else StatusCode.UNSET,
        status_message=said,
        attributes=_attributes(item, trace, metadata),
        resource=_resource(trace, metadata),
        scope=text(mapping(metadata.get("scope")).get("name")) or "langfuse",
    )


def _attributes(item: Mapping[str, Any], trace: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    usage = mapping(item.get("usageDetails")) or mapping(item.get("usage"))
    answered = mapping(mapping(item.get("output")).get("usage_metadata"))  # a message of LangChain
    beside = {f"langfuse.observation.metadata.{key}": metadata[key] for key in metadata if key not in OTEL_KEYS}
    found = {
        "langfuse.observation.type": (text(item.get("type")) or "").lower() or None,
        "langfuse.observation.input": item.get("input"),
        "langfuse.observation.output": item.get("output"),
        "langfuse.observation.model.name": item.get("model"),
        "langfuse.observation.level": item.get("level"),
        "gen_ai.usage.input_tokens": usage.get("input") or answered.get("input_tokens"),
        "gen_ai.usage.output_tokens": usage.get("output") or answered.get("output_tokens"),
        "session.id": trace.get("sessionId"),
        "user.id": trace.get("userId"),
        "langfuse.release": trace.get("release"),
        **beside,
        **mapping(metadata.get("attributes")),
    }
    return {key: value for key, value in found.items() if value not in (None, "", [], {})}


def _resource(trace: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    recorded = mapping(metadata.get("resourceAttributes"))
    return {"service.name": text(trace.get("name")) or "", **recorded} if trace.get("name") else recorded


def _score(score: Mapping[str, Any], of: Span) -> Span:
    value, name = score.get("value"), text(score.get("name")) or "score"
    said = {
        "gen_ai.evaluation.name": name,
        "gen_ai.evaluation.score.value": float(value) if isinstance(value, bool) else number(value),
        "gen_ai.evaluation.score.label": value if isinstance(value, str) else text(score.get("stringValue")),
        "gen_ai.evaluation.explanation": text(score.get("comment")),
    }
    time = read_time(score.get("timestamp")) or of.start
    attributes = {key: item for key, item in said.items() if item is not None}
    about = text(score.get("observationId")) or ROOT
    digest = hashlib.sha256(orjson.dumps(score, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    return Span(
        trace_id=of.trace_id,
        span_id=f"{about}/score-{digest}",
        name="",
        start=time,
        events=(Event(name="gen_ai.evaluation.result", time=time, attributes=attributes),),
        scope="langfuse",
        completes=about,
    )
