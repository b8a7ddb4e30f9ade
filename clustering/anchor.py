"""Anchor: where a failure shows and where it began. No I/O, and no model: data flow and control flow only.

shown       the span that the detector named
asked       control flow: a tool's call began with the model that asked for it
known       data flow: an argument that came from an earlier failed result began there
first       a habit (a loop, a guess after another) began with its first call
suspect     a judgement of the whole run begins with what broke in it, else with what it left behind: the last change,
            the hand-over, the first program that failed, the last answer
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from clustering.conversation import chat_calls, tool_calls
from clustering.deeds import READS, changes, hands_over
from clustering.detect import detect
from clustering.facts import ids_in
from clustering.failure import Failure
from clustering.site import place
from clustering.span_outcome import is_tool, tool_error
from clustering.span_tree import SpanTree
from webhooks import semconv
from webhooks.trace import Span, Trace

#: Failures of a call that was made before in the same way.
HABITS = frozenset({"loop", "no_progress", "repeated_call", "trial_and_error"})
#: Failures that an earlier answer of the agent caused.
REPLIES = frozenset({"objection"})
#: Answers that pass over a refusal.
IGNORED = frozenset({"ignored_error"})
#: Judgements of the run, which no step shows.
JUDGEMENTS = frozenset({"abandoned", "empty_answer", "negative_feedback", "outlier"})
#: Tools that run what they are given: whether that changed anything, the name does not say.
EXECUTOR = re.compile(r"terminal|shell|bash|python|code|interpreter|exec", re.IGNORECASE)
#: Failures of the harness around the agent; an agent's habits and slips rarely decide how its run ends.
BREAKS = frozenset(
    {
        "cancelled",
        "error",
        "exhausted_retries",
        "invalid_output",
        "invalid_tool_arguments",
        "limit",
        "lost_system_prompt",
        "lost_tool_result",
        "policy",
        "provider_error",
        "tool_result_mismatch",
        "unknown_tool",
    }
)
#: How a program that was run says that it failed.
CRASHED = re.compile(
    r"(?i)exit\s?(?:code|status)\W{0,3}[1-9]|Traceback \(most recent call|^\w{1,40}Error\b", re.MULTILINE
)
MAX_RESULT = 2_000
MAX_JSON = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """Where one failure shows, and the earliest span that explains it."""

    #: The span that shows the failure.
    shown: str
    #: The earliest span that explains it; the same where nothing earlier does.
    explained: str
    #: File and line that one of the two names, or what ran them; the innermost of the harness's own. Hostile text:
    #: not a path yet.
    location: tuple[str, int] | None
    #: One plain sentence of ours that ties the one to the other.
    why: str


def anchor(trace: Trace, failure: Failure) -> Anchor:
    """Return where `failure`, which belongs to `trace`, shows and where it began."""
    shown = trace.span(failure.span_id) or trace.root
    explained, why = _explanation(trace, failure, shown)
    around = SpanTree(trace).ancestors(shown)
    location = next((found for span in (shown, explained, *around) if (found := place(span))), None)
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


def _refused(trace: Trace, shown: Span) -> tuple[Span, str] | None:
    """Return what asked for the last call that was refused before the answer `shown`."""
    refused = [span for span in tool_calls(trace) if span.start <= shown.start and tool_error(span) is not None]
    return _asked_for(trace, refused[-1:], "The call that was refused was asked for there.")


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
    """Return what decided how the run ended: the first that there is of what broke, and of what it left behind."""
    for explain in (_broken, _changed, _handed_over, _tried, _crashed, _worked, _said):
        if found := explain(trace):
            return found
    return None


def _broken(trace: Trace) -> tuple[Span, str] | None:
    order = {span.span_id: at for at, span in enumerate(trace.spans)}
    found = [anchor(trace, failure).explained for failure in detect(trace) if failure.detector in BREAKS]
    first = min(found, key=lambda span_id: order[span_id], default=None)
    return (trace.spans[order[first]], "The first thing that broke in the run is there.") if first else None


def _changed(trace: Trace) -> tuple[Span, str] | None:
    changed = [span for span in tool_calls(trace) if changes(span) and not _executes(span)]
    return _asked_for(trace, changed[-1:], "The run's last change was asked for there.")


def _handed_over(trace: Trace) -> tuple[Span, str] | None:
    handed = [span for span in tool_calls(trace) if hands_over(span)]
    return _asked_for(trace, handed[:1], "The hand-over to a person was asked for there.")


def _tried(trace: Trace) -> tuple[Span, str] | None:
    refused = [span for span in tool_calls(trace) if tool_error(span) is not None and not _executes(span)]
    attempts = [span for span in refused if not READS.match(semconv.tool_name(span) or "") and not hands_over(span)]
    return _asked_for(trace, attempts[-1:], "The run's last change, which was refused, was asked for there.")


def _crashed(trace: Trace) -> tuple[Span, str] | None:
    crashed = (span for span in tool_calls(trace) if _executes(span) and _failed_to_run(span))
    return _asked_for(trace, list(islice(crashed, 1)), "The first program that failed was written there.")


def _worked(trace: Trace) -> tuple[Span, str] | None:
    ran = [span for span in tool_calls(trace) if _executes(span)]
    return _asked_for(trace, ran[:1], "The run's first program, on which the rest was built, was written there.")


def _said(trace: Trace) -> tuple[Span, str] | None:
    answers = chat_calls(trace)
    if not answers:
        return None
    if tool_calls(trace):
        return answers[-1], "The run only looked things up: what it made of them was said there."
    return answers[0], "The run's first answer was given there."


def _asked_for(trace: Trace, spans: Sequence[Span], why: str) -> tuple[Span, str] | None:
    for span in spans:
        asked = _asked(trace, span)
        return (asked[0] if asked else span), why
    return None


def _executes(span: Span) -> bool:
    return EXECUTOR.search(semconv.tool_name(span) or "") is not None


def _failed_to_run(span: Span) -> bool:
    return tool_error(span) is not None or CRASHED.search((semconv.tool_result(span) or "")[:MAX_RESULT]) is not None


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
    (IGNORED, _refused),
    (JUDGEMENTS, _suspect),
)
