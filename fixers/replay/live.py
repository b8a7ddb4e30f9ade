"""Ask the configured model what was never recorded. Runs outside the sandbox, where the key is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from fixers.errors import ModelUnavailable

#: What of a replayed run's request is passed on. The model is the configured one, whatever the run asked for.
PASSED_ON = (
    "messages",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "seed",
)
#: What of the model's answer reaches the sandbox.
HEADERS_BACK = ("retry-after",)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveEndpoint:
    """An OpenAI-compatible endpoint; see `fixers.replay.playback.LiveModel`."""

    #: The model's name, sent with every request.
    name: str
    #: Such as "https://api.openai.com/v1".
    base_url: str
    api_key: str
    #: Its time-out holds for each call.
    client: httpx.Client
    #: Whether the same request always gets the same answer: hardly any provider promises that.
    is_steady: bool = False

    def complete(self, body: Mapping[str, Any]) -> tuple[int, Mapping[str, str], bytes]:
        """Answer a chat completions request, never streamed; see `LiveModel.complete`."""
        asked = {key: body[key] for key in PASSED_ON if key in body}
        try:
            answer = self.client.post(
                f"{self.base_url.rstrip('/')}/chat/completions",
                json={"model": self.name, **asked},
                headers={"Authorization": f"Bearer {self.api_key}"},
            )
        except httpx.HTTPError as error:
            raise ModelUnavailable(f"{self.base_url}: {error!r}") from error
        headers = {key: answer.headers[key] for key in HEADERS_BACK if key in answer.headers}
        return answer.status_code, headers, answer.content
