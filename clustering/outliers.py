"""Runs that cost or took far more than others with the same intent, or did nothing where the others work.

One trace cannot tell: fences are drawn from the runs of an intent, and `Outliers` holds a trace against them. No I/O.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from typing import NamedTuple

from clustering.conversation import chat_calls, tool_calls
from clustering.failure import Failure
from clustering.failure_at import failure_at
from webhooks import semconv
from webhooks.trace import Trace

MIN_RUNS = 20  # of one intent: quartiles of fewer are noise
FENCE = 1.5  # interquartile ranges above the third quartile: Tukey's fence
MIN_RATIO = 1.5  # where all runs are nearly alike, the fence alone would flag a trifle
WORKS = 2  # tool calls that three quarters of an intent's runs make: then one that makes none did nothing
TOOL_CALLS = "tool calls"
NOTHING = "no tool calls"

#: Measure -> number, of one run.
Measures = Mapping[str, float]


class Fence(NamedTuple):
    """What the runs of an intent take."""

    median: float
    #: What takes more is an outlier.
    upper: float
    #: The first quartile.
    lower: float


def intent(trace: Trace) -> str:
    """Return what a run was for: its service and the name of its root."""
    return f"{semconv.service_name(trace)}/{trace.root.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outliers:
    """A run takes far more of something than others with the same intent; keyed by the measure.

    "no tool calls" is a run that calls no tool, where three of four runs of the intent call several.
    """

    #: Intent -> measure -> fence.
    fences: Mapping[str, Mapping[str, Fence]] = field(default_factory=dict)
    intent_of: Callable[[Trace], str] = intent
    name: str = "outlier"

    def __call__(self, trace: Trace) -> Iterable[Failure]:
        """Yield at most one failure, at the root: what took more money, took more calls and more time as well."""
        fences = self.fences.get(self.intent_of(trace), {})
        values = measured(trace) if fences else {}
        far = [measure for measure in values if measure in fences and values[measure] > fences[measure].upper > 0]
        if far:
            value, median = values[far[0]], fences[far[0]].median
            yield failure_at(
                trace,
                trace.root,
                detector=self.name,
                key=far[0],
                message=f"{value:g} {far[0]}, where half of the runs take at most {median:g}",
                reason=f"The run takes far more {far[0]} than others with the same intent.",
            )
        elif TOOL_CALLS in fences and not values[TOOL_CALLS] and fences[TOOL_CALLS].lower >= WORKS:
            yield failure_at(
                trace,
                trace.root,
                detector=self.name,
                key=NOTHING,
                message=f"no tool calls, where half of the runs make at least {fences[TOOL_CALLS].median:g}",
                reason="The run calls no tool, where others with the same intent call several.",
            )


def outliers(traces: Sequence[Trace], *, intent_of: Callable[[Trace], str] | None = None) -> list[Failure]:
    """Return the outliers of a population of traces, in the order given.

    Parameters
    ----------
    traces
        The population, in any order.
    intent_of
        What a run was for; by default its service and the name of its root.

    """
    told = [trace for trace in traces if trace.spans]
    of_intent: dict[str, list[Measures]] = {}
    for trace in told:
        of_intent.setdefault((intent_of or intent)(trace), []).append(measured(trace))
    detector = Outliers(fences=draw_fences(of_intent), intent_of=intent_of or intent)
    return [failure for trace in told for failure in detector(trace)]


def draw_fences(of_intent: Mapping[str, Sequence[Measures]]) -> dict[str, dict[str, Fence]]:
    """Return the fences of every intent that has enough runs to draw them."""
    return {named: _fences(runs) for named, runs in of_intent.items() if len(runs) >= MIN_RUNS}


def measured(trace: Trace) -> dict[str, float]:
    """Return what a run took: measure -> number, the most telling measure first."""
    calls = chat_calls(trace)
    ends = [span.end for span in trace.spans if span.end is not None]
    return {
        "US dollars": sum(semconv.cost_usd(span) or 0.0 for span in calls),
        "tokens": float(sum(sum(semconv.usage(span)) for span in calls)),
        "model calls": float(len(calls)),
        TOOL_CALLS: float(len(tool_calls(trace))),
        "seconds": (max(ends) - min(span.start for span in trace.spans)).total_seconds() if ends else 0.0,
    }


def _fences(runs: Sequence[Measures]) -> dict[str, Fence]:
    measures = dict.fromkeys(measure for run in runs for measure in run)
    return {measure: _fence([run.get(measure, 0.0) for run in runs]) for measure in measures}


def _fence(values: Sequence[float]) -> Fence:
    first, median, third = quantiles(values, n=4)
    return Fence(median=median, upper=max(third + FENCE * (third - first), MIN_RATIO * median), lower=first)
