"""Find the runs that cost or took far more than others with the same intent. Needs many traces: no detector can."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import quantiles

from clustering.conversation import chat_calls
from clustering.failure import Failure
from clustering.failure_at import failure_at
from webhooks import semconv
from webhooks.trace import Trace

MIN_RUNS = 20  # of one intent: quartiles of fewer are noise
FENCE = 1.5  # interquartile ranges above the third quartile: Tukey's fence
MIN_RATIO = 1.5  # where all runs are nearly alike, the fence alone would flag a trifle


def outliers(traces: Sequence[Trace], *, intent_of: Callable[[Trace], str] | None = None) -> list[Failure]:
    """Return a failure at the root of each run that is far above the others of its intent, once per measure.

    Parameters
    ----------
    traces
        The population, in any order.
    intent_of
        What a run was for; by default its service and the name of its root.

    """
    intents: dict[str, list[Trace]] = {}
    for trace in traces:
        if trace.spans:
            intents.setdefault((intent_of or _intent)(trace), []).append(trace)
    return [failure for alike in intents.values() if len(alike) >= MIN_RUNS for failure in _far_above(alike)]


def _intent(trace: Trace) -> str:
    return f"{semconv.service_name(trace)}/{trace.root.name}"


def _far_above(traces: Sequence[Trace]) -> Iterator[Failure]:
    for measure, value_of in MEASURES.items():
        values = [value_of(trace) for trace in traces]
        first, median, third = quantiles(values, n=4)
        limit = max(third + FENCE * (third - first), MIN_RATIO * median)
        for trace, value in zip(traces, values, strict=True):
            if value > limit > 0:
                yield failure_at(
                    trace,
                    trace.root,
                    detector="outlier",
                    key=measure,
                    message=f"{value:g} {measure}, where half of the runs take at most {median:g}",
                    reason=f"The run takes far more {measure} than others with the same intent.",
                )


def _tokens(trace: Trace) -> float:
    return sum(sum(semconv.usage(span)) for span in chat_calls(trace))


def _seconds(trace: Trace) -> float:
    ends = [span.end for span in trace.spans if span.end is not None]
    return (max(ends) - min(span.start for span in trace.spans)).total_seconds() if ends else 0.0


def _model_calls(trace: Trace) -> float:
    return len(chat_calls(trace))


MEASURES: Mapping[str, Callable[[Trace], float]] = {
    "tokens": _tokens,
    "seconds": _seconds,
    "model calls": _model_calls,
}
