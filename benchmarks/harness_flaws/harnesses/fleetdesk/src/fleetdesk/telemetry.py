"""OpenTelemetry: one trace per conversation, with the spans of the provider's client and of every tool."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

SERVICE = "fleetdesk"
VERSION = "7.2.1"
ERROR = trace.StatusCode.ERROR
TRACER = trace.get_tracer(SERVICE)
#: A request with thirty tools has more attributes than the SDK's limit of 128.
MAX_ATTRIBUTES = 4096


def configure() -> TracerProvider:
    """Set up tracing for this process; shut the result down to send what is left."""
    provider = TracerProvider(
        resource=Resource.create({"service.name": SERVICE, "service.version": VERSION}),
        span_limits=SpanLimits(max_span_attributes=MAX_ATTRIBUTES),
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    return provider


def conversation_span(turns: Sequence[str], session_id: str, user_id: str) -> Any:
    """Return the span of a whole conversation, as a context."""
    attributes = {
        "openinference.span.kind": "AGENT",
        "agent.name": SERVICE,
        "input.value": json.dumps({"turns": list(turns), "user_id": user_id}),
        "input.mime_type": "application/json",
        "session.id": session_id,
        "user.id": user_id,
    }
    return TRACER.start_as_current_span("fleetdesk.talk", attributes=attributes)


def tool_span(call_id: str, name: str, arguments: Mapping[str, Any]) -> Any:
    """Return the span of one run of a tool, as a context."""
    attributes = {
        "openinference.span.kind": "TOOL",
        "tool.name": name,
        "tool_call.id": call_id,
        "input.value": json.dumps(arguments),
        "input.mime_type": "application/json",
    }
    return TRACER.start_as_current_span(f"tool.{name}", attributes=attributes)


def rate(context: Any, *, helpful: bool, comment: str) -> None:
    """Add a person's rating to a conversation that has ended."""
    parent = trace.set_span_in_context(trace.NonRecordingSpan(context))
    with TRACER.start_as_current_span("rating", context=parent) as span:
        attributes: dict[str, Any] = {
            "gen_ai.evaluation.name": "user_rating",
            "gen_ai.evaluation.score.value": 1.0 if helpful else 0.0,
            "gen_ai.evaluation.score.label": "thumbs_up" if helpful else "thumbs_down",
        }
        if comment:
            attributes["gen_ai.evaluation.explanation"] = comment
        span.add_event("gen_ai.evaluation.result", attributes)
