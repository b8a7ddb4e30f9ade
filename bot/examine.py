"""Look for failures in every complete trace that nobody has looked at."""

from collections.abc import Callable

from bot.agents import Agent, Agents
from bot.readable import load_readable
from bot.store.store import Store
from clustering.detect import Detector, detect, with_policies
from webhooks.semconv import service_name

CHUNK = 200

Progress = Callable[[int, int], None]


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


def _examine(store: Store, tenant: str, *, agents: Agents, quiet_s: float, on_progress: Progress) -> int:
    waiting = store.traces_to_examine(tenant, quiet_s=quiet_s, limit=1_000_000)
    done = 0
    for start in range(0, len(waiting), CHUNK):
        examined = []
        for trace in load_readable(store, tenant, waiting[start : start + CHUNK]):
            detectors = detectors_for(agents.owner_of(service_name(trace)))
            examined.append((trace, detect(trace, detectors)))
            on_progress(done + len(examined), len(waiting))
        store.save_all_examined(tenant, examined)
        done += len(examined)
    return done


def detectors_for(agent: Agent | None) -> tuple[Detector, ...]:
    """Return what looks at the traces of an agent: all our detectors, and its own policies."""
    return with_policies(agent.harness.policies if agent else ())
