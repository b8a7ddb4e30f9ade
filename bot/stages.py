"""The stages as the product runs them: what `bot.pipeline` strings together, with everything they need."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from bot.agents import Agent, owner_of, read_agents
from bot.errors import ForgeError
from bot.examine import examine
from bot.forge.errors import Refused
from bot.forge.forge import Forge, State
from bot.group import group
from bot.mend import draft_fixes, try_fix
from bot.outcome import Decision, Outcome
from bot.pipeline import Task
from bot.policy import Attempt, worth_mending
from bot.store.store import Store
from bot.store.verdicts import RecordedVerdict
from bot.submit import report, submit
from bot.watch import read_happening
from clustering.embed import Encoder
from clustering.failure_mode import FailureMode
from fixers.evidence import Evidence, Verdict
from fixers.harness import Autonomy
from fixers.model import Model
from fixers.proposal import Proposal
from fixers.replay.playback import LiveModel
from fixers.sandbox import Sandbox


class Listener(Protocol):
    """Told how far a stage is; the command line draws bars of it."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """`stage` is a few words for a person; `done` reaches `total` when it ends."""


def silent(stage: str, done: int, total: int) -> None:
    """Listen to nothing."""


@dataclass(frozen=True, kw_only=True)
class ProductStages:
    """Satisfies `bot.pipeline.Stages`; every method may run twice."""

    store: Store
    #: The forge of a tenant's repository.
    forge_of: Callable[[str, str], Forge]
    encoder: Encoder
    #: None where code cannot be isolated: then nothing of a repository is run, and nothing is proposed.
    sandbox: Sandbox | None
    #: Why there is no sandbox, with its mend.
    no_sandbox: str = ""
    model: Model | None = None
    live: LiveModel | None = None
    quiet_s: float = 60.0
    now: Callable[[], datetime]
    listener: Listener = field(default=silent)

    def examine(self, tenant: str) -> int:
        """Detect the failures in every complete trace that has not been looked at."""
        agents = self.agents(tenant)
        return examine(
            self.store, tenant, agents=agents, quiet_s=self.quiet_s, on_progress=self._telling("detecting failures")
        )

    def group(self, tenant: str) -> int:
        """Embed and group all failures."""
        self.listener("grouping failures", 0, 1)
        n_modes = group(self.store, tenant, encoder=self.encoder)
        self.listener("grouping failures", 1, 1)
        return n_modes

    def choose(self, tenant: str) -> list[Task]:
        """Return the failure modes worth an attempt now, most severe first."""
        agents = self.agents(tenant)
        self._ask_for_states(tenant, agents)
        modes = [mode for mode in self.store.failure_modes(tenant) if mode.n_traces]
        owners = {mode.id: self._owner(tenant, mode, agents) for mode in modes}
        base_shas = {
            mode_id: owner.base.sha
            for mode_id, owner in owners.items()
            if owner is not None and owner.harness.autonomy is not Autonomy.OBSERVE
        }
        chosen = worth_mending(
            modes,
            attempts=self._attempts(tenant),
            proposed=self.store.proposed_modes(tenant),
            base_shas=base_shas,
            traffic=self.store.traffic_of_all(tenant),
        )
        return [Task(mode.id, f"{base_shas[mode.id][:12]}-{mode.n_traces}") for mode in chosen]

    def draft(self, tenant: str, task: Task) -> list[str]:
        """Draft proposals for one failure mode and keep them."""
        mode, agent = self._mode_and_agent(tenant, task.failure_mode_id)
        self.listener(f"drafting: {mode.title}", 0, 1)
        drafted = draft_fixes(self.store, tenant, mode, agent=agent, model=self.model, sandbox=self.sandbox)
        for proposal in drafted.proposals:
            self.store.save_proposal(tenant, proposal)
        if not drafted.proposals:
            reason = "; ".join(drafted.notes) or "nothing fits"
            self._record(
                tenant, mode, base_sha=agent.base.sha, proposal_id=None, verdict=Verdict.NO_PROPOSAL, reason=reason
            )
        self.listener(f"drafting: {mode.title}", 1, 1)
        return [proposal.id for proposal in drafted.proposals]

    def verify(self, tenant: str, proposal_id: str) -> Verdict:
        """Try a proposal; keep the evidence and the verdict."""
        proposal = self._proposal(tenant, proposal_id)
        mode, agent = self._mode_and_agent(tenant, proposal.failure_mode_id)
        evidence = self.try_proposal(tenant, proposal, mode, agent)
        self._settle(tenant, mode, proposal, evidence)
        return evidence.verdict

    def try_proposal(self, tenant: str, proposal: Proposal, mode: FailureMode, agent: Agent) -> Evidence:
        """Return the evidence on a proposal; without isolation, or on another base by now, nothing is run."""
        if self.sandbox is None:
            return _untried(proposal, Verdict.NO_SANDBOX, self.no_sandbox)
        if agent.base.sha != proposal.base_sha:
            moved = f"the base moved from {proposal.base_sha[:12]} to {agent.base.sha[:12]} since the fix was drafted"
            return _untried(proposal, Verdict.DOES_NOT_APPLY, moved)
        return try_fix(
            self.store,
            tenant,
            proposal,
            mode,
            agent=agent,
            sandbox=self.sandbox,
            live=self.live,
            on_progress=self._telling(f"verifying: {mode.title}"),
        )

    def submit(self, tenant: str, proposal_id: str) -> str | None:
        """Open the pull request of a verified proposal; None, with a recorded verdict, when the gate refuses it."""
        proposal, evidence = self._proposal(tenant, proposal_id), self._evidence(tenant, proposal_id)
        mode, agent = self._mode_and_agent(tenant, proposal.failure_mode_id)
        try:
            pull_request = submit(
                proposal,
                evidence,
                mode,
                traffic=self.store.traffic_of_all(tenant),
                forge=agent.forge,
                harness=agent.harness,
                branch=agent.base.branch,
            )
        except Refused as error:
            self._settle(tenant, mode, proposal, replace(evidence, verdict=Verdict.OUT_OF_SCOPE, reason=str(error)))
            return None
        self.store.save_pull_request(tenant, pull_request, proposal_id=proposal_id)
        return pull_request.url

    def report(self, tenant: str, proposal_id: str) -> None:
        """Show the evidence as a check run on the pull request."""
        proposal, evidence = self._proposal(tenant, proposal_id), self._evidence(tenant, proposal_id)
        _, agent = self._mode_and_agent(tenant, proposal.failure_mode_id)
        for opened in self.store.pull_requests_of_mode(tenant, proposal.failure_mode_id):
            if opened.proposal_id == proposal_id:
                report(opened.pull_request, proposal, evidence, forge=agent.forge)

    def watch(self, delivery_id: str) -> None:
        """Record what a kept delivery tells of one of our pull requests."""
        delivery = self.store.delivery(delivery_id)
        happening = read_happening(delivery) if delivery else None
        if happening is not None:
            opened = self.store.find_pull_request(happening.tenant, happening.repository, happening.number)
            if opened is not None:
                outcome = Outcome(
                    delivery_id=delivery_id,
                    proposal_id=opened.proposal_id,
                    decision=happening.decision,
                    actor=happening.actor,
                    words=happening.words,
                    decided_at=happening.at,
                )
                self.store.record_outcome(happening.tenant, outcome)
                if state := _ENDED.get(happening.decision):
                    self.store.set_pull_request_state(happening.tenant, opened.pull_request, state)
        self.store.mark_handled(delivery_id)

    def agents(self, tenant: str) -> list[Agent]:
        """Read the agents of a tenant's repositories, each on its default branch now."""
        return read_agents(self.store.repositories(tenant), lambda repository: self.forge_of(tenant, repository))

    def _ask_for_states(self, tenant: str, agents: list[Agent]) -> None:
        """Ask each forge what became of our open pull requests: a delivery may have been missed."""
        forges = {agent.forge.repository: agent.forge for agent in agents}
        for opened in self.store.pull_requests(tenant):
            pull_request = opened.pull_request
            forge = forges.get(pull_request.repository)
            if forge is None or pull_request.state != State.OPEN:
                continue
            state = forge.pull_request_state(pull_request)
            if state is State.OPEN:
                continue
            self.store.set_pull_request_state(tenant, pull_request, state)
            self.store.record_outcome(
                tenant,
                Outcome(
                    delivery_id=f"asked:{pull_request.head_branch}:{state}",
                    proposal_id=opened.proposal_id,
                    decision=Decision.MERGED if state is State.MERGED else Decision.REFUSED,
                    actor="",
                    words="",
                    decided_at=self.now(),
                ),
            )

    def _owner(self, tenant: str, mode: FailureMode, agents: list[Agent]) -> Agent | None:
        failures = self.store.failures_of_mode(tenant, mode.id)
        return owner_of(failures[0].service, agents) if failures else None

    def _attempts(self, tenant: str) -> Mapping[str, list[Attempt]]:
        return {
            mode_id: [
                Attempt(
                    failure_mode_id=mode_id,
                    base_sha=verdict.base_sha,
                    n_traces=verdict.n_traces,
                    verdict=verdict.verdict,
                )
                for verdict in recorded
            ]
            for mode_id, recorded in self.store.verdicts(tenant).items()
        }

    def _mode_and_agent(self, tenant: str, mode_id: str) -> tuple[FailureMode, Agent]:
        mode = self.store.failure_mode(tenant, mode_id)
        owner = self._owner(tenant, mode, self.agents(tenant)) if mode else None
        if mode is None or owner is None:
            raise ForgeError(f"failure mode {mode_id!r} of tenant {tenant!r} belongs to no connected repository")
        return mode, owner

    def _proposal(self, tenant: str, proposal_id: str) -> Proposal:
        proposal = self.store.proposal(tenant, proposal_id)
        if proposal is None:
            raise LookupError(f"no proposal {proposal_id!r} of tenant {tenant!r}")
        return proposal

    def _evidence(self, tenant: str, proposal_id: str) -> Evidence:
        evidence = self.store.evidence_of(tenant, proposal_id)
        if evidence is None:
            raise LookupError(f"no evidence on proposal {proposal_id!r} of tenant {tenant!r}")
        return evidence

    def _settle(self, tenant: str, mode: FailureMode, proposal: Proposal, evidence: Evidence) -> None:
        """Keep the evidence and its verdict."""
        self.store.save_evidence(tenant, evidence)
        self._record(
            tenant,
            mode,
            base_sha=proposal.base_sha,
            proposal_id=proposal.id,
            verdict=evidence.verdict,
            reason=evidence.reason,
        )

    def _record(
        self,
        tenant: str,
        mode: FailureMode,
        *,
        base_sha: str,
        proposal_id: str | None,
        verdict: Verdict,
        reason: str,
    ) -> None:
        recorded = RecordedVerdict(
            failure_mode_id=mode.id,
            proposal_id=proposal_id,
            base_sha=base_sha,
            n_traces=mode.n_traces,
            verdict=verdict,
            reason=reason,
            decided_at=self.now(),
        )
        self.store.save_verdict(tenant, recorded)

    def _telling(self, stage: str) -> Callable[[int, int], None]:
        return lambda done, total: self.listener(stage, done, total)


_ENDED = {Decision.MERGED: State.MERGED, Decision.REFUSED: State.CLOSED}


def _untried(proposal: Proposal, verdict: Verdict, reason: str) -> Evidence:
    return Evidence(proposal_id=proposal.id, verdict=verdict, reason=reason, isolation="not run")
