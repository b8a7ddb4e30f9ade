"""What a run's tool calls did: looked something up, changed something, or handed over to a person."""

import re

from clustering.span_outcome import tool_error
from webhooks import semconv
from webhooks.reading import once
from webhooks.trace import Span

READS = re.compile(
    r"(?:get|find|list|search|look_?up|read|fetch|query|check|calculate|compute|think|show|view|describe|verify)",
    re.IGNORECASE,
)
HANDOVER = re.compile(r"transfer|escalat|hand_?(?:off|over)|human", re.IGNORECASE)
TO_A_PERSON = re.compile(
    r"transfer_?to_?\w{0,20}(?:agent|human|person|representative|support)|escalat|hand_?(?:off|over)|human",
    re.IGNORECASE,
)


def hands_over(span: Span) -> bool:
    """Say whether a tool's name says that it passes the conversation on to a person."""
    return TO_A_PERSON.search(semconv.tool_name(span) or "") is not None


@once
def changes(span: Span) -> bool:
    """Say whether a tool call succeeded that, by its name, does more than look something up or hand over."""
    named = semconv.tool_name(span) or ""
    return bool(named) and not READS.match(named) and not hands_over(span) and tool_error(span) is None
