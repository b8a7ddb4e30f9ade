import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webhooks import attribute_keys, semconv
from webhooks.semconv import Evaluation, Message, Operation, ToolCall
from webhooks.trace import Event, Span, Trace

MakeSpan = Callable[..., Span]

CALL = ToolCall(id="c1", name="get_weather", arguments='{"city":"Paris"}')
CONVERSATION = [
    Message(role="system", content="Be brief."),
    Message(role="user", content="Weather in Paris?"),
    Message(role="assistant", content="", tool_calls=(CALL,)),
    Message(role="tool", content="rainy", tool_call_id="c1"),
]
ANSWER = [Message(role="assistant", content="It rains.")]

OPENINFERENCE = {
    "openinference.span.kind": "LLM",
    "llm.input_messages.0.message.role": "system",
    "llm.input_messages.0.message.content": "Be brief.",
    "llm.input_messages.1.message.role": "user",
    "llm.input_messages.1.message.contents.0.message_content.type": "text",
    "llm.input_messages.1.message.contents.0.message_content.text": "Weather in Paris?",
    "llm.input_messages.2.message.role": "assistant",
    "llm.input_messages.2.message.tool_calls.0.tool_call.id": "c1",
    "llm.input_messages.2.message.tool_calls.0.tool_call.function.name": "get_weather",
    "llm.input_messages.2.message.tool_calls.0.tool_call.function.arguments": '{"city":"Paris"}',
    "llm.input_messages.3.message.role": "tool",
    "llm.input_messages.3.message.content": "rainy",
    "llm.input_messages.3.message.tool_call_id": "c1",
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.content": "It rains.",
}
PARTS = [
    {"role": "user", "parts": [{"type": "text", "content": "Weather in Paris?"}]},
    {
        "role": "assistant",
        "parts": [
            {"type": "reasoning", "content": "a tool would help"},
            {"type": "tool_call", "id": "c1", "name": "get_weather", "arguments": {"city": "Paris"}},
        ],
    },
    {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "rainy"}]},
]
GEN_AI = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
    "gen_ai.input.messages": PARTS,
    "gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": "text", "content": "It rains."}]}],
}
GEN_AI_TEXT = {key: value if isinstance(value, str) else json.dumps(value) for key, value in GEN_AI.items()}
OPENLLMETRY = {
    "llm.request.type": "chat",
    "gen_ai.prompt.0.role": "system",
    "gen_ai.prompt.0.content": "Be brief.",
    "gen_ai.prompt.1.role": "user",
    "gen_ai.prompt.1.content": "Weather in Paris?",
    "gen_ai.prompt.2.role": "assistant",
    "gen_ai.prompt.2.tool_calls.0.id": "c1",
    "gen_ai.prompt.2.tool_calls.0.name": "get_weather",
    "gen_ai.prompt.2.tool_calls.0.arguments": '{"city":"Paris"}',
    "gen_ai.prompt.3.role": "tool",
    "gen_ai.prompt.3.content": "rainy",
    "gen_ai.prompt.3.tool_call_id": "c1",
    "gen_ai.completion.0.role": "assistant",
    "gen_ai.completion.0.content": "It rains.",
    "gen_ai.completion.0.finish_reason": "stop",
}
OPENAI_MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "Weather in Paris?"}]},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'}}
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "rainy"},
]
COMPLETION = {
    "choices": [{"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": "It rains."}}]
}
GEN_AI_PROMPT = {
    "gen_ai.system": "openai",
    "gen_ai.operation.name": "chat",
    "gen_ai.prompt": json.dumps({"messages": OPENAI_MESSAGES}),
    "gen_ai.completion": json.dumps(COMPLETION),
}
VALUES = {
    "openinference.span.kind": "LLM",
    "input.value": json.dumps({"model": "m", "messages": OPENAI_MESSAGES}),
    "output.value": json.dumps(COMPLETION),
}
VERCEL = {
    "ai.operationId": "ai.generateText.doGenerate",
    "ai.prompt.messages": json.dumps(
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Weather in Paris?"}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "tool-call", "toolCallId": "c1", "toolName": "get_weather", "input": {"city": "Paris"}}
                ],
            },
            {"role": "tool", "content": [{"type": "tool-result", "toolCallId": "c1", "output": "rainy"}]},
        ]
    ),
    "ai.response.text": "It rains.",
}
DIALECTS = {
    "openinference": OPENINFERENCE,
    "openinference values only": VALUES,
    "gen_ai structured": GEN_AI,
    "gen_ai text": GEN_AI_TEXT,
    "gen_ai prompt and completion": GEN_AI_PROMPT,
    "openllmetry": OPENLLMETRY,
    "vercel": VERCEL,
}


@pytest.mark.parametrize("attributes", DIALECTS.values(), ids=DIALECTS)
def test_one_conversation_reads_the_same_in_every_dialect(make_span: MakeSpan, attributes: dict[str, Any]) -> None:
    span = make_span(attributes)
    assert semconv.operation(span) is Operation.LLM
    assert semconv.input_messages(span) == CONVERSATION
    assert semconv.output_messages(span) == ANSWER


MESSAGE_EVENTS: list[tuple[str, dict[str, Any]]] = [
    ("gen_ai.system.message", {"content": "Be brief."}),
    ("gen_ai.user.message", {"content": "Weather in Paris?"}),
    ("gen_ai.assistant.message", {"tool_calls": json.dumps(OPENAI_MESSAGES[2]["tool_calls"])}),
    ("gen_ai.tool.message", {"id": "c1", "content": "rainy"}),
    ("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": json.dumps({"content": "It rains."})}),
]
INLINED_EVENTS = json.dumps([{"event.name": name, **item} for name, item in MESSAGE_EVENTS])


@pytest.mark.parametrize(("attributes", "events"), [({}, MESSAGE_EVENTS), ({"events": INLINED_EVENTS}, [])])
def test_messages_in_events_are_read(make_span: MakeSpan, attributes: dict[str, Any], events: list[Any]) -> None:
    span = make_span({"gen_ai.operation.name": "chat", **attributes}, events=events)
    assert (semconv.input_messages(span), semconv.output_messages(span)) == (CONVERSATION, ANSWER)
    assert semconv.finish_reasons(span) == ["stop"]


def test_langchain_s_tool_calls_are_read(make_span: MakeSpan) -> None:
    message = {
        "role": "assistant",
        "content": "",
        "additional_kwargs": {"tool_calls": OPENAI_MESSAGES[2]["tool_calls"]},
    }
    span = make_span({"openinference.span.kind": "LLM", "output.value": json.dumps(message)})
    assert semconv.output_messages(span)[0].tool_calls == (CALL,)


def test_malformed_arguments_stay_as_the_model_sent_them(make_span: MakeSpan) -> None:
    prefix = "llm.output_messages.0.message.tool_calls.0.tool_call.function."
    span = make_span({f"{prefix}name": "f", f"{prefix}arguments": '{"a": '})
    assert semconv.output_messages(span)[0].tool_calls == (ToolCall(id="", name="f", arguments='{"a": '),)


def test_flattened_messages_are_ordered_by_number_not_by_text(make_span: MakeSpan) -> None:
    attributes = {f"llm.input_messages.{n}.message.content": str(n) for n in (10, 9, 0)}
    assert [message.content for message in semconv.input_messages(make_span(attributes))] == ["0", "9", "10"]


def test_a_picture_shows_as_its_type(make_span: MakeSpan) -> None:
    content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": "https://x"}}]
    span = make_span({"gen_ai.prompt": json.dumps([{"role": "user", "content": content}])})
    assert semconv.input_messages(span)[0].content == "What is it?\n[image_url]"


def test_one_message_with_two_tool_results_reads_as_two_messages(make_span: MakeSpan) -> None:
    parts = [{"type": "tool_call_response", "id": n, "response": {"n": n}} for n in ("a", "b")]
    messages = semconv.input_messages(make_span({"gen_ai.input.messages": [{"role": "tool", "parts": parts}]}))
    assert [(m.tool_call_id, m.content) for m in messages] == [("a", '{"n":"a"}'), ("b", '{"n":"b"}')]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"openinference.span.kind": "AGENT"}, Operation.AGENT),
        ({"openinference.span.kind": "CHAIN"}, Operation.OTHER),
        ({"openinference.span.kind": "RETRIEVER"}, Operation.RETRIEVER),
        ({"gen_ai.operation.name": "execute_tool"}, Operation.TOOL),
        ({"gen_ai.operation.name": "embeddings"}, Operation.EMBEDDING),
        ({"mlflow.spanType": '"TOOL"'}, Operation.TOOL),
        ({"traceloop.span.kind": "agent"}, Operation.AGENT),
        ({"gen_ai.tool.name": "f"}, Operation.TOOL),
        ({"openinference.span.kind": 3}, Operation.OTHER),
        ({}, Operation.OTHER),
    ],
)
def test_the_kind_of_span_is_known_in_every_convention(
    make_span: MakeSpan, attributes: dict[str, Any], expected: Operation
) -> None:
    assert semconv.operation(make_span(attributes)) is expected


TOOL_SPANS = [
    {
        "openinference.span.kind": "TOOL",
        "tool.name": "get_weather",
        "tool_call.id": "c1",
        "input.value": '{"city":"Paris"}',
        "output.value": "rainy",
    },
    {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "get_weather",
        "gen_ai.tool.call.id": "c1",
        "gen_ai.tool.call.arguments": {"city": "Paris"},
        "gen_ai.tool.call.result": "rainy",
    },
]


@pytest.mark.parametrize("attributes", TOOL_SPANS, ids=["openinference", "gen_ai"])
def test_a_tool_span_says_what_ran_with_what_and_what_came_back(
    make_span: MakeSpan, attributes: dict[str, Any]
) -> None:
    span = make_span(attributes)
    assert (semconv.tool_name(span), semconv.tool_call_id(span)) == ("get_weather", "c1")
    assert (semconv.tool_arguments(span), semconv.tool_result(span)) == ('{"city":"Paris"}', "rainy")


def test_a_span_that_is_no_tool_has_no_tool_arguments(make_span: MakeSpan) -> None:
    span = make_span({"openinference.span.kind": "AGENT", "input.value": "{}", "output.value": "done"})
    found = (semconv.tool_name(span), semconv.tool_arguments(span), semconv.tool_result(span))
    assert found == (None, None, None)


def test_a_tool_without_a_name_takes_its_span_s(make_span: MakeSpan) -> None:
    assert semconv.tool_name(make_span({"gen_ai.operation.name": "execute_tool"}, name="execute_tool pay")) == "pay"


FUNCTION = {"name": "f", "description": "d", "parameters": {"type": "object"}}


@pytest.mark.parametrize(
    "attributes",
    [
        {"llm.tools.0.tool.json_schema": json.dumps({"type": "function", "function": FUNCTION})},
        {"gen_ai.tool.definitions": json.dumps([{"type": "function", **FUNCTION}])},
        {"gen_ai.tool.definitions": [{"type": "function", **FUNCTION}]},
        {"ai.prompt.tools": [json.dumps({"name": "f", "description": "d", "inputSchema": {"type": "object"}})]},
        {f"llm.request.functions.0.{key}": json.dumps(v) if key == "parameters" else v for key, v in FUNCTION.items()},
        {"input.value": json.dumps({"tools": [{"type": "function", "function": FUNCTION}]})},
    ],
)
def test_tools_have_one_shape_whatever_the_dialect(make_span: MakeSpan, attributes: dict[str, Any]) -> None:
    assert semconv.tool_definitions(make_span(attributes)) == [{"type": "function", "function": FUNCTION}]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"gen_ai.response.finish_reasons": ["max_tokens"]}, ["length"]),
        ({"gen_ai.response.finish_reasons": '["tool_use"]'}, ["tool_calls"]),
        ({"llm.finish_reason": "length"}, ["length"]),
        ({"output.value": json.dumps(COMPLETION)}, ["length"]),
        ({"ai.response.finishReason": "tool-calls"}, ["tool_calls"]),
        ({"gen_ai.output.messages": [{"role": "assistant", "finish_reason": "stop"}]}, ["stop"]),
        ({"llm.finish_reason": 4}, []),
    ],
)
def test_finish_reasons_are_in_openai_s_words(
    make_span: MakeSpan, attributes: dict[str, Any], expected: list[str]
) -> None:
    assert semconv.finish_reasons(make_span(attributes)) == expected


def test_the_request_is_the_recorded_one_when_there_is_one(make_span: MakeSpan) -> None:
    recorded = {"model": "m", "messages": OPENAI_MESSAGES, "response_format": {"type": "json_object"}}
    assert semconv.request(make_span(OPENINFERENCE | {"input.value": json.dumps(recorded)})) == recorded


def test_the_request_is_rebuilt_when_it_was_not_recorded(make_span: MakeSpan) -> None:
    tools = {"gen_ai.tool.definitions": [{"type": "function", **FUNCTION}]}
    span = make_span(GEN_AI | tools | {"gen_ai.request.model": "m", "gen_ai.request.temperature": 0.5})
    request = semconv.request(span) or {}
    assert (request["model"], request["temperature"]) == ("m", 0.5)
    assert request["tools"] == [{"type": "function", "function": FUNCTION}]
    assert request["messages"][2:] == OPENAI_MESSAGES[2:]


def test_the_response_is_recorded_or_rebuilt(make_span: MakeSpan) -> None:
    recorded = semconv.response(make_span(VALUES)) or {}
    rebuilt = semconv.response(make_span(OPENINFERENCE | {"llm.finish_reason": "length"})) or {}
    assert recorded == COMPLETION | {"object": "chat.completion"}
    assert rebuilt["choices"] == COMPLETION["choices"]


def test_what_is_no_model_call_has_no_request(make_span: MakeSpan) -> None:
    span = make_span(VALUES | {"openinference.span.kind": "CHAIN"})
    assert (semconv.request(span), semconv.response(span)) == (None, None)


def test_the_last_exception_and_its_type_are_found(make_span: MakeSpan) -> None:
    events = [
        ("exception", {"exception.type": "TimeoutError"}),
        ("exception", {"exception.type": "openai.RateLimitError", "exception.message": "slow down"}),
    ]
    span = make_span(events=events)
    assert semconv.exception(span) == semconv.ExceptionInfo(
        type="openai.RateLimitError", message="slow down", stacktrace=""
    )
    assert semconv.error_type(span) == "openai.RateLimitError"
    assert semconv.error_type(make_span({"error.type": "429"}, events=events)) == "429"


def test_evaluations_are_read_from_events_and_from_attributes(make_span: MakeSpan) -> None:
    event = {
        "gen_ai.evaluation.name": "user_feedback",
        "gen_ai.evaluation.score.value": 0.0,
        "gen_ai.evaluation.score.label": "thumbs_down",
        "gen_ai.evaluation.explanation": "wrong order",
    }
    attributes = {"evaluations.0.evaluation.name": "relevance", "evaluations.0.evaluation.score": "0.5"}
    span = make_span(attributes, events=[("gen_ai.evaluation.result", event), ("gen_ai.evaluation.result", {})])
    assert semconv.evaluations(span) == [
        Evaluation(name="relevance", score=0.5, label="", explanation=""),
        Evaluation(name="user_feedback", score=0.0, label="thumbs_down", explanation="wrong order"),
    ]


def test_a_trace_tells_its_session_user_service_and_release(make_span: MakeSpan) -> None:
    resource = {"service.name": "shop", "service.version": "1.2.3"}
    root = make_span({"session.id": "s1"}, span_id="1" * 16, resource=resource)
    child = make_span({"session.id": "s2", "user.id": "u1"}, parent_span_id="1" * 16)
    trace = Trace.from_spans([root, child])
    assert (semconv.session_id(trace), semconv.user_id(trace)) == ("s1", "u1")
    assert (semconv.service_name(trace), semconv.release(trace)) == ("shop", "1.2.3")


def test_tokens_are_read_under_old_and_new_names(make_span: MakeSpan) -> None:
    new = {"gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 7}
    old = {"gen_ai.usage.prompt_tokens": "5", "gen_ai.usage.completion_tokens": 7}
    assert semconv.usage(make_span(new)) == semconv.usage(make_span(old)) == (5, 7)
    assert semconv.usage(make_span()) == (0, 0)


def test_a_code_location_needs_a_file_and_a_line(make_span: MakeSpan) -> None:
    assert semconv.code_location(make_span({"code.filepath": "a.py", "code.lineno": 3})) == ("a.py", 3)
    assert semconv.code_location(make_span({"code.file.path": "a.py"})) is None


SPAN_FUNCTIONS = [
    semconv.operation,
    semconv.input_messages,
    semconv.output_messages,
    semconv.tool_definitions,
    semconv.tool_name,
    semconv.tool_call_id,
    semconv.tool_arguments,
    semconv.tool_result,
    semconv.model,
    semconv.finish_reasons,
    semconv.input_value,
    semconv.output_value,
    semconv.error_type,
    semconv.exception,
    semconv.evaluations,
    semconv.request,
    semconv.response,
    semconv.service_name,
    semconv.code_location,
    semconv.usage,
]
TRACE_FUNCTIONS = [semconv.session_id, semconv.user_id, semconv.release, semconv.service_name]
KNOWN_KEYS = sorted(
    {key for dialect in (*DIALECTS.values(), *TOOL_SPANS) for key in dialect}
    | {key for name in dir(attribute_keys) if name.endswith("_KEYS") for key in getattr(attribute_keys, name)}
    | {"llm.tools.0.tool.json_schema", "gen_ai.tool.definitions", "evaluations.0.evaluation.name", "ai.prompt.tools"}
    | {"evaluations.0.evaluation.score", "gen_ai.evaluation.name", "exception.type", "llm.invocation_parameters"}
    | {
        "events",
        "content",
        "message",
        "id",
        "tool_calls",
        "ai.response.toolCalls",
        "llm.request.functions.0.parameters",
    }
)
TELLING = ["LLM", "TOOL", "messages", "role", "content", "parts", "type", "text", "choices", "message", "tool_calls"]
WORDS = st.sampled_from([*TELLING, "function", "name", "arguments", "finish_reason", "tool-result", "output"])
VALUES_OF_ANY_TYPE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=4),
    max_leaves=8,
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(KNOWN_KEYS), VALUES_OF_ANY_TYPE | VALUES_OF_ANY_TYPE.map(json.dumps), max_size=5
)
EVENT_NAMES = st.sampled_from(["exception", "gen_ai.choice", "gen_ai.tool.message", "gen_ai.evaluation.result"])


@settings(suppress_health_check=[HealthCheck.too_slow])  # of the machine, not of the strategy
@given(
    ATTRIBUTES,
    ATTRIBUTES,
    EVENT_NAMES,
    st.sampled_from([{}, {"openinference.span.kind": "LLM"}, {"openinference.span.kind": "TOOL"}]),
)
def test_no_attribute_value_makes_a_reader_raise(
    attributes: dict[str, Any], of_event: dict[str, Any], name: str, kind: dict[str, str]
) -> None:
    start = datetime(2026, 5, 1, tzinfo=UTC)
    event = Event(name=name, time=start, attributes=of_event)
    found = Span(
        trace_id="t",
        span_id="s",
        name="n",
        start=start,
        attributes=attributes | kind,
        events=(event,),
        resource=of_event,
    )
    for read in SPAN_FUNCTIONS:
        read(found)
    for read_trace in TRACE_FUNCTIONS:
        read_trace(Trace.from_spans([found]))


@pytest.mark.parametrize(
    "recorded", [{"llm.prompts": '["Where?"]'}, {"llm.prompts": ["Where?"]}, {"llm.prompts.0.prompt.text": "Where?"}]
)
def test_the_prompts_of_a_completion_are_messages(make_span: MakeSpan, recorded: dict[str, Any]) -> None:
    span = make_span({"openinference.span.kind": "LLM", "input.value": '{"args": ["Where?"]}', **recorded})
    assert [(message.role, message.content) for message in semconv.input_messages(span)] == [("user", "Where?")]
