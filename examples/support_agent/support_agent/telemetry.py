"""OpenTelemetry: one trace per conversation, exported over OTLP/HTTP as the OTEL_* variables say."""

import inspect
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from support_agent.tools import find_tool

REPOSITORY = Path(__file__).parent.parent

#: A long conversation has more message attributes than the SDK's limit of 128.
MAX_SPAN_ATTRIBUTES = 2048


def configure() -> TracerProvider:
    """Set up tracing for this process; shut the result down to send what is left."""
    provider = TracerProvider(
        resource=Resource.create({"service.name": "support-agent", "service.version": _version()}),
        span_limits=SpanLimits(max_span_attributes=MAX_SPAN_ATTRIBUTES),
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    return provider


def tracer() -> trace.Tracer:
    return trace.get_tracer("support_agent")


@contextmanager
def conversation_span(turns: Sequence[str], *, session_id: str, user_id: str) -> Iterator[trace.Span]:
    attributes = {
        "openinference.span.kind": "AGENT",
        "agent.name": "support-agent",
        "input.value": json.dumps({"turns": list(turns), "user_id": user_id}),
        "input.mime_type": "application/json",
        "session.id": session_id,
        "user.id": user_id,
    }
    with tracer().start_as_current_span("support_agent.conversation", attributes=attributes) as span:
        yield span


@contextmanager
def tool_span(call_id: str, name: str, arguments: Mapping[str, Any]) -> Iterator[trace.Span]:
    attributes = {
        "openinference.span.kind": "TOOL",
        "tool.name": name,
        "tool_call.id": call_id,
        "input.value": json.dumps(arguments),
        "input.mime_type": "application/json",
        **_code_attributes(name),
    }
    with tracer().start_as_current_span(name, attributes=attributes) as span:
        yield span


def _code_attributes(name: str) -> dict[str, str | int]:
    tool = find_tool(name)
    if tool is None:
        return {}
    path = Path(inspect.getfile(tool)).relative_to(REPOSITORY)
    return {
        "code.file.path": path.as_posix(),
        "code.function.name": name,
        "code.line.number": tool.__code__.co_firstlineno,
    }


def _version() -> str:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])
