"""Ask the model's provider."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import openai

from fleetdesk.config import Settings
from fleetdesk.llm.messages import Answer, Message, read_answer
from fleetdesk.llm.retry import patiently


class ModelClient:
    """One provider, asked as the settings say."""

    def __init__(self, settings: Settings, client: openai.AsyncOpenAI | None = None) -> None:
        self.settings = settings
        self.client = client or openai.AsyncOpenAI(timeout=settings.model.timeout_s, max_retries=0)
        #: Tokens of all requests so far, in and out.
        self.used = [0, 0]

    async def ask(
        self,
        messages: Sequence[Message],
        tools: Sequence[dict[str, Any]] = (),
        *,
        may_call: bool = True,
    ) -> Answer:
        """Return the model's answer to a conversation.

        Raises openai.OpenAIError when the provider fails for good.
        """
        request = self._request(messages, tools, may_call=may_call)

        async def once() -> Any:
            return await self.client.chat.completions.create(**request)

        answer = read_answer(await patiently(once, self.settings.retry))
        self.used[0] += answer.input_tokens
        self.used[1] += answer.output_tokens
        return answer

    def _request(self, messages: Sequence[Message], tools: Sequence[dict[str, Any]], *, may_call: bool) -> dict[str, Any]:
        model = self.settings.model
        request: dict[str, Any] = {
            "model": model.name,
            "messages": list(messages),
            "temperature": model.temperature,
            "max_tokens": model.max_tokens,
        }
        if tools:
            request["tools"] = list(tools)
            if not may_call:
                request["tool_choice"] = "none"
        return request

    async def close(self) -> None:
        await self.client.close()
