"""Ask the configured model what was never recorded. Runs outside the sandbox, where the key is."""

import time
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
#: A provider that is busy is asked again.
BUSY = frozenset({429, 503, 529})
TRIES, WAIT_S, LONGEST_WAIT_S = 3, 0.5, 3.0
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
            answer = self._asked(asked)
            for _ in range(TRIES - 1):
                if answer.status_code not in BUSY:
                    break
                time.sleep(_wait_s(answer))
                answer = self._asked(asked)
        except httpx.HTTPError as error:
            raise ModelUnavailable(f"{self.base_url}: {error!r}") from error
        headers = {key: answer.headers[key] for key in HEADERS_BACK if key in answer.headers}
        return answer.status_code, headers, answer.content

    def _asked(self, asked: Mapping[str, Any]) -> httpx.Response:
        return self.client.post(
            f"{self.base_url.rstrip('/')}/chat/completions",
            json={"model": self.name, **asked},
            headers={"Authorization": f"Bearer {self.api_key}"},
        )


def _wait_s(answer: httpx.Response) -> float:
    """Return how long the provider asks to wait, within what a replayed run can bear."""
    try:
        return min(max(float(answer.headers.get("retry-after", "")), 0.0), LONGEST_WAIT_S)
    except ValueError:
        return WAIT_S
