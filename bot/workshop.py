"""Workshop: where fixes are drafted and tried."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bot.agents import Agent
from bot.allowance import UNLIMITED, Allowance
from bot.forge.forge import State
from bot.ledger import Ledger
from bot.mend import draft_fixes, try_fix
from bot.policy import ESCAPABLE, UNSETTLED
from bot.same_fix import applies, is_there
from bot.thresholds import guard_runs_of
from clustering.failure_mode import FailureMode
from fixers.draft import RECIPES
from fixers.evidence import Evidence, Verdict
from fixers.harness import Budget
from fixers.model import Model
from fixers.proposal import Proposal
from fixers.recipes.recipe import Recipe
from fixers.replay.playback import LiveModel
from fixers.sandbox import Sandbox

MAX_CARRIED = 3  # fixes of older commits that are looked at


class Listener(Protocol):
    """Told how far a stage is; the command line draws bars of it."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """`stage` is a few words for a person; `done` reaches `total` when it ends."""


def silent(stage: str, done: int, total: int) -> None:
    """Listen to nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Drafts and tries; what it needs for that may be missing."""

    ledger: Ledger
    #: None where code cannot be isolated: then nothing of a repository is run, and nothing is proposed.
    sandbox: Sandbox | None
    #: Why there is no sandbox, with its mend.
    no_sandbox: str = ""
    recipes: Sequence[Recipe] = RECIPES
    model: Model | None = None
    #: What the model may cost in a day.
    a_day: Allowance = UNLIMITED
    live: LiveModel | None = None
    listener: Listener = silent

    def draft(self, tenant: str, mode: FailureMode, agent: Agent, tried: Collection[str]) -> list[str]:
        """Return the ids of proposals to try: those that were never judged, else new ones."""
        if tried and not self._may_ask_model(tenant, tried, agent.harness.budget):
            return []
        refused, reverted = (
            self.ledger.store.proposals_of_mode(tenant, mode.id, state=State.CLOSED),
            self.ledger.reverted(tenant),
        )
        refused += [
            each
            for each in self.ledger.store.proposals_of_mode(tenant, mode.id, state=State.MERGED)
            if each.id in reverted
        ]
        if not tried and not refused:
            self._carry_over(tenant, mode, agent)
        over = {*tried, *(proposal.id for proposal in refused)}
        candidates = [proposal.id for proposal in self._candidates(tenant, mode, agent.base.sha)]
        if waiting := [each for each in candidates if each not in over and self._is_unjudged(tenant, each)]:
            return waiting
        drafted = draft_fixes(
            self.ledger.store,
            tenant,
            mode,
            agent=agent,
            recipes=() if tried or refused else self.recipes,  # they would draft what was refused
            model=self.model,
            a_day=self.a_day,
            sandbox=self.sandbox,
            may_be_shown=self.showing(tenant, agent),
        )
        fresh = [proposal for proposal in drafted.proposals if proposal.id not in over]
        for proposal in fresh:
            self.ledger.store.save_proposal(tenant, proposal)
        if not fresh:
            reason = "; ".join(drafted.notes) or "nothing fits"
            self.ledger.record(tenant, mode, base_sha=agent.base.sha, verdict=Verdict.NO_PROPOSAL, reason=reason)
        return [proposal.id for proposal in fresh]

    def try_out(self, tenant: str, proposal: Proposal, mode: FailureMode, agent: Agent) -> Evidence:
        """Return the evidence on a proposal; without isolation, or on another base by now, nothing is run."""
        if self.sandbox is None:
            return _untried(proposal, Verdict.NO_SANDBOX, self.no_sandbox)
        if agent.base.sha != proposal.base_sha:
            moved = f"the base moved from {proposal.base_sha[:12]} to {agent.base.sha[:12]} since the fix was drafted"
            return _untried(proposal, Verdict.DOES_NOT_APPLY, moved)
        return try_fix(
            self.ledger.store,
            tenant,
            proposal,
            mode,
            agent=agent,
            sandbox=self.sandbox,
            live=self.live,
            n_candidates=len(self._candidates(tenant, mode, proposal.base_sha)),
            on_progress=self._telling(f"verifying: {mode.title}"),
            n_more_healthy=guard_runs_of(self.ledger.store, tenant, agent, now=self.ledger.now()).n_more,
        )

    def showing(self, tenant: str, agent: Agent) -> Callable[[str], bool]:
        """Return what tells whether words of a run may stand in the agent's repository."""
        if agent.harness.evals is None or (not agent.harness.manners.publish_runs and agent.forge.is_public()):
            return lambda _: False
        return self.ledger.discretions.of(tenant).is_plain

    def _may_ask_model(self, tenant: str, tried: Collection[str], budget: Budget) -> bool:
        """Tell whether the model may do better than what was tried; it is paid for so many candidates an attempt."""
        if self.model is None:
            return False
        by_model = [not self.ledger.proposal(tenant, each).author.startswith("recipe:") for each in tried]
        found = [self.ledger.store.evidence_of(tenant, each) for each in tried]
        escapable = all(evidence is not None and evidence.verdict in ESCAPABLE for evidence in found)
        return escapable and sum(by_model) < budget.candidates

    def _candidates(self, tenant: str, mode: FailureMode, base_sha: str) -> list[Proposal]:
        """Return every proposal for the failure mode on one commit: the more are tried, the stricter the test."""
        return [each for each in self.ledger.store.proposals_of_mode(tenant, mode.id) if each.base_sha == base_sha]

    def _is_unjudged(self, tenant: str, proposal_id: str) -> bool:
        evidence = self.ledger.store.evidence_of(tenant, proposal_id)
        return evidence is None or evidence.verdict in UNSETTLED

    def _carry_over(self, tenant: str, mode: FailureMode, agent: Agent) -> None:
        """Put a fix that was verified on an older commit onto this one where it still applies, to be tried again."""
        older = [
            each for each in self.ledger.store.proposals_of_mode(tenant, mode.id) if each.base_sha != agent.base.sha
        ]
        for proposal in older[-MAX_CARRIED:]:
            evidence = self.ledger.store.evidence_of(tenant, proposal.id)
            verified = evidence is not None and evidence.verdict is Verdict.VERIFIED
            if verified and applies(proposal, agent.read_file) and not is_there(proposal, agent.read_file):
                self.ledger.store.save_proposal(tenant, replace(proposal, base_sha=agent.base.sha))

    def _telling(self, stage: str) -> Callable[[int, int], None]:
        return lambda done, total: self.listener(stage, done, total)


def _untried(proposal: Proposal, verdict: Verdict, reason: str) -> Evidence:
    return Evidence(proposal_id=proposal.id, verdict=verdict, reason=reason, isolation="not run")
