"""Tool results that reach the model under another call's id, altered, or not at all."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from clustering.anchor import failure_at
from clustering.conversation import chat_calls, tool_calls
from clustering.failure import Failure
from clustering.span_outcome import failed
from webhooks import semconv
from webhooks.semconv import Message
from webhooks.trace import Span, Trace

MAX_JSON = 100_000
SAME_WORDS = 0.5  # a harness may shorten or reformat a result; half of the words are then still there


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResultMismatches:
    """A tool message differs from what that call's tool span returned, or is missing; keyed by the tools' names.

    A result that was shortened, wrapped or reformatted is not another result: most of its words are still there.
    Calls without a tool span of their own are not judged.
    """

    name: str = "tool_result_mismatch"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield one failure per call to the model that was told something wrong, each wrong result once."""
        runs = {call_id: span for span in tool_calls(trace) if (call_id := semconv.tool_call_id(span))}
        told: set[str] = set()
        for span in chat_calls(trace) if runs else ():
            wrong = {call_id: how for call_id, how in _wrong(span, runs) if call_id not in told}
            told |= wrong.keys()
            if wrong:
                tools = ", ".join(sorted({semconv.tool_name(runs[call_id]) or "tool" for call_id in wrong}))
                yield failure_at(
                    trace,
                    span,
                    detector=self.name,
                    key=tools,
                    message="; ".join(wrong.values()),
                    reason=f"The model is told other results of {tools} than the tools returned.",
                )


def _wrong(span: Span, runs: Mapping[str, Span]) -> Iterator[tuple[str, str]]:
    messages = semconv.input_messages(span)
    answers = {message.tool_call_id: message.content for message in messages if message.tool_call_id}
    for call_id in _asked(messages, runs):
        if call_id not in answers:
            yield call_id, "a result is missing"
        elif _differs(answers[call_id], call_id, runs):
            yield call_id, "a result differs"


def _asked(messages: Iterable[Message], runs: Mapping[str, Span]) -> list[str]:
    """Return the calls that the conversation holds so far and that have run, in order."""
    asked = [call.id for message in messages for call in message.tool_calls]
    answered = [message.tool_call_id for message in messages if message.tool_call_id]
    return [call_id for call_id in dict.fromkeys([*asked, *answered]) if call_id in runs]


def _differs(told: str, call_id: str, runs: Mapping[str, Span]) -> bool:
    returned = semconv.tool_result(runs[call_id])
    if returned is None or failed(runs[call_id]) or _canonical(told) == _canonical(returned):
        return False
    others = (semconv.tool_result(run) for other, run in runs.items() if other != call_id)
    swapped = any(_canonical(told) == _canonical(other) for other in others if other)
    return swapped or not _resembles(told, returned)


def _resembles(told: str, returned: str) -> bool:
    if told.strip() in returned or returned.strip() in told:
        return bool(told.strip()) or not returned.strip()
    words, expected = set(re.findall(r"\w+", told)), set(re.findall(r"\w+", returned))
    return len(words & expected) >= SAME_WORDS * min(len(words), len(expected))


def _canonical(text: str) -> str:
    if len(text) > MAX_JSON:
        return text.strip()
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except (ValueError, RecursionError):
        return text.strip()
