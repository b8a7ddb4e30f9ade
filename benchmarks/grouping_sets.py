"""What grouping is measured on: failures with the label that people, programs or their makers gave them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from benchmarks.error_causes import caused_errors
from benchmarks.labelled_runs import LabelledRun, read_runs
from clustering.conversation import tool_calls
from clustering.deeds import changes
from clustering.describe import ERROR_LIKE, describe
from clustering.detect import detect
from clustering.detectors.negative_feedback import NegativeFeedback
from clustering.detectors.tool_errors import ToolErrors
from clustering.dialogue import dialogue
from clustering.failure import Failure
from clustering.failure_at import failure_at
from clustering.span_outcome import error_message, is_tool
from webhooks import semconv
from webhooks.trace import Event, Span, Trace

LAST = 6  # messages
RATING = {"gen_ai.evaluation.name": "outcome", "gen_ai.evaluation.score.value": 0.0}


class About(Enum):
    """What the labels of a file are about."""

    #: What a run did that it should not have, whatever its tools answered on the way.
    SYMPTOMS = "symptoms"
    #: The error that each line is.
    ERRORS = "errors"
    #: Nobody said.
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One failure, its description and its label."""

    failure: Failure
    text: str
    #: What a tool without knowledge of agents would be given: the error as it came, or the last words of the run.
    raw: str
    label: str
    domain: str
    trace: Trace
    #: Whether the run changed anything.
    wrote: bool = False
    run_id: str = ""


def labelled_failures(path: Path, *, about: About) -> list[Labelled]:
    """Return one failure of each labelled run of a file, as its labels are about.

    The error that the labelled step shows, or that the run did not get over, where there is one; else what the product
    would see had a person rated the run badly, without a word.
    """
    return [_labelled(run, about) for run in read_runs(path) if run.label]


def error_messages(paths: Sequence[Path]) -> list[Labelled]:
    """Return the errors of known cause that tools answered with in any run of these files."""
    found = caused_errors(run for path in paths for run in read_runs(path))
    return [
        Labelled(
            failure=failure,
            text=describe(failure, error.trace),
            raw=failure.message,
            label=error.cause,
            domain=error.domain,
            trace=error.trace,
        )
        for error in found
        for failure in ToolErrors()(error.trace)
    ]


def _labelled(run: LabelledRun, about: About) -> Labelled:
    trace = _rated(run.trace)
    failure = _failure(run, trace, about)
    wrote = any(changes(span) for span in tool_calls(trace))
    words = "\n".join(turn.text for turn in list(dialogue(run.trace))[-LAST:])
    return Labelled(
        failure=failure,
        text=describe(failure, trace),
        raw=failure.message or words,
        label=run.label,
        domain=run.domain,
        trace=trace,
        wrote=wrote,
        run_id=run.id,
    )


def _failure(run: LabelledRun, trace: Trace, about: About) -> Failure:
    errors = [failure for failure in detect(run.trace) if failure.detector in ERROR_LIKE]
    at_step = [failure for failure in errors if run.step is not None and run.step_of.get(failure.span_id) == run.step]
    broke = [failure for failure in errors if about is not About.SYMPTOMS or failure.detector == "error"]
    told = [_told(run.trace)] if about is About.ERRORS else NegativeFeedback()(trace)
    return (*at_step, *broke[-1:], *told)[0]


def _told(trace: Trace) -> Failure:
    """Return as an error what a tool answered last; where there is no tool, what anybody said last."""
    answers = [span for span in trace.spans if is_tool(span)]
    last = answers[-1] if answers else trace.root
    said = semconv.tool_result(last) if answers else semconv.output_value(last) or semconv.input_value(last)
    tool = semconv.tool_name(last) or last.name
    return failure_at(trace, last, detector="tool_error", key=tool, message=said or error_message(last), reason="")


def _rated(trace: Trace) -> Trace:
    last = max(span.end or span.start for span in trace.spans)
    event = Event(name="gen_ai.evaluation.result", time=last, attributes=RATING)
    rating = Span(
        trace_id=trace.trace_id,
        span_id="rating",
        parent_span_id=trace.root.span_id,
        name="rating",
        start=last,
        end=last,
        events=(event,),
    )
    return Trace.from_spans([*(replace(span, completes=None) for span in trace.spans), rating])
