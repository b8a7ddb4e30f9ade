"""Find healthy runs of the same intent: those that used the same tools and were asked for much the same."""

import re
from collections.abc import Sequence

from fixers.cases import tools_of
from webhooks import semconv
from webhooks.trace import Trace

MAX_CHARACTERS = 4_000
_WORD = re.compile(r"[^\W\d_]{3,}")


def alike(failing: Sequence[Trace], healthy: Sequence[Trace]) -> list[Trace]:
    """Return the healthy runs, those nearest to the failing ones first; the order given decides between equals."""
    tools = {tool for trace in failing for tool in tools_of(trace)}
    words = {word for trace in failing for word in _asked(trace)}

    def nearness(trace: Trace) -> tuple[float, int]:
        used, asked = tools_of(trace), _asked(trace)
        shared = len(tools & used) / max(len(tools | used), 1)
        return shared + len(words & asked) / max(len(asked), 1), len(tools & used)

    return sorted(healthy, key=nearness, reverse=True)


def _asked(trace: Trace) -> set[str]:
    """Return the words that a run was begun with."""
    text = semconv.input_value(trace.root) or ""
    if not text:
        messages = (message for span in trace.spans for message in semconv.input_messages(span))
        text = next((each.content for each in messages if each.role == "user" and each.content), "")
    return {word.lower() for word in _WORD.findall(text[:MAX_CHARACTERS])}
