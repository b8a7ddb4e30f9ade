"""Upshot: what a run came to, as far as it matters to whoever rated it. No I/O.

People rate what was done and what they were told. Other words for the same are no repair, so two runs came to the same
when their tools ran alike and their answers name the same figures: amounts, dates, numbers of orders.
"""

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

from clustering.conversation import says_nothing
from fixers.replay.cassette import Cassette
from webhooks import semconv
from webhooks.operation import Operation
from webhooks.trace import Span, Trace

FIGURE = re.compile(r"\w*\d(?:[\w.,:/-]*\w)?")


class Upshot(NamedTuple):
    """What a run came to."""

    #: Each run of a tool: its name, arguments and result, in no particular order.
    work: tuple[tuple[str, str, str], ...]
    #: The words of the answer that hold a digit.
    figures: tuple[str, ...]
    is_silent: bool


def upshot_of_recording(cassette: Cassette) -> Upshot | None:
    """Return what a recorded run came to; None when it did not record what it answered."""
    answer = cassette.output if cassette.output is not None else _last_words(cassette)
    if answer is None:
        return None
    work = [
        (call.name, call.arguments, call.result if call.error is None else call.error.message)
        for call in cassette.tool_calls
    ]
    return _upshot([(name, arguments, result or "") for name, arguments, result in work], answer)


def upshot_of_run(spans: Sequence[Span]) -> Upshot | None:
    """Return what a run came to by the spans that it exported; None without an answer."""
    if not spans:
        return None
    first = [span for span in spans if span.trace_id == spans[0].trace_id]
    told = semconv.output_value(Trace.from_spans(first).root)
    answer = told if told is not None else _last_said(spans)
    work = [
        (semconv.tool_name(span) or "", semconv.tool_arguments(span) or "", _result(span))
        for span in spans
        if semconv.operation(span) is Operation.TOOL
    ]
    return None if answer is None else _upshot(work, answer)


def _upshot(work: Sequence[tuple[str, str, str]], answer: str) -> Upshot:
    done = sorted((name, _canonical(arguments), _canonical(result)) for name, arguments, result in work)
    return Upshot(tuple(done), tuple(FIGURE.findall(answer)), says_nothing(answer))


def _canonical(text: str) -> str:
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except (ValueError, RecursionError):
        return text.strip()


def _result(span: Span) -> str:
    raised = semconv.exception(span)
    return raised.message if raised else semconv.tool_result(span) or span.status_message


def _last_words(cassette: Cassette) -> str | None:
    answered = [call.response for call in cassette.model_calls if call.response is not None]
    if not answered:
        return None
    choices = answered[-1].get("choices") or [{}]
    return str((choices[0].get("message") or {}).get("content") or "")


def _last_said(spans: Sequence[Span]) -> str | None:
    said = [semconv.output_messages(span) for span in spans if semconv.operation(span) is Operation.LLM]
    return "\n".join(message.content for message in said[-1]) if said else None
