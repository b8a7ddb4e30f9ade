"""Anchor: where a failure shows and where it began. No I/O, and no model: data flow and control flow only.

shown       the span that the detector named
asked       control flow: a tool's call began with the model that asked for it
known       data flow: an argument that came from an earlier failed result began there
first       a habit (a loop, a guess after another) began with its first call
suspect     a judgement of the whole run begins with the first thing in it that looks wrong
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from clustering.conversation import chat_calls, tool_calls
from clustering.deeds import changes
from clustering.detect import detect
from clustering.facts import ids_in
from clustering.failure import Failure
from clustering.site import place
from clustering.span_outcome import is_tool, tool_error
from webhooks import semconv
from webhooks.trace import Span, Trace

#: Failures of a call that was made before in the same way.
HABITS = frozenset({"loop", "no_progress", "repeated_call", "trial_and_error"})
#: Failures that an earlier answer of the agent caused.
REPLIES = frozenset({"objection"})
#: Judgements of the run, which no step shows.
JUDGEMENTS = frozenset({"abandoned", "empty_answer", "negative_feedback", "outlier"})
#: Tools that run what they are given: whether that changed anything, the name does not say.
EXECUTOR = re.compile(r"terminal|shell|bash|python|code|interpreter|exec", re.IGNORECASE)
LAST_CHANGE = "The run's last change was asked for there."
FIRST_DEED = "The run's first call was asked for there."
MAX_JSON = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """Where one failure shows, and the earliest span that explains it."""

    #: The span that shows the failure.
    shown: str
    #: The earliest span that explains it; the same where nothing earlier does.
    explained: str
    #: File and line that one of the two names, the innermost of the harness's own. Hostile text: not a path yet.
    location: tuple[str, int] | None
    #: One plain sentence of ours that ties the one to the other.
    why: str


def anchor(trace: Trace, failure: Failure) -> Anchor:
    """Return where `failure`, which belongs to `trace`, shows and where it began."""
    shown = trace.span(failure.span_id) or trace.root
    explained, why = _explanation(trace, failure, shown)
    location = next((found for span in (shown, explained) if (found := place(span))), None)
    return Anchor(shown=shown.span_id, explained=explained.span_id, location=location, why=why)


def _explanation(trace: Trace, failure: Failure, shown: Span) -> tuple[Span, str]:
    for detectors, explain in RULES:
        if failure.detector in detectors and (found := explain(trace, shown)):
            return found
    if is_tool(shown):
        return _known(trace, shown) or _asked(trace, shown) or (shown, "The call itself failed.")
    return shown, "Nothing before it explains the failure."


def _first(trace: Trace, shown: Span) -> tuple[Span, str] | None:
    """Return the model's first call of the same tool that was as bad: refused too, or with equal arguments."""
    refused = tool_error(shown) is not None
    for span in tool_calls(trace):
        alike = tool_error(span) is not None if refused else _arguments(span) == _arguments(shown)
        if semconv.tool_name(span) == semconv.tool_name(shown) and alike:
            asked = _asked(trace, span)
            return (asked[0] if asked else span), "The first of these calls was made there."
    return None


def _answered(trace: Trace, shown: Span) -> tuple[Span, str] | None:
    """Return the last call to the model before the one that was sent the objection."""
    before = [span for span in chat_calls(trace) if span.start < shown.start]
    return (before[-1], "The answer that the user objects to was given there.") if before else None


def _known(trace: Trace, shown: Span) -> tuple[Span, str] | None:
    """Return the earliest failed tool call whose result an argument of `shown` comes from."""
    wanted = ids_in(_arguments(shown))
    for span in tool_calls(trace):
        if span.start >= shown.start:
            return None
        if wanted and tool_error(span) is not None and wanted & ids_in(semconv.tool_result(span) or ""):
            return span, "An argument comes from the result of an earlier call, which had failed."
    return None


def _asked(trace: Trace, shown: Span) -> tuple[Span, str] | None:
    """Return the latest call to the model, begun before `shown`, that asked for it."""
    wanted, name = semconv.tool_call_id(shown), semconv.tool_name(shown)
    for span in reversed(chat_calls(trace)):
        if span.start <= shown.start:
            calls = [call for message in semconv.output_messages(span) for call in message.tool_calls]
            if any(call.id == wanted if wanted and call.id else call.name == name for call in calls):
                return span, "The model asked for the call there."
    return None


def _suspect(trace: Trace, _shown: Span) -> tuple[Span, str] | None:
    """Return the first span that another failure of the run leads to.

    Where nothing else was seen: what asked for the last change, which left the world as it is; without any change, what
    asked for the first piece of work, on which the rest was built.
    """
    others = [failure for failure in detect(trace) if failure.detector not in JUDGEMENTS]
    order = {span.span_id: at for at, span in enumerate(trace.spans)}
    found = sorted((anchor(trace, other).explained for other in others), key=lambda span_id: order[span_id])
    if found:
        return trace.spans[order[found[0]]], "The first thing that looks wrong in the run is there."
    deeds = tool_calls(trace)
    changed = [span for span in deeds if changes(span) and not EXECUTOR.search(semconv.tool_name(span) or "")]
    for span, why in (*((span, LAST_CHANGE) for span in changed[-1:]), *((span, FIRST_DEED) for span in deeds[:1])):
        asked = _asked(trace, span)
        return (asked[0] if asked else span), why
    answers = chat_calls(trace)
    return (answers[0], "The run's first answer was given there.") if answers else None


def _arguments(span: Span) -> str:
    told = (semconv.tool_arguments(span) or "").strip()
    if len(told) > MAX_JSON:
        return told
    try:
        return json.dumps(json.loads(told), sort_keys=True)
    except (ValueError, RecursionError):
        return told


RULES: tuple[tuple[frozenset[str], Callable[[Trace, Span], tuple[Span, str] | None]], ...] = (
    (HABITS, _first),
    (REPLIES, _answered),
    (JUDGEMENTS, _suspect),
)
