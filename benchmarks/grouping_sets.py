"""What grouping is measured on: failures with the label that people, programs or their makers gave them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from webhooks.trace import Event, Span, Trace

LAST = 6  # messages
RATING = {"gen_ai.evaluation.name": "outcome", "gen_ai.evaluation.score.value": 0.0}


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


def labelled_failures(path: Path) -> list[Labelled]:
    """Return one failure of each labelled run of a file.

    The error that the labelled step shows, or that the run broke with, where there is one; else what the product would
    see had a person rated the run badly, without a word.
    """
    return [_labelled(run) for run in read_runs(path) if run.label]


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


def _labelled(run: LabelledRun) -> Labelled:
    trace = _rated(run.trace)
    errors = [failure for failure in detect(run.trace) if failure.detector in ERROR_LIKE]
    at_step = [failure for failure in errors if run.step is not None and run.step_of.get(failure.span_id) == run.step]
    broke = [failure for failure in errors if failure.detector == "error"]
    failure = (*at_step, *broke, *NegativeFeedback()(trace))[0]
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
