"""Model: what answers a conversation with text or tool calls; today an OpenAI-compatible endpoint."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from fixers.errors import ModelError
from webhooks.messages import ToolCall

if TYPE_CHECKING:
    import openai

CHARACTERS_PER_TOKEN = 4  # for providers that do not count
SHOWN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer of a model."""

    #: Empty when the model only called tools.
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0


class Model(Protocol):
    """Answers a conversation."""

    def complete(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Reply:
        """Return the next answer.

        Parameters
        ----------
        messages
            The conversation so far, as chat completions have it, oldest first.
        tools
            The functions that may be called, as chat completions have them.

        Raises
        ------
        ModelError
            When the provider fails or refuses, or its answer cannot be read.

        """


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAIModel:
    """A model behind an OpenAI-compatible endpoint. The client brings address, key, time limit and retries."""

    client: "openai.OpenAI"
    #: What the provider calls the model.
    name: str
    #: US dollars per million tokens; 0 for a model of one's own.
    input_price: float = 0.0
    output_price: float = 0.0

    def complete(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]) -> Reply:
        """Ask the endpoint; see `Model.complete`."""
        import openai  # noqa: PLC0415 - takes half a second, and only runs with a model pay it

        body = {"model": self.name, "messages": list(messages), **({"tools": list(tools)} if tools else {})}
        try:
            answer = self.client.post("/chat/completions", body=body, cast_to=str)
        except openai.OpenAIError as error:
            raise ModelError(f"the provider of {self.name} failed: {_shown(error)}") from error
        sent = len(json.dumps([body["messages"], tools]))
        return read_completion(
            answer, estimated_input=sent // CHARACTERS_PER_TOKEN, prices=(self.input_price, self.output_price)
        )


def read_completion(text: str, *, estimated_input: int = 0, prices: tuple[float, float] = (0.0, 0.0)) -> Reply:
    """Read the body of a chat completion.

    Parameters
    ----------
    text
        The provider's answer, JSON.
    estimated_input
        Tokens that the request had, for a provider that does not say.
    prices
        US dollars per million input and output tokens.

    Raises
    ------
    ModelError
        When the answer is a refusal, or is not a chat completion.

    """
    choice = _choice(text)
    message = choice["message"]
    refusal = message.get("refusal")
    if refusal or choice.get("finish_reason") == "content_filter":
        raise ModelError(f"the model refused: {_shown(refusal or 'content filter')}")
    content = message.get("content") or ""
    if not isinstance(content, str):
        raise ModelError(f"the answer's content is not text: {_shown(content)}")
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list):
        raise ModelError(f"the answer's tool_calls are not a list: {_shown(calls)}")
    estimated = (estimated_input, len(json.dumps(message)) // CHARACTERS_PER_TOKEN)
    used_in, used_out = _usage(json.loads(text).get("usage"), estimated)
    return Reply(
        content=_encodable(content),
        tool_calls=tuple(_tool_call(call, index) for index, call in enumerate(calls)),
        input_tokens=used_in,
        output_tokens=used_out,
        cost_usd=(used_in * prices[0] + used_out * prices[1]) / 1_000_000,
    )


def _choice(text: str) -> dict[str, Any]:
    try:
        choice = json.loads(text)["choices"][0]
        is_message = isinstance(choice["message"], dict)
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise ModelError(f"the answer is not a chat completion: {_shown(text)}") from error
    if not is_message:
        raise ModelError(f"the answer holds no message: {_shown(choice)}")
    return dict(choice)


def _usage(usage: object, estimated: tuple[int, int]) -> tuple[int, int]:
    counts = usage if isinstance(usage, dict) else {}
    found = [counts.get(key) for key in ("prompt_tokens", "completion_tokens")]
    used = [
        count if isinstance(count, int) and count > 0 else guess for count, guess in zip(found, estimated, strict=True)
    ]
    return used[0], used[1]


def _tool_call(call: object, index: int) -> ToolCall:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise ModelError(f"the answer's tool call cannot be read: {_shown(call)}")
    arguments = function.get("arguments")
    # Some servers send the arguments as an object, and no ids.
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return ToolCall(
        id=_encodable(str(call.get("id") or f"call_{index}")),
        name=_encodable(function["name"]),
        arguments=_encodable(text),
    )


def _encodable(text: str) -> str:
    """Replace lone surrogates, which JSON can carry and UTF-8 cannot."""
    return text.encode(errors="replace").decode()


def _shown(value: object) -> str:
    return _encodable(" ".join(str(value).split()))[:SHOWN]
