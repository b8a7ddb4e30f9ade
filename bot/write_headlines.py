"""Write headlines: ask a model for a one-line diagnosis of each run that failed silently, within a day's budget.

A run is asked about once. What cannot be asked, or answered, is grouped by its own words as before.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from bot.advisor import Advisor, advise
from bot.agents import Agents
from bot.readable import load_readable
from bot.store.store import Store
from clustering.headline import question, read_headline
from clustering.transcript import transcript
from webhooks.semconv import service_name

MOST = 2_000  # runs in one round
#: Of the budget; the rest is for the titles of failure modes.
SHARE = 0.75


def write_headlines(
    store: Store,
    tenant: str,
    *,
    advisor: Advisor,
    agents: Agents,
    now: datetime,
    on_progress: Callable[[int, int], None] = lambda *_: None,
) -> int:
    """Ask until the budget of the last 24 hours is used up or the provider fails; return how many were answered."""
    decided = {kind for wish in store.wishes(tenant) for kind in wish.kinds}
    wanted = store.without_headline(tenant, most=MOST, decided=decided)
    n_asked = 0
    for trace_id in wanted:
        for trace in load_readable(store, tenant, [trace_id]):
            run, agent = transcript(trace), agents.owner_of(service_name(trace))
            seen_by = sorted({failure.detector for failure in store.silent_failures(tenant, trace_id)})
            messages = question(run, seen_by, [rule.sentence for rule in agent.harness.policies] if agent else ())
            line = advise(
                store,
                tenant,
                messages,
                partial(read_headline, run=run),
                advisor=advisor,
                now=now,
                share=SHARE,
            )
            if line is None:
                return n_asked
            store.keep_headline(tenant, trace, line, decided=decided)
            n_asked += 1
            on_progress(n_asked, len(wanted))
    return n_asked
