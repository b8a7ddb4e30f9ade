"""Audit: ask a model about a sample of the runs, those that no detector flagged too, within a budget for each day.

What the model says becomes a failure only where no detector saw one, and only with a citation that is in the run.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from bot.advisor import DAY, Advisor
from bot.agents import Agents
from bot.readable import load_readable
from bot.store.judgements import Judged
from bot.store.spending import Spent
from bot.store.store import Store
from clustering.audit_order import Candidate, audit_order
from clustering.judgement import judged_failure, question, read_judgement
from clustering.transcript import transcript
from fixers.errors import ModelError
from webhooks.semconv import service_name
from webhooks.trace import Trace

CANDIDATES = 2_000  # the latest; a sample of them is asked about
log = logging.getLogger(__name__)


def audit(
    store: Store,
    tenant: str,
    *,
    judge: Advisor,
    agents: Agents,
    now: datetime,
    on_progress: Callable[[int, int], None] = lambda *_: None,
) -> int:
    """Ask about runs until the budget of the last 24 hours is used up; return how many were judged.

    A provider that fails ends the round: what was judged by then is kept.
    """
    candidates = {each.trace_id: each for each in store.audit_candidates(tenant, most=CANDIDATES)}
    spent = store.audit_spent(tenant, since=now - DAY)
    n_judged = 0
    for trace_id in audit_order(list(candidates.values())):
        for trace in load_readable(store, tenant, [trace_id]):
            judged = _ask(judge, trace, candidates[trace_id], agents, spent)
            if judged is None:
                return n_judged
            _keep(store, tenant, trace, judged)
            spent = Spent(spent.n_runs + 1, spent.tokens + judged.tokens, spent.cost_usd + judged.cost_usd)
            n_judged += 1
            on_progress(n_judged, len(candidates))
    return n_judged


def _ask(judge: Advisor, trace: Trace, candidate: Candidate, agents: Agents, spent: Spent) -> Judged | None:
    """Return what the judge says of a run; None when it costs too much or the provider fails."""
    agent = agents.owner_of(service_name(trace))
    run = transcript(trace)
    asked = question(run, [rule.sentence for rule in agent.harness.policies] if agent else ())
    if not judge.can_pay(spent, asked):
        return None
    try:
        reply = judge.model.complete(asked, [])
    except ModelError as error:
        log.warning("the judge was asked about trace %s in vain: %s", trace.trace_id, error)
        return None
    return Judged(
        judgement=read_judgement(reply.content, run),
        was_flagged=candidate.is_flagged,
        model=judge.name,
        tokens=reply.input_tokens + reply.output_tokens,
        cost_usd=reply.cost_usd,
    )


def _keep(store: Store, tenant: str, trace: Trace, judged: Judged) -> None:
    store.keep_judged(tenant, trace.trace_id, judged)
    failure = None if judged.was_flagged else judged_failure(trace, judged.judgement)
    if failure is not None:
        store.save_examined(tenant, trace, [failure])
