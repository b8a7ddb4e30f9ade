"""Change a pull request that is there: new evidence, a new commit, another base, open again."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.agents import Agent
from bot.forge.errors import Unavailable
from bot.forge.forge import State
from bot.mend import draft_fixes
from bot.part import part
from bot.pr_body.comments import ANOTHER_MAY_FOLLOW, NOT_CLOSED, REOPENED
from bot.reexamine import present_proposal
from bot.revise import Revising
from bot.sticky import answer
from bot.submit import body_of, report
from bot.workshop import Workshop
from clustering.embed import Encoder
from clustering.failure_mode import FailureMode, Status
from fixers.draft import Drafted
from fixers.evidence import Evidence, Verdict
from fixers.proposal import Proposal
from fixers.revision import Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What people ask for on a pull request of ours."""

    workshop: Workshop

    def reexamine(self, tenant: str, proposal_id: str) -> Verdict | None:
        """Gather the evidence again for an open pull request as it is now; None, with a verdict, when that fails."""
        ledger = self.workshop.ledger
        proposal = ledger.proposal(tenant, proposal_id)
        mode = ledger.mode(tenant, proposal.failure_mode_id)
        return ledger.or_fault(
            tenant,
            mode,
            lambda: self._reexamined(tenant, mode, proposal),
            base_sha=proposal.base_sha,
            proposal_id=proposal_id,
        )

    def _reexamined(self, tenant: str, mode: FailureMode, proposal: Proposal) -> Verdict:
        """Try what the pull request proposes now, and show it where the first evidence is shown."""
        agent = self.workshop.ledger.agent_of(tenant, mode)
        opened = self.workshop.ledger.store.pull_requests_of_mode(tenant, mode.id)[0]
        proposal = self.workshop.ledger.proposal(
            tenant, opened.proposal_id
        )  # a review may have changed it since this was asked for
        pull_request, forge = opened.pull_request, agent.forge
        head_sha = forge.head_sha(pull_request)
        now = present_proposal(proposal, pull_request, head_sha=head_sha, base=agent.base, forge=forge)
        there = replace(agent, base=replace(agent.base, sha=now.base_sha))
        evidence = replace(self.workshop.try_out(tenant, now, mode, there), proposal_id=proposal.id)
        self.workshop.ledger.settle(tenant, mode, proposal, evidence)
        shown = self.workshop.ledger.shown(tenant, agent)
        told, evidence = shown.proposal(now), shown.evidence(evidence)
        report(replace(pull_request, head_sha=head_sha), told, evidence, forge=forge, manners=agent.harness.manners)
        traffic, manners = self.workshop.ledger.store.traffic_of_all(tenant), agent.harness.manners
        body = body_of(
            shown.proposal(proposal),
            evidence,
            shown.mode(mode),
            traffic=traffic,
            forge=forge,
            manners=manners,
            bundle=self.workshop.ledger.bundled(tenant, mode, proposal, evidence),
            branch=pull_request.head_branch,
        )
        forge.update_body(pull_request, body)
        return evidence.verdict

    def change(self, tenant: str, proposal_id: str, change: Callable[[Revising], None]) -> None:
        """Change one pull request at a time; raise `Unavailable` when the forge is away, since somebody waits."""
        proposal = self.workshop.ledger.proposal(tenant, proposal_id)
        mode = self.workshop.ledger.mode(tenant, proposal.failure_mode_id)
        away: list[Unavailable] = []

        def attempt() -> None:
            try:
                change(self._revising(tenant, mode))
            except Unavailable as error:
                away.append(error)

        with self.workshop.ledger.store.turn(f"change/{tenant}/{mode.id}"):
            self.workshop.ledger.or_fault(tenant, mode, attempt, proposal_id=proposal_id)
        if away:
            raise away[0]  # the step is tried again: somebody waits for an answer

    def reopen(self, tenant: str, proposal_id: str) -> None:
        """Take a closed pull request up again, because a person asked; where that cannot be, let another one follow."""
        ledger = self.workshop.ledger
        mode = ledger.mode(tenant, ledger.proposal(tenant, proposal_id).failure_mode_id)
        ledger.or_fault(tenant, mode, lambda: self._reopened(tenant, mode, proposal_id), proposal_id=proposal_id)

    def _reopened(self, tenant: str, mode: FailureMode, proposal_id: str) -> None:
        opened = next(
            each for each in self.workshop.ledger.store.pull_requests(tenant) if each.proposal_id == proposal_id
        )
        pull_request, forge = opened.pull_request, self.workshop.ledger.agent_of(tenant, mode).forge
        told = REOPENED
        if forge.pull_request_state(pull_request) is State.MERGED:
            told = NOT_CLOSED
        elif forge.reopen(pull_request):
            self.workshop.ledger.store.set_pull_request_state(tenant, pull_request, State.OPEN)
            self.workshop.ledger.store.set_status(tenant, mode.id, Status.ONGOING)
            self.workshop.ledger.store.forget_refusal(tenant, proposal_id)
            self.reexamine(tenant, proposal_id)
        else:
            self.workshop.ledger.store.set_status(tenant, mode.id, Status.ONGOING)
            self.workshop.ledger.store.ask_again(tenant, mode.id)
            told = ANOTHER_MAY_FOLLOW
        answer(self.workshop.ledger.store, tenant, pull_request, "reopen", told, forge=forge)

    def split(self, tenant: str, proposal_id: str, *, by: str, encoder: Encoder) -> None:
        """Part the failure mode of a pull request, because a person asked; its evidence is gathered anew then."""
        ledger = self.workshop.ledger
        mode = ledger.mode(tenant, ledger.proposal(tenant, proposal_id).failure_mode_id)

        def attempt() -> None:
            agent, opened = ledger.agent_of(tenant, mode), ledger.store.pull_requests_of_mode(tenant, mode.id)[0]
            shown = ledger.shown(tenant, agent)
            done, told = part(ledger.store, tenant, mode, by, encoder=encoder, discretion=shown)
            answer(ledger.store, tenant, opened.pull_request, "split", told, forge=agent.forge)
            if done and opened.pull_request.state == State.OPEN:
                self.reexamine(tenant, opened.proposal_id)

        ledger.or_fault(tenant, mode, attempt, proposal_id=proposal_id)

    def _revising(self, tenant: str, mode: FailureMode) -> Revising:
        """Return the newest pull request of a failure mode with the proposal that it shows now."""
        agent, opened = (
            self.workshop.ledger.agent_of(tenant, mode),
            self.workshop.ledger.store.pull_requests_of_mode(tenant, mode.id)[0],
        )
        proposal = self.workshop.ledger.proposal(tenant, opened.proposal_id)

        def on(base_sha: str) -> Agent:
            return replace(agent, base=replace(agent.base, sha=base_sha))

        def try_out(drafted: Proposal) -> Evidence:
            evidence = self.workshop.try_out(tenant, drafted, mode, on(drafted.base_sha))
            self.workshop.ledger.settle(tenant, mode, drafted, evidence)
            return evidence

        def draft(revision: Revision) -> Drafted:
            there, model, sandbox = on(proposal.base_sha), self.workshop.model, self.workshop.sandbox
            return draft_fixes(
                self.workshop.ledger.store,
                tenant,
                mode,
                agent=there,
                recipes=(),
                model=model,
                sandbox=sandbox,
                revision=revision,
                a_day=self.workshop.a_day,
                may_be_shown=self.workshop.showing(tenant, there),
            )

        return Revising(
            store=self.workshop.ledger.store,
            tenant=tenant,
            mode=mode,
            agent=agent,
            opened=opened,
            proposal=proposal,
            try_out=try_out,
            draft=draft,
            bundle=lambda drafted, evidence: self.workshop.ledger.bundled(tenant, mode, drafted, evidence),
            discretion=self.workshop.ledger.shown(tenant, agent),
            now=self.workshop.ledger.now,
        )
