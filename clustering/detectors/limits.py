"""Limits that cut a run short: output tokens, steps, time, cost."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from clustering.conversation import chat_calls, final_answer
from clustering.failure import Failure
from clustering.failure_at import failure_at
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
TIME_LIMIT = re.compile(
    r"(?<![a-z])(?:(?:time|execution|duration)[ _.\-]?(?:limit|budget)"
    r"|max(?:imum)?[ _.\-]?(?:execution|run|wall)[ _.\-]?time"
    r"|run timed out|out of time)",
    re.IGNORECASE,
)
COST_LIMIT = re.compile(
    r"(?<![a-z])(?:(?:cost|spending|spend|token)[ _.\-]?(?:limit|budget)|budget[ _.\-]?(?:exceeded|exhausted|spent)"
    r"|max(?:imum)?[ _.\-]?(?:cost|budget|spend))",
    re.IGNORECASE,
)
#: Key -> what a notice of that limit says, and the sentence.
LIMITS = {
    "steps": (STEP_LIMIT, "The run reaches its step limit and ends without an answer."),
    "time": (TIME_LIMIT, "The run reaches its time limit and ends without an answer."),
    "cost": (COST_LIMIT, "The run reaches its cost limit and ends without an answer."),
}
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")  # MaxTurnsExceeded reads as Max Turns Exceeded
MAX_NOTICE = 300  # a longer answer that speaks of a step limit speaks of something else


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """A model's answer was cut at its token limit, or the run ended at a limit: "length"; "steps", "time" or "cost".

    The latter count when the trace itself says so, by an error, an event, a finish reason, a flag or a notice
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
        for key, (pattern, reason) in LIMITS.items():
            if notice := next(_reached(trace, pattern), None):
                span, message = notice
                yield failure_at(trace, span, detector=self.name, key=key, message=message, reason=reason)


def _cut_answers(trace: Trace) -> Iterator[Span]:
    calls = chat_calls(trace)
    for call, following in zip_longest(calls, calls[1:]):
        if CUT_OFF & set(semconv.finish_reasons(call)) and (following is None or _n_asked(following) > _n_asked(call)):
            yield call


def _n_asked(call: Span) -> int:
    return sum(message.role == "user" for message in semconv.input_messages(call))


def _reached(trace: Trace, limit: re.Pattern[str]) -> Iterator[tuple[Span, str]]:
    if not trace.spans or _answered(trace, limit):
        return
    for span in trace.spans:
        if semconv.operation(span) is not Operation.TOOL:
            for message in _notices(span, limit):
                yield span, message


def _answered(trace: Trace, limit: re.Pattern[str]) -> bool:
    answer = final_answer(trace)
    return not failed(trace.root) and bool(answer) and not _is_notice(answer or "", limit)


def _notices(span: Span, limit: re.Pattern[str]) -> Iterator[str]:
    if failed(span) and limit.search(f"{CAMEL.sub(' ', error_name(span))} {error_message(span)}"[:MAX_NOTICE]):
        yield error_message(span)
    yield from (event.name for event in span.events if limit.search(event.name[:MAX_NOTICE]))
    yield from (reason for reason in semconv.finish_reasons(span) if limit.search(reason[:MAX_NOTICE]))
    yield from (key for key, value in span.attributes.items() if value is True and limit.search(key[:MAX_NOTICE]))
    answer = semconv.output_value(span)
    if answer is not None and semconv.operation(span) is not Operation.LLM and _is_notice(answer, limit):
        yield answer


def _is_notice(answer: str, limit: re.Pattern[str]) -> bool:
    return len(answer) <= MAX_NOTICE and limit.search(answer) is not None
