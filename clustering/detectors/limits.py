"""Limits that cut a run short: output tokens, steps, turns."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from clustering.anchor import failure_at
from clustering.conversation import chat_calls, final_answer
from clustering.failure import Failure
from clustering.span_outcome import error_message, error_name, failed
from webhooks import semconv
from webhooks.semconv import Operation
from webhooks.trace import Span, Trace

CUT_OFF = frozenset({"length", "max_tokens", "max_output_tokens", "model_length"})
STEP = r"(?:steps?|turns?|iterations?|rounds?|recursions?|tool[ _]?calls?)"
STEP_LIMIT = re.compile(
    rf"""(?<![a-z])(?:
        {STEP}[ _.\-]?(?:limit|budget)                                       # step limit, GraphRecursionError's text
      | max(?:imum)?[ _.\-]?(?:number[ ]of[ ])?{STEP}                        # max_turns, maximum number of steps
      | need[ ]more[ ]steps                                                  # LangGraph's prebuilt agent
      | too[ ]many[ ]{STEP}
    )""",
    re.IGNORECASE | re.VERBOSE,
)
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")  # MaxTurnsExceeded reads as Max Turns Exceeded
MAX_NOTICE = 300  # a longer answer that speaks of a step limit speaks of something else


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """A model's answer was cut at its token limit ("length"), or the run ended at its step limit ("steps").

    A step limit counts when the trace itself says so, by an error, an event, a finish reason, a flag or a notice
    instead of an answer, and the run did not answer all the same. A cut-off answer counts unless the model is called
    again before the user speaks: the harness then asked for the rest, or asked again.
    """

    name: str = "limit"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield at most one failure per kind of limit."""
        if cut := next(_cut_answers(trace), None):
            yield failure_at(
                trace,
                cut,
                detector=self.name,
                key="length",
                message="; ".join(semconv.finish_reasons(cut)),
                reason="The model's answer is cut off at the limit of output tokens.",
            )
        if notice := next(_step_limits(trace), None):
            span, message = notice
            yield failure_at(
                trace,
                span,
                detector=self.name,
                key="steps",
                message=message,
                reason="The run reaches its step limit and ends without an answer.",
            )


def _cut_answers(trace: Trace) -> Iterator[Span]:
    calls = chat_calls(trace)
    for call, following in zip_longest(calls, calls[1:]):
        if CUT_OFF & set(semconv.finish_reasons(call)) and (following is None or _n_asked(following) > _n_asked(call)):
            yield call


def _n_asked(call: Span) -> int:
    return sum(message.role == "user" for message in semconv.input_messages(call))


def _step_limits(trace: Trace) -> Iterator[tuple[Span, str]]:
    if not trace.spans or _answered(trace):
        return
    for span in trace.spans:
        if semconv.operation(span) is not Operation.TOOL:
            for message in _notices(span):
                yield span, message


def _answered(trace: Trace) -> bool:
    answer = final_answer(trace)
    return not failed(trace.root) and bool(answer) and not _is_notice(answer or "")


def _notices(span: Span) -> Iterator[str]:
    if failed(span) and STEP_LIMIT.search(f"{CAMEL.sub(' ', error_name(span))} {error_message(span)}"[:MAX_NOTICE]):
        yield error_message(span)
    yield from (event.name for event in span.events if STEP_LIMIT.search(event.name))
    yield from (reason for reason in semconv.finish_reasons(span) if STEP_LIMIT.search(reason))
    yield from (key for key, value in span.attributes.items() if value is True and STEP_LIMIT.search(key))
    answer = semconv.output_value(span)
    if answer is not None and semconv.operation(span) is not Operation.LLM and _is_notice(answer):
        yield answer


def _is_notice(answer: str) -> bool:
    return len(answer) <= MAX_NOTICE and STEP_LIMIT.search(answer) is not None
