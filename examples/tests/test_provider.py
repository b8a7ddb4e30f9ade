"""The provider answers as OpenAI does, and the same request always gets the same completion."""

from typing import Any

import pytest
from openai import BadRequestError, OpenAI, RateLimitError
from openai.types.chat import ChatCompletion, ChatCompletionMessage

from examples.shop_provider.quirks import Quirk, quirk_of
from examples.shop_provider.server import Server
from examples.traffic import conversations

SYSTEM = {"role": "system", "content": "You are the support agent of a shop."}
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_order", "arguments": "{}"}}
ASSISTANT = {"role": "assistant", "content": None, "tool_calls": [CALL]}
TOOLS = [{"type": "function", "function": {"name": "get_order", "parameters": {"type": "object", "properties": {}}}}]


def opening(quirk: Quirk) -> str:
    return next(text for number in range(1000, 1999) if quirk_of(text := f"What is the status of A-{number}?") is quirk)


def ask(provider: Server, *messages: object, max_retries: int = 0, **options: object) -> ChatCompletion:
    with OpenAI(base_url=provider.base_url, api_key="key", max_retries=max_retries) as client:
        request: dict[str, Any] = {"model": "shop-1", "messages": messages, "tools": TOOLS, **options}
        completion: ChatCompletion = client.chat.completions.create(**request)
    return completion


def arguments_of(message: ChatCompletionMessage) -> str:
    """Return the raw arguments of the message's first tool call."""
    calls = message.model_dump(include={"tool_calls"})["tool_calls"]
    return str(calls[0]["function"]["arguments"])


def test_the_same_request_gets_the_same_completion(provider: Server) -> None:
    user = {"role": "user", "content": opening(Quirk.NONE)}
    first, second = (ask(provider, SYSTEM, user).choices[0] for _ in range(2))
    assert first == second
    assert first.finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([{"role": "tool", "tool_call_id": "call_1", "content": "{}"}], "must be a response to a preceeding message"),
        ([ASSISTANT], "did not have response messages: call_1"),
        ([ASSISTANT, {"role": "user", "content": "Hello?"}], "did not have response messages: call_1"),
    ],
)
def test_a_tool_call_apart_from_its_result_is_refused(provider: Server, messages: list[object], words: str) -> None:
    with pytest.raises(BadRequestError, match=words):
        ask(provider, SYSTEM, {"role": "user", "content": "Where is my order?"}, *messages)


def test_a_busy_provider_says_when_to_come_back_and_serves_the_next_attempt(provider: Server) -> None:
    user = {"role": "user", "content": opening(Quirk.RATE_LIMITED)}
    with pytest.raises(RateLimitError) as caught:
        ask(provider, SYSTEM, user)
    assert caught.value.response.headers["retry-after"] == "1"
    assert ask(provider, SYSTEM, user).choices[0].message.tool_calls


def test_the_client_s_own_retries_are_enough(provider: Server) -> None:
    user = {"role": "user", "content": opening(Quirk.RATE_LIMITED)}
    assert ask(provider, SYSTEM, user, max_retries=2).choices[0].message.tool_calls


@pytest.mark.parametrize("quirk", [Quirk.EMPTY_ARGUMENTS, Quirk.BROKEN_ARGUMENTS])
def test_spoilt_arguments_are_corrected_once_the_model_is_told(provider: Server, quirk: Quirk) -> None:
    user = {"role": "user", "content": opening(quirk)}
    spoilt = ask(provider, SYSTEM, user).choices[0].message
    spoilt_call = (spoilt.tool_calls or [])[0]
    told = {"role": "tool", "tool_call_id": spoilt_call.id, "content": "Error: arguments are not JSON"}
    corrected = ask(provider, SYSTEM, user, spoilt.model_dump(exclude_none=True), told).choices[0].message
    assert not arguments_of(spoilt).endswith("}")
    assert arguments_of(corrected).endswith("}")


def test_without_tools_the_model_answers_with_what_it_has(provider: Server) -> None:
    user = {"role": "user", "content": opening(Quirk.NONE)}
    assert ask(provider, SYSTEM, user, tool_choice="none").choices[0].finish_reason == "stop"


def test_without_a_system_prompt_the_model_is_confused(provider: Server) -> None:
    answer = ask(provider, {"role": "user", "content": opening(Quirk.NONE)}).choices[0].message
    assert "do not know which shop" in str(answer.content)


def test_the_traffic_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    assert conversations(60) == conversations(60)
    assert conversations(60) != conversations(60, seed=8)
    assert len(conversations(250)) == 250
