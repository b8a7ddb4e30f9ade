"""Summary: one line on the turns that were left out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fleetdesk.llm.messages import Message

NAMES = re.compile(r"\b(?:V|WO|P)-\d+\b")
MAX_NAMES = 12


def names_in(turns: Sequence[Sequence[Message]]) -> list[str]:
    """Return the vehicles, orders and parts that were spoken of, each once, in order."""
    found: dict[str, None] = {}
    for turn in turns:
        for message in turn:
            if message["role"] in {"user", "assistant"}:
                found |= dict.fromkeys(NAMES.findall(message.get("content") or ""))
    return list(found)


def summarise(turns: Sequence[Sequence[Message]]) -> str:
    """Return a line for the system message."""
    if not turns:
        return ""
    names = names_in(turns)[:MAX_NAMES]
    spoken = f" about {', '.join(names)}" if names else ""
    return f"Earlier in this conversation, {len(turns)} questions{spoken} were answered; they are left out here."
