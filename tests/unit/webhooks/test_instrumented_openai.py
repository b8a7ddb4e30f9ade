"""What the real SDK and the real instrumentation send is what is read: no payload here is hand-made."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from webhooks import otlp, semconv
from webhooks.semconv import Message, Operation, ToolCall
from webhooks.trace import Span, StatusCode

LOOKUP = {"name": "lookup", "description": "d", "parameters": {"type": "object", "properties": {}}}
MESSAGES: list[Any] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "Where is it?"}]},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c0", "type": "function", "function": {"name": "lookup", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "c0", "content": "42"},
]
ANSWER = {
    "id": "r1",
    "object": "chat.completion",
    "created": 1,
    "model": "m-2026",
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "message": {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "lookup", "arguments": '{"a": '}}],
            },
        }
    ],
    "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
}


def provider(request: httpx2.Request) -> httpx2.Response:
    if b"too fast" in request.content:
        return httpx2.Response(429, json={"error": {"message": "slow down"}})
    return httpx2.Response(200, json=ANSWER)


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    found = InMemorySpanExporter()
    tracing = TracerProvider(resource=Resource.create({"service.name": "shop", "service.version": "1.0"}))
    tracing.add_span_processor(SimpleSpanProcessor(found))
    OpenAIInstrumentor().instrument(tracer_provider=tracing)
    yield found
    OpenAIInstrumentor().uninstrument()


def ask(exporter: InMemorySpanExporter, messages: list[Any]) -> Span:
    """Ask the model, and return the span as the receiver reads it from the exporter's bytes."""
    with httpx2.Client(transport=httpx2.MockTransport(provider)) as http:
        client = openai.OpenAI(api_key="k", base_url="http://model/v1", max_retries=0, http_client=http)
        tools: list[Any] = [{"type": "function", "function": LOOKUP}]
        client.chat.completions.create(model="m", messages=messages, tools=tools, temperature=0)
    return sent(exporter)


def sent(exporter: InMemorySpanExporter) -> Span:
    return otlp.decode(encode_spans(exporter.get_finished_spans()).SerializeToString(), otlp.PROTOBUF)[0]


def test_a_model_call_is_read_back_whole(exporter: InMemorySpanExporter) -> None:
    span = ask(exporter, MESSAGES)
    assert (semconv.operation(span), semconv.service_name(span)) == (Operation.LLM, "shop")
    assert [message.role for message in semconv.input_messages(span)] == ["system", "user", "assistant", "tool"]
    call = ToolCall(id="c1", name="lookup", arguments='{"a": ')
    assert semconv.output_messages(span) == [Message(role="assistant", content="", tool_calls=(call,))]
    assert semconv.tool_definitions(span) == [{"type": "function", "function": LOOKUP}]
    assert (semconv.model(span), semconv.finish_reasons(span), semconv.usage(span)) == (
        "m-2026",
        ["tool_calls"],
        (5, 7),
    )


def test_request_and_response_come_back_as_they_went_over_the_wire(exporter: InMemorySpanExporter) -> None:
    span = ask(exporter, MESSAGES)
    tools = [{"type": "function", "function": LOOKUP}]
    assert semconv.request(span) == {"model": "m", "messages": MESSAGES, "temperature": 0, "tools": tools}
    assert semconv.response(span) == ANSWER


def test_a_rate_limit_is_read_as_an_error_with_its_type(exporter: InMemorySpanExporter) -> None:
    with pytest.raises(openai.RateLimitError):
        ask(exporter, [{"role": "user", "content": "too fast"}])
    span = sent(exporter)
    assert span.status is StatusCode.ERROR
    assert semconv.error_type(span) == "openai.RateLimitError"
    assert "slow down" in json.dumps(semconv.exception(span).message if semconv.exception(span) else "")
    assert semconv.response(span) is None
