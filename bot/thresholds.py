"""The thresholds that move by a rule: what each stands at for an agent now, and a note of every move.

Autonomy follows `bot.autonomy`, the number of healthy runs `bot.guard_runs`: each within its bounds, whatever happens.
"""

from datetime import datetime

from bot.agents import Agent, Agents
from bot.guard_runs import GuardRuns, guard_runs
from bot.queue import Queue
from bot.store.store import Store
from bot.store.thresholds import Threshold
from fixers.aftermath import Answer

AUTONOMY, GUARD_RUNS = "autonomy", "guard runs"


def guard_runs_of(store: Store, tenant: str, agent: Agent, *, now: datetime) -> GuardRuns:
    """Return how many more healthy runs than failing ones the fixes of an agent are tried on now."""
    worse = {proposal_id for proposal_id, proof in store.proofs(tenant).items() if proof.answer is Answer.WORSE}
    reverted = {revert.proposal_id for revert in store.reverts(tenant) if revert.state == "merged"}
    its = [
        each
        for each in store.pull_requests(tenant)
        if (each.pull_request.repository, each.agent) == (agent.forge.repository, agent.harness.name)
    ]
    return guard_runs(its, worse | reverted, now=now)


def note_thresholds(store: Store, tenant: str, agents: Agents, queue: Queue) -> None:
    """Note each threshold that moved since it was last noted."""
    now = queue.now()
    for agent in agents.readable:
        standing, more = queue.standing(tenant, agent), guard_runs_of(store, tenant, agent, now=now)
        for name, value, reason in (
            (AUTONOMY, standing.autonomy.value, standing.reason),
            (GUARD_RUNS, f"+{more.n_more}", more.reason),
        ):
            moved = Threshold(agent.forge.repository, agent.harness.name, name, value, reason, now)
            store.note_threshold(tenant, moved)
