"""Open the pull request of a verified fix, unless the same fix is there already."""

import logging
from dataclasses import dataclass, replace

from bot.agents import Agent, Agents
from bot.errors import ForgeError, NoAgent
from bot.forge.errors import Refused
from bot.forge.forge import State
from bot.in_public import refuse_in_public
from bot.ledger import Ledger
from bot.owners import reviewers
from bot.pr_body.comments import also_mends
from bot.pull_request import PullRequest
from bot.same_fix import is_there, patch_id
from bot.sticky import answer
from bot.store.pull_requests import Opened
from bot.store.taken_places import Place
from bot.submit import head_branch, report, submit
from clustering.failure_mode import FailureMode
from fixers.evidence import Verdict
from fixers.harness import Autonomy
from fixers.proposal import Proposal

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Decides whether a verified fix goes out, and shows its evidence."""

    ledger: Ledger

    def own(self, tenant: str, proposal: Proposal) -> PullRequest | None:
        """Return the pull request of this very proposal, None when it has none."""
        opened = self.ledger.store.pull_requests_of_mode(tenant, proposal.failure_mode_id)
        return next((each.pull_request for each in opened if each.proposal_id == proposal.id), None)

    def open(self, tenant: str, mode: FailureMode, proposal: Proposal, *, asked: bool) -> PullRequest | None:
        """Open the pull request; None, with a verdict or a place in the queue, when it has to wait."""
        evidence, agent = self.ledger.evidence(tenant, proposal.id), self.ledger.agent_of(tenant, mode)
        standing = self.ledger.queue.standing(tenant, agent)
        if not self._is_on_forge(tenant, proposal, agent):
            if not self._may_open(tenant, mode, proposal, agent, standing.autonomy, asked=asked):
                return None
            self.ledger.store.take_place(
                tenant, proposal_id=proposal.id, repository=agent.forge.repository, agent=agent.harness.name
            )
        shown = self.ledger.shown(tenant, agent)
        try:
            if shown.is_public:
                refuse_in_public(proposal)
            opened = submit(
                shown.proposal(proposal),
                shown.evidence(evidence),
                shown.mode(mode),
                traffic=self.ledger.store.traffic_of_all(tenant),
                forge=agent.forge,
                harness=agent.harness,
                branch=agent.base.branch,
                bundle=self.ledger.bundled(tenant, mode, proposal, evidence),
                ready=standing.autonomy is Autonomy.READY,
            )
        except Refused as error:
            self.ledger.store.free_place(tenant, proposal.id)
            self.ledger.settle(
                tenant, mode, proposal, replace(evidence, verdict=Verdict.OUT_OF_SCOPE, reason=str(error))
            )
            return None
        self.ledger.store.save_pull_request(tenant, opened, proposal_id=proposal.id, agent=agent.harness.name)
        self.ledger.store.stop_waiting(tenant, mode.id)
        if standing.autonomy is Autonomy.READY:
            paths = [edit.path for edit in proposal.edits]
            agent.forge.request_reviews(opened, reviewers(paths, agent.read_file))
        return opened

    def find_lost(self, tenant: str, agents: Agents) -> None:
        """Note the pull requests that were opened by a process which ended before it noted them."""
        agent_of = {(agent.forge.repository, agent.harness.name): agent for agent in agents.readable}
        for place in self.ledger.store.taken_places(tenant):
            agent = agent_of.get((place.repository, place.agent))
            if agent is None:
                continue  # while the repository cannot be asked, the place stays taken
            with self.ledger.store.turn(f"submit/{tenant}"):  # whoever opens one has the turn: nobody does now
                self._find_lost(tenant, place, agent)

    def _find_lost(self, tenant: str, place: Place, agent: Agent) -> None:
        proposal = self.ledger.proposal(tenant, place.proposal_id)
        try:
            found = agent.forge.find_pull_request(head_branch(proposal))
        except ForgeError as error:
            log.warning("whether proposal %s was opened is asked again in the next run: %s", proposal.id, error)
            return
        if found is None:
            self.ledger.store.free_place(tenant, proposal.id)
            return
        self.ledger.store.save_pull_request(tenant, found, proposal_id=proposal.id, agent=place.agent)
        self.ledger.store.stop_waiting(tenant, proposal.failure_mode_id)

    def _is_on_forge(self, tenant: str, proposal: Proposal, agent: Agent) -> bool:
        """Tell whether an earlier call opened it and ended before that was noted."""
        taken = {place.proposal_id for place in self.ledger.store.taken_places(tenant)}
        if proposal.id not in taken:
            return False
        if agent.forge.find_pull_request(head_branch(proposal)) is not None:
            return True
        self.ledger.store.free_place(tenant, proposal.id)
        return False

    def _may_open(
        self,
        tenant: str,
        mode: FailureMode,
        proposal: Proposal,
        agent: Agent,
        autonomy: Autonomy,
        *,
        asked: bool,
    ) -> bool:
        """Tell whether nothing speaks against it; what does is recorded."""
        others = [
            each for each in self.ledger.store.pull_requests_of_mode(tenant, mode.id) if each.proposal_id != proposal.id
        ]
        if others and not self.ledger.has_second_chance(tenant, mode, agent.base.sha):
            return False  # opened while this one was tried: never a second one
        if autonomy is Autonomy.OBSERVE:
            raise NoAgent(f"the autonomy of {agent.harness.name!r} is observe: no pull request is opened")
        if why := self._why_not_needed(tenant, mode, proposal, agent):
            evidence = self.ledger.evidence(tenant, proposal.id)
            self.ledger.settle(tenant, mode, proposal, replace(evidence, verdict=Verdict.DUPLICATE, reason=why))
            return False
        if agent.base.sha != proposal.base_sha:
            self._record_moved(tenant, mode, proposal, agent)
            return False
        return asked or not self.ledger.queue.must_wait(tenant, mode.id, agent, base_sha=proposal.base_sha)

    def report(self, tenant: str, mode: FailureMode, proposal: Proposal) -> None:
        """Show the evidence as a check run."""
        agent = self.ledger.agent_of(tenant, mode)
        shown = self.ledger.shown(tenant, agent)
        told, evidence = shown.proposal(proposal), shown.evidence(self.ledger.evidence(tenant, proposal.id))
        for opened in self.ledger.store.pull_requests_of_mode(tenant, mode.id):
            if opened.proposal_id == proposal.id:
                report(opened.pull_request, told, evidence, forge=agent.forge, manners=agent.harness.manners)

    def _why_not_needed(self, tenant: str, mode: FailureMode, proposal: Proposal, agent: Agent) -> str | None:
        """Return why this fix needs no pull request, noted on the one that has it; None when it needs its own."""
        if agent.base.sha != proposal.base_sha and is_there(proposal, agent.read_file):
            return f"the fix is on {agent.base.branch} since {agent.base.sha[:12]}"
        twin = self._twin(tenant, proposal, agent)
        if twin is None:
            return None
        if twin.pull_request.state == State.OPEN:
            told = also_mends(self.ledger.shown(tenant, agent).mode(mode))
            answer(self.ledger.store, tenant, twin.pull_request, f"also-{mode.id}", told, forge=agent.forge)
        return f"the same fix is in {twin.pull_request.url} ({twin.pull_request.state})"

    def _twin(self, tenant: str, proposal: Proposal, agent: Agent) -> Opened | None:
        """Return the pull request for another failure mode of this repository that has the same patch."""
        patch = patch_id(proposal)
        for opened in reversed(self.ledger.store.pull_requests(tenant)):
            other = self.ledger.store.proposal(tenant, opened.proposal_id)
            here = opened.pull_request.repository == agent.forge.repository and opened.proposal_id != proposal.id
            if here and other is not None and patch_id(other) == patch:
                return opened
        return None

    def _record_moved(self, tenant: str, mode: FailureMode, proposal: Proposal, agent: Agent) -> None:
        moved = f"the base moved to {agent.base.sha[:12]} since the fix was verified: it is tried again there"
        self.ledger.record(
            tenant,
            mode,
            base_sha=proposal.base_sha,
            proposal_id=proposal.id,
            verdict=Verdict.DOES_NOT_APPLY,
            reason=moved,
        )
