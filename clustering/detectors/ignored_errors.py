"""Agents that report success although the tool had refused."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from clustering.conversation import chat_calls, tool_calls
from clustering.deeds import READS
from clustering.failure import Failure
from clustering.failure_at import failure_at, one_line
from clustering.span_outcome import tool_error
from webhooks import semconv
from webhooks.trace import Span, Trace

SUCCESS = re.compile(
    r"\b(?:has|have|was|were)\s(?:now\s)?(?:been\s)?(?:successfully|now)\s\w+ed\b"
    r"|\b(?:has|have)\s(?:now\s)?been\s\w+ed\b"
    r"|\bI(?:'ve|\u2019ve|\shave)\s(?:now\s|just\s|successfully\s)?\w+ed\b",
    re.IGNORECASE,
)
DOUBT = re.compile(
    r"\b(?:if|once|when|after|until|unless|not|unable|cannot|could|would|error|issue|fail\w*|declin\w*|reject\w*"
    r"|already|located|identified|verified|reviewed|checked|noted|received)\b|n't\b|n\u2019t\b|\?",
    re.IGNORECASE,
)
SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
MAX_TEXT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoredErrors:
    """The last change that the agent tried was refused, and its next answer reports success; keyed by the tool's name.

    Lookups are not judged: an answer after one may report what was done before. English only.
    """

    name: str = "ignored_error"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield at most one failure for each tool, at the call to the model that gave the answer."""
        refused: Span | None = None
        reported: set[str] = set()
        for span in _in_order(trace):
            tool = semconv.tool_name(span) if semconv.operation(span) is semconv.Operation.TOOL else None
            if tool is not None:
                refused = refused if READS.match(tool) else span if tool_error(span) is not None else None
            elif refused is not None and (said := _claims_success(span)):
                name = semconv.tool_name(refused) or refused.name
                if name not in reported:
                    reported.add(name)
                    yield failure_at(
                        trace,
                        span,
                        detector=self.name,
                        key=name,
                        message=said,
                        reason=f"The agent reports success although {one_line(name)} had refused.",
                    )


def _in_order(trace: Trace) -> list[Span]:
    """Return the calls to tools and models in the order in which they were over."""
    calls = [*tool_calls(trace), *chat_calls(trace)]
    return sorted(calls, key=lambda span: (span.end or span.start, span.start))


def _claims_success(span: Span) -> str:
    for message in semconv.output_messages(span):
        if not message.tool_calls:
            for sentence in SENTENCE.split(message.content[:MAX_TEXT]):
                if SUCCESS.search(sentence) and not DOUBT.search(sentence):
                    return sentence
    return ""
