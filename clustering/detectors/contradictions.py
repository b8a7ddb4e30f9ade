"""Answers that contradict what a tool had said."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from clustering.conversation import chat_calls, tool_calls
from clustering.facts import ids_in, status_facts
from clustering.failure import Failure
from clustering.failure_at import failure_at
from webhooks import semconv
from webhooks.trace import Span, Trace

SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
HEDGE = re.compile(
    r"\b(?:if|once|when|after|before|until|unless|will|would|can|could|should|may|not|no longer)\b|\?", re.IGNORECASE
)
MAX_TEXT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradictions:
    """An answer gives a thing another status than the last tool result did; keyed by the status field's name.

    Only a plain statement counts: one sentence that names one id and "is", "has been" or "was" a status which the
    results of this run know, while the last result about that id says another.
    """

    name: str = "contradiction"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield at most one failure, at the call to the model that gave the answer."""
        known: dict[str, tuple[str, str]] = {}
        words: set[str] = set()
        for span in _in_order(trace):
            for fact in status_facts(semconv.tool_result(span) or ""):
                known[fact.subject] = fact.field, fact.value
                words.add(fact.value)
            for sentence, field in _contradicting(span, known, words):
                yield failure_at(
                    trace,
                    span,
                    detector=self.name,
                    key=field,
                    message=sentence,
                    reason=f"The answer gives another {field} than the tool's result before it.",
                )
                return


def _in_order(trace: Trace) -> list[Span]:
    """Return the calls to tools and models in the order in which they were over."""
    calls = [*tool_calls(trace), *chat_calls(trace)]
    return sorted(calls, key=lambda span: (span.end or span.start, span.start))


def _contradicting(span: Span, known: dict[str, tuple[str, str]], words: set[str]) -> Iterator[tuple[str, str]]:
    if len(words) < 2:  # noqa: PLR2004 - with one status there is none to mix it up with
        return
    for message in semconv.output_messages(span):
        for sentence in SENTENCE.split(message.content[:MAX_TEXT]):
            subjects = ids_in(sentence) & known.keys()
            if len(subjects) == 1 and not HEDGE.search(sentence):
                field, value = known[subjects.pop()]
                stated = {word for word in words if _states(sentence, word)}
                if stated and value not in sentence.lower():
                    yield sentence, field


def _states(sentence: str, word: str) -> bool:
    verb = r"\b(?:is|are|was|were|(?:has|have) been)\s(?:already\s|currently\s|still\s)?[\"'*]{0,3}"
    return re.search(verb + re.escape(word) + r"\b", sentence, re.IGNORECASE) is not None
