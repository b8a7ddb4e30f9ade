"""What grouping is measured on: failures with the label that people, programs or their makers gave them."""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.error_causes import caused_errors
from benchmarks.labelled_runs import LabelledRun, read_runs
from clustering.conversation import tool_calls
from clustering.deeds import changes
from clustering.describe import ERROR_LIKE, describe
from clustering.detect import detect
from clustering.detectors.negative_feedback import NegativeFeedback
from clustering.detectors.tool_errors import ToolErrors
from clustering.failure import Failure
from webhooks.trace import Event, Span, Trace

RATING = {"gen_ai.evaluation.name": "outcome", "gen_ai.evaluation.score.value": 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One failure, its description and its label."""

    failure: Failure
    text: str
    label: str
    domain: str
    #: Whether the run changed anything.
    wrote: bool = False


def labelled_failures(path: Path) -> list[Labelled]:
    """Return one failure of each labelled run of a file.

    The error that the labelled step shows, or that the run broke with, where there is one; else what the product would
    see had a person rated the run badly, without a word.
    """
    return [_labelled(run, label) for run, label in zip(read_runs(path), _labels(path), strict=True) if label]


def error_messages(paths: Sequence[Path]) -> list[Labelled]:
    """Return the errors of known cause that tools answered with in any run of these files."""
    found = caused_errors([json.loads(line) for path in paths for line in _lines(path)])
    return [
        Labelled(failure=failure, text=describe(failure, error.trace), label=error.cause, domain=error.domain)
        for error in found
        for failure in ToolErrors()(error.trace)
    ]


def _labelled(run: LabelledRun, label: str) -> Labelled:
    trace = _rated(run.trace)
    errors = [failure for failure in detect(run.trace) if failure.detector in ERROR_LIKE]
    at_step = [failure for failure in errors if run.step is not None and run.step_of.get(failure.span_id) == run.step]
    broke = [failure for failure in errors if failure.detector == "error"]
    failure = (*at_step, *broke, *NegativeFeedback()(trace))[0]
    wrote = any(changes(span) for span in tool_calls(trace))
    return Labelled(failure=failure, text=describe(failure, trace), label=label, domain=run.domain, wrote=wrote)


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


def _labels(path: Path) -> list[str]:
    return [_label(json.loads(line).get("label")) for line in _lines(path)]


def _label(label: Any) -> str:  # noqa: ANN401  # any JSON value
    """Return a run's label; "" for a healthy run, and for one that is only said to have failed."""
    if isinstance(label, dict):
        label = label.get("primary")
    return label.strip() if isinstance(label, str) else ""


def _lines(path: Path) -> Iterator[bytes]:
    data = path.read_bytes()
    lines = (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines()
    yield from (line for line in lines if line.strip())
