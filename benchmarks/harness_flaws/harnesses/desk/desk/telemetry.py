"""OpenTelemetry: one trace per conversation."""

import json
from contextlib import contextmanager

from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

TRACER = trace.get_tracer("desk")


def configure():
    provider = TracerProvider(
        resource=Resource.create({"service.name": "expense-desk", "service.version": "2.3.0"}),
        span_limits=SpanLimits(max_span_attributes=2048),
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    return provider


@contextmanager
def conversation(turns, session_id, user_id):
    attributes = {
        "openinference.span.kind": "AGENT",
        "input.value": json.dumps({"turns": list(turns), "user_id": user_id}),
        "session.id": session_id,
        "user.id": user_id,
    }
    with TRACER.start_as_current_span("desk.conversation", attributes=attributes) as span:
        yield span


@contextmanager
def tool_run(call_id, name, arguments):
    attributes = {
        "openinference.span.kind": "TOOL",
        "tool.name": name,
        "tool_call.id": call_id,
        "input.value": json.dumps(arguments),
    }
    with TRACER.start_as_current_span(name, attributes=attributes) as span:
        yield span


def rate(context, helpful, comment):
    parent = trace.set_span_in_context(trace.NonRecordingSpan(context))
    with TRACER.start_as_current_span("rating", context=parent) as span:
        attributes = {
            "gen_ai.evaluation.name": "employee_rating",
            "gen_ai.evaluation.score.value": 1.0 if helpful else 0.0,
            "gen_ai.evaluation.score.label": "thumbs_up" if helpful else "thumbs_down",
        }
        if comment:
            attributes["gen_ai.evaluation.explanation"] = comment
        span.add_event("gen_ai.evaluation.result", attributes)
