"""How long a text is for a model, near enough, without a tokenizer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

CHARACTERS_PER_TOKEN = 4
#: What a message costs beside its text.
OVERHEAD = 4


def count(text: str) -> int:
    """Estimate the tokens of a text."""
    return (len(text) + CHARACTERS_PER_TOKEN - 1) // CHARACTERS_PER_TOKEN


def count_message(message: Mapping[str, Any]) -> int:
    """Estimate the tokens of one message with its tool calls."""
    calls = message.get("tool_calls")
    return OVERHEAD + count(message.get("content") or "") + (count(json.dumps(calls)) if calls else 0)


def count_messages(messages: Iterable[Mapping[str, Any]]) -> int:
    return sum(count_message(message) for message in messages)


def clip(text: str, limit: int) -> str:
    """Keep the beginning of a text and say how much was left out."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit} more characters)"
