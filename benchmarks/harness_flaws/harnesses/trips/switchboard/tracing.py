"""Spans in OpenTelemetry's conventions for generative AI."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

TRACER = trace.get_tracer("switchboard")


def configure(service: str, version: str) -> TracerProvider:
    provider = TracerProvider(resource=Resource.create({"service.name": service, "service.version": version}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider


def agent_span(name: str, turns: Sequence[str], session_id: str, user_id: str) -> Any:
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": name,
        "gen_ai.conversation.id": session_id,
        "user.id": user_id,
        "input.value": json.dumps({"turns": list(turns), "user_id": user_id}),
    }
    return TRACER.start_as_current_span(f"invoke_agent {name}", attributes=attributes)


def chat_span(request: Mapping[str, Any]) -> Any:
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": request["model"],
        "gen_ai.request.temperature": request["temperature"],
        "gen_ai.request.max_tokens": request["max_tokens"],
        "gen_ai.input.messages": json.dumps([_message(message) for message in request["messages"]]),
        "gen_ai.tool.definitions": json.dumps(request["tools"]),
    }
    return TRACER.start_as_current_span(f"chat {request['model']}", attributes=attributes)


def record_answer(span: trace.Span, message: Mapping[str, Any], reason: str, usage: Any) -> None:
    span.set_attribute("gen_ai.output.messages", json.dumps([_message(message) | {"finish_reason": reason}]))
    span.set_attribute("gen_ai.response.finish_reasons", [reason])
    if usage is not None:
        span.set_attribute("gen_ai.usage.input_tokens", usage.prompt_tokens)
        span.set_attribute("gen_ai.usage.output_tokens", usage.completion_tokens)


def tool_span(call_id: str, tool: Any, arguments: Mapping[str, Any]) -> Any:
    code = tool.function.__code__
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": tool.name,
        "gen_ai.tool.call.id": call_id,
        "gen_ai.tool.call.arguments": json.dumps(arguments),
        "code.file.path": code.co_filename,
        "code.line.number": code.co_firstlineno,
    }
    return TRACER.start_as_current_span(f"execute_tool {tool.name}", attributes=attributes)


def rate(context: Any, helpful: bool, comment: str) -> None:
    parent = trace.set_span_in_context(trace.NonRecordingSpan(context))
    with TRACER.start_as_current_span("rating", context=parent) as span:
        told = {
            "gen_ai.evaluation.name": "traveller_rating",
            "gen_ai.evaluation.score.label": "thumbs_up" if helpful else "thumbs_down",
            "gen_ai.evaluation.explanation": comment,
        }
        span.add_event("gen_ai.evaluation.result", {key: value for key, value in told.items() if value})


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    if message["role"] == "tool":
        parts.append({"type": "tool_call_response", "id": message["tool_call_id"], "response": message["content"]})
    elif message.get("content"):
        parts.append({"type": "text", "content": message["content"]})
    for call in message.get("tool_calls") or ():
        function = call["function"]
        parts.append(
            {"type": "tool_call", "id": call["id"], "name": function["name"], "arguments": function["arguments"]}
        )
    return {"role": message["role"], "parts": parts}
