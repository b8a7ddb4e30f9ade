"""Look for failures in every complete trace that nobody has looked at."""

from collections.abc import Callable, Mapping, Sequence

from bot.agents import Agent, Agents
from bot.readable import load_readable
from bot.store.runs import Examined
from bot.store.store import Store
from clustering.constraints import constraint_log
from clustering.detect import Detector, detect, with_policies
from clustering.detectors.negative_feedback import rating
from clustering.failure import Failure
from clustering.judgement import Judgement, judged_failure
from clustering.outliers import Fence, Outliers, draw_fences, intent, measured
from webhooks.semconv import service_name
from webhooks.trace import Trace

CHUNK = 200

Progress = Callable[[int, int], None]
Fences = Mapping[str, Mapping[str, Fence]]


def examine(store: Store, tenant: str, *, agents: Agents, quiet_s: float, on_progress: Progress) -> int:
    """Detect and keep the failures of what is complete; return how many traces were examined.

    Parameters
    ----------
    agents
        Their policies are checked in the traces of their services.
    quiet_s
        Seconds without a new span after which a trace without an ended root is complete.
    on_progress
        Told the number of traces examined and the number found.

    """
    store.join_responses(tenant)
    done = _examine(store, tenant, agents=agents, quiet_s=quiet_s, on_progress=on_progress)
    if store.join_responses(tenant):  # what had come before the traces that were examined just now
        done += _examine(store, tenant, agents=agents, quiet_s=quiet_s, on_progress=on_progress)
    return done


def detectors_for(agent: Agent | None, fences: Fences | None = None) -> tuple[Detector, ...]:
    """Return what looks at the traces of an agent: all our detectors, its own policies, and outliers with `fences`."""
    detectors = with_policies(agent.harness.policies if agent else ())
    return (*detectors, Outliers(fences=fences)) if fences else detectors


def _examine(store: Store, tenant: str, *, agents: Agents, quiet_s: float, on_progress: Progress) -> int:
    waiting = store.traces_to_examine(tenant, quiet_s=quiet_s, limit=1_000_000)
    done = 0
    for start in range(0, len(waiting), CHUNK):
        traces = [trace for trace in load_readable(store, tenant, waiting[start : start + CHUNK]) if trace.spans]
        fences = _fences(store, tenant, traces)
        judged = store.judged_failed(tenant, [trace.trace_id for trace in traces])
        examined = []
        for trace in traces:
            agent = agents.owner_of(service_name(trace))
            found = detect(trace, detectors_for(agent, fences)) or _judged(trace, judged)
            examined.append((trace, found, _examined(trace, agent, found)))
            on_progress(done + len(examined), len(waiting))
        store.save_all_examined(tenant, examined)
        done += len(examined)
    return done


def _judged(trace: Trace, judged: Mapping[str, Judgement]) -> list[Failure]:
    """Return what the judge found in the run before it grew."""
    judgement = judged.get(trace.trace_id)
    failure = judged_failure(trace, judgement) if judgement else None
    return [failure] if failure else []


def _examined(trace: Trace, agent: Agent | None, found: Sequence[Failure]) -> Examined:
    return Examined(
        intent=intent(trace),
        started_at=trace.root.start,
        measures=measured(trace),
        rating=rating(trace),
        checks=constraint_log(trace, agent.harness.policies if agent else ()) if found else (),
    )


def _fences(store: Store, tenant: str, traces: Sequence[Trace]) -> Fences:
    """Draw fences from the latest runs of each intent and these."""
    runs = {named: list(known) for named, known in store.recent_measures(tenant, _intents(traces)).items()}
    for trace in traces:
        runs[intent(trace)].append(measured(trace))
    return draw_fences(runs)


def _intents(traces: Sequence[Trace]) -> list[str]:
    return sorted({intent(trace) for trace in traces})
