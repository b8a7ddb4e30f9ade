"""Answers that claim a deed that no tool call did."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from clustering.conversation import chat_calls, tool_calls
from clustering.deeds import changes
from clustering.failure import Failure
from clustering.failure_at import failure_at
from webhooks import semconv
from webhooks.trace import Span, Trace

DEEDS = (
    r"(?:booked|cancell?ed|changed|created|deleted|exchanged|issued|modified|placed|processed|refunded|removed|returned"
    r"|scheduled|sent|submitted|updated|upgraded)"
)
# Passive voice reports a state as often as a deed; "successfully" makes it a deed.
CLAIM = re.compile(
    rf"\bI(?:'ve|\u2019ve|\shave)\s(?:(?:now|just|also|already|successfully)\s){{0,3}}(?P<active>{DEEDS})\b"
    rf"|\b(?:has|have)\s(?:now\s)?been\ssuccessfully\s(?P<passive>{DEEDS})\b"
    rf"|\b(?:was|were)\ssuccessfully\s(?P<past>{DEEDS})\b",
    re.IGNORECASE,
)
CONDITION = re.compile(r"\b(?:if|once|when|after|until|unless|would|could|whether|not)\b|\?", re.IGNORECASE)
SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
HAPPENED = r"\b(?:was|were|been|already|is) {}"
STEM = 5  # letters: "cancelled" and "canceled", "booked" and "booking"
MAX_TEXT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class UnbackedClaims:
    """The agent says that it did something, and no tool call before did anything at all; keyed by what it claims.

    Runs without any tool are not judged. Nor is a claim whose words a tool's result or the user said first: the answer
    may report it.
    """

    name: str = "unbacked_claim"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield at most one failure, at the call to the model that made the claim first."""
        tools = tool_calls(trace)
        deeds = [span for span in tools if changes(span)]
        for span in chat_calls(trace):
            if any(deed.start < (span.end or span.start) for deed in deeds):
                return
            if not tools and not semconv.tool_definitions(span):
                continue
            said = next(
                (found for message in semconv.output_messages(span) if (found := _claim(message.content))), None
            )
            if said and not _heard(trace, span, said[1]):
                yield failure_at(
                    trace,
                    span,
                    detector=self.name,
                    key=said[1].lower(),
                    message=said[0],
                    reason="The agent says that it did something, but no tool call did.",
                )
                return


def _claim(answer: str) -> tuple[str, str] | None:
    """Return the first sentence that claims a deed, and the deed."""
    for sentence in SENTENCE.split(answer[:MAX_TEXT]):
        found = CLAIM.search(sentence)
        if found and not CONDITION.search(sentence):
            return sentence, found["active"] or found["passive"] or found["past"]
    return None


def _heard(trace: Trace, span: Span, deed: str) -> bool:
    stem = deed[:STEM].lower()
    said = [message.content for message in semconv.input_messages(span) if message.role not in {"system", "assistant"}]
    results = [semconv.tool_result(tool) or "" for tool in tool_calls(trace) if tool.start <= (span.end or span.start)]
    tool_said = [text for text in results if stem in text.lower()]
    return bool(tool_said) or any(re.search(HAPPENED.format(re.escape(stem)), text, re.IGNORECASE) for text in said)
