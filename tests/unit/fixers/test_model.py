import json
from collections.abc import Callable

import httpx2
import openai
import pytest

from fixers.errors import ModelError
from fixers.model import OpenAIModel, read_completion
from webhooks.messages import ToolCall

TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]


def answer(message: object, **choice: object) -> str:
    return json.dumps(
        {"choices": [{"message": message, **choice}], "usage": {"prompt_tokens": 9, "completion_tokens": 2}}
    )


def provider(handler: Callable[[httpx2.Request], httpx2.Response], **prices: float) -> OpenAIModel:
    http = httpx2.Client(transport=httpx2.MockTransport(handler))
    client = openai.OpenAI(api_key="k", base_url="http://provider/v1", http_client=http, max_retries=0)
    return OpenAIModel(client=client, name="m-1", **prices)


def test_the_endpoint_is_asked_and_its_answer_priced() -> None:
    asked = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        asked.append((request.url.path, json.loads(request.content)))
        return httpx2.Response(200, text=answer({"content": "hello"}), headers={"content-type": "application/json"})

    messages = [{"role": "user", "content": "hi"}]
    reply = provider(handler, input_price=1_000, output_price=10_000).complete(messages, TOOLS)
    assert asked == [("/v1/chat/completions", {"model": "m-1", "messages": messages, "tools": TOOLS})]
    assert (reply.content, reply.input_tokens, reply.output_tokens) == ("hello", 9, 2)
    assert reply.cost_usd == pytest.approx(0.009 + 0.02)


def test_without_tools_none_are_sent() -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        assert "tools" not in json.loads(request.content)
        return httpx2.Response(200, text=answer({"content": "hello"}))

    assert provider(handler).complete([], []).content == "hello"


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_a_provider_that_fails_is_a_model_error_with_its_words(status: int) -> None:
    def handler(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, json={"error": {"message": "no more for you"}})

    with pytest.raises(ModelError, match=rf"the provider of m-1 failed: .*{status}.*no more for you"):
        provider(handler).complete([], [])


def test_a_provider_that_cannot_be_reached_is_a_model_error() -> None:
    def handler(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    with pytest.raises(ModelError, match="the provider of m-1 failed: Connection error"):
        provider(handler).complete([], [])


def test_a_page_of_html_is_a_model_error() -> None:
    def handler(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, html="<html>Sign in</html>")

    with pytest.raises(ModelError, match="not a chat completion: <html>Sign in"):
        provider(handler).complete([], [])


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("", "not a chat completion"),
        ("null", "not a chat completion"),
        ("[" * 100_000, "not a chat completion"),
        ('{"choices": []}', "not a chat completion"),
        ('{"choices": null, "error": {"message": "overloaded"}}', "overloaded"),
        ('{"choices": {"0": 1}}', "not a chat completion"),
        ('{"choices": [{"message": "hi"}]}', "holds no message"),
        (answer({"content": None, "refusal": "I would rather not"}), "the model refused: I would rather not"),
        (answer({"content": None}, finish_reason="content_filter"), "the model refused: content filter"),
        (answer({"content": [{"type": "text"}]}), "content is not text"),
        (answer({"tool_calls": {"a": 1}}), "tool_calls are not a list"),
        (answer({"tool_calls": ["f"]}), "tool call cannot be read: f"),
        (answer({"tool_calls": [{"type": "custom", "custom": {"name": "f"}}]}), "tool call cannot be read"),
        (answer({"tool_calls": [{"function": {"name": None}}]}), "tool call cannot be read"),
    ],
)
def test_an_answer_that_cannot_be_used_is_a_model_error_that_shows_it(text: str, fact: str) -> None:
    with pytest.raises(ModelError, match=fact) as caught:
        read_completion(text)
    assert len(str(caught.value)) < 400


def test_tool_calls_are_read_as_the_model_sent_them() -> None:
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": '}},
        {"function": {"name": "g", "arguments": {"b": 1}}},
        {"id": None, "function": {"name": "h"}},
    ]
    assert read_completion(answer({"content": None, "tool_calls": calls})).tool_calls == (
        ToolCall(id="c1", name="f", arguments='{"a": '),
        ToolCall(id="call_1", name="g", arguments='{"b": 1}'),
        ToolCall(id="call_2", name="h", arguments="{}"),
    )


def test_a_provider_that_does_not_count_is_counted() -> None:
    reply = read_completion('{"choices": [{"message": {"content": "%s"}}]}' % ("word" * 100), estimated_input=70)
    assert reply.input_tokens == 70
    assert 100 <= reply.output_tokens <= 110


def test_text_that_utf8_cannot_carry_is_mended() -> None:
    assert read_completion('{"choices": [{"message": {"content": "a\\ud800b"}}]}').content == "a?b"
