"""Keep the messages that we send within the model's context window."""

from typing import Any

#: About 6,000 tokens with the longest tool results.
MAX_MESSAGES = 16


def truncate(messages: list[dict[str, Any]], limit: int = MAX_MESSAGES) -> list[dict[str, Any]]:
    """Return the most recent messages."""
    if len(messages) <= limit:
        return messages
    return messages[-limit:]
