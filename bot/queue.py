"""Queue: which failure modes may become pull requests now, and which wait for a place or for somebody's word."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.agents import Agent
from bot.autonomy import Standing, standing
from bot.places import why_wait
from bot.store.store import Store
from bot.store.waiting import Waiting
from clustering.failure_mode import FailureMode
from fixers.aftermath import Answer
from fixers.harness import Autonomy

UNASKED = "findings are listed; a fix is drafted when somebody asks for it here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The order of one tenant after the other; what it decides is kept, so that people can see and change it."""

    store: Store
    now: Callable[[], datetime]

    def standing(self, tenant: str, agent: Agent) -> Standing:
        """Return how far the bot goes for an agent now, and why."""
        worse = {
            proposal_id for proposal_id, proof in self.store.proofs(tenant).items() if proof.answer is Answer.WORSE
        }
        bad = worse | {revert.proposal_id for revert in self.store.reverts(tenant) if revert.state == "merged"}
        its = [
            each._replace(pull_request=replace(each.pull_request, state="closed")) if each.proposal_id in bad else each
            for each in self.store.pull_requests(tenant)
            if (each.pull_request.repository, each.agent) == (agent.forge.repository, agent.harness.name)
        ]
        return standing(agent.harness.autonomy, its, now=self.now())

    def admitted(self, tenant: str, modes: Iterable[FailureMode], owners: Mapping[str, Agent | None]) -> dict[str, str]:
        """Return the commit that an attempt starts from, by failure mode id, for those that may be tried now.

        What is verified and waits for a place is not tried again on the same commit before there is one.
        """
        in_queue = {entry.failure_mode_id: entry for entry in self.store.waiting(tenant)}
        admitted = {}
        for mode in modes:
            agent = owners[mode.id]
            if agent is None:
                continue
            level, entry = self.standing(tenant, agent).autonomy, in_queue.get(mode.id)
            asked = entry is not None and entry.asked_at is not None
            if level is Autonomy.ISSUE and not asked:
                self._enter(tenant, mode.id, agent, UNASKED)
            elif level is not Autonomy.OBSERVE and (asked or not self._still_waits(tenant, entry, agent)):
                admitted[mode.id] = agent.base.sha
        return admitted

    def must_wait(self, tenant: str, mode_id: str, agent: Agent, *, base_sha: str) -> bool:
        """Tell whether a verified fix has to wait, and put it into the queue if so."""
        entry = next((each for each in self.store.waiting(tenant) if each.failure_mode_id == mode_id), None)
        if entry is not None and entry.asked_at is not None:
            return False
        reason = self._why_wait(tenant, agent)
        if self.standing(tenant, agent).autonomy is Autonomy.ISSUE:
            reason = UNASKED
        if reason is not None:
            self._enter(tenant, mode_id, agent, reason, base_sha=base_sha)
        return reason is not None

    def _still_waits(self, tenant: str, entry: Waiting | None, agent: Agent) -> bool:
        verified_here = entry is not None and entry.base_sha == agent.base.sha
        return verified_here and self._why_wait(tenant, agent) is not None

    def _why_wait(self, tenant: str, agent: Agent) -> str | None:
        return why_wait(
            self.store.pull_requests(tenant),
            repository=agent.forge.repository,
            agent=agent.harness.name,
            manners=agent.harness.manners,
            now=self.now(),
            taken=self.store.taken_places(tenant),
        )

    def _enter(self, tenant: str, mode_id: str, agent: Agent, reason: str, *, base_sha: str = "") -> None:
        entry = Waiting(
            failure_mode_id=mode_id,
            repository=agent.forge.repository,
            agent=agent.harness.name,
            base_sha=base_sha,
            reason=reason,
        )
        self.store.wait(tenant, entry)
