"""Tool results that reach the model under another call's id, altered, or not at all."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from clustering.conversation import chat_calls, tool_calls
from clustering.failure import Failure
from clustering.failure_at import failure_at
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
    Calls without a tool span of their own are not judged; of several runs under one id, any may have been told.
    """

    name: str = "tool_result_mismatch"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield one failure per call to the model that was told something wrong, each wrong result once."""
        runs: dict[str, list[Span]] = {}
        for tool in tool_calls(trace):
            if call_id := semconv.tool_call_id(tool):
                runs.setdefault(call_id, []).append(tool)
        results = _by_result(runs)
        told: set[str] = set()
        judged: set[tuple[str, str]] = set()
        for span in chat_calls(trace) if runs else ():
            found = _wrong(span, runs, results, judged)
            wrong = {call_id: how for call_id, how in found if call_id not in told}
            told |= wrong.keys()
            if wrong:
                tools = ", ".join(sorted({semconv.tool_name(runs[call_id][0]) or "tool" for call_id in wrong}))
                yield failure_at(
                    trace,
                    span,
                    detector=self.name,
                    key=tools,
                    message="; ".join(wrong.values()),
                    reason=f"The model is told other results of {tools} than the tools returned.",
                )


def _wrong(
    span: Span, runs: Mapping[str, Sequence[Span]], results: Mapping[str, set[str]], judged: set[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    messages = semconv.input_messages(span)
    answers = {message.tool_call_id: message.content for message in messages if message.tool_call_id}
    for call_id in _asked(messages, runs):
        if call_id not in answers:
            yield call_id, "a result is missing"
        elif (call_id, answers[call_id]) not in judged:  # every later call to the model repeats it
            judged.add((call_id, answers[call_id]))
            if all(_differs(answers[call_id], run, call_id, results) for run in runs[call_id]):
                yield call_id, "a result differs"


def _asked(messages: Iterable[Message], runs: Mapping[str, Sequence[Span]]) -> list[str]:
    """Return the calls that the conversation holds so far and that have run, in order."""
    asked = [call.id for message in messages for call in message.tool_calls]
    answered = [message.tool_call_id for message in messages if message.tool_call_id]
    return [call_id for call_id in dict.fromkeys([*asked, *answered]) if call_id in runs]


def _by_result(runs: Mapping[str, Sequence[Span]]) -> dict[str, set[str]]:
    """Return the ids of the calls that gave each result."""
    found: dict[str, set[str]] = {}
    for call_id, spans in runs.items():
        for span in spans:
            if result := semconv.tool_result(span):
                found.setdefault(_canonical(result), set()).add(call_id)
    return found


def _differs(told: str, run: Span, call_id: str, results: Mapping[str, set[str]]) -> bool:
    returned = semconv.tool_result(run)
    if returned is None or failed(run) or _canonical(told) == _canonical(returned):
        return False
    swapped = bool(results.get(_canonical(told), set()) - {call_id})
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
