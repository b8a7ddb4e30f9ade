"""Ledger: what every stage looks up and writes down: agents, failure modes, proposals, evidence, verdicts."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from bot.agents import Agent, Agents, read_agents
from bot.bundle import bundle
from bot.discretion import Discretion, Discretions
from bot.errors import BotError, NoAgent, UnknownFailureMode
from bot.forge.forge import Forge, State
from bot.in_public import shown_to_strangers
from bot.pr_body.escape import one_line
from bot.queue import Queue
from bot.second_chance import may_mend_again, may_try_again
from bot.store.pull_requests import Opened
from bot.store.store import Store
from bot.store.verdicts import RecordedVerdict
from clustering.errors import ClusteringError
from clustering.failure_mode import FailureMode, Status
from fixers.errors import FixerError
from fixers.evidence import Evidence, Verdict
from fixers.proposal import Proposal
from fixers.replay.record import record
from webhooks.errors import WebhookError

log = logging.getLogger(__name__)

T = TypeVar("T")

MAX_REASON = 500  # characters of an error that are kept with a verdict
# What may go wrong around one failure mode without being a mistake of ours.
EXPECTED = (BotError, FixerError, ClusteringError, WebhookError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The records of all tenants as the stages see them."""

    store: Store
    #: The forge of a tenant's repository.
    forge_of: Callable[[str, str], Forge]
    #: Takes personal data out of what people are shown.
    discretions: Discretions
    now: Callable[[], datetime]

    def agents(self, tenant: str) -> Agents:
        """Read the agents of a tenant's repositories, each on its default branch now."""
        return read_agents(self.store.repositories(tenant), lambda repository: self.forge_of(tenant, repository))

    @property
    def queue(self) -> Queue:
        """What decides which fixes go out and which wait."""
        return Queue(store=self.store, now=self.now)

    def mode(self, tenant: str, mode_id: str) -> FailureMode:
        """Return a failure mode, or raise `UnknownFailureMode`."""
        mode = self.store.failure_mode(tenant, mode_id)
        if mode is None:
            raise UnknownFailureMode(f"tenant {tenant!r} has no failure mode {mode_id!r}")
        return mode

    def proposal(self, tenant: str, proposal_id: str) -> Proposal:
        """Return a proposal, or raise LookupError."""
        proposal = self.store.proposal(tenant, proposal_id)
        if proposal is None:
            raise LookupError(f"no proposal {proposal_id!r} of tenant {tenant!r}")
        return proposal

    def evidence(self, tenant: str, proposal_id: str) -> Evidence:
        """Return the evidence on a proposal, or raise LookupError."""
        evidence = self.store.evidence_of(tenant, proposal_id)
        if evidence is None:
            raise LookupError(f"no evidence on proposal {proposal_id!r} of tenant {tenant!r}")
        return evidence

    def agent_of(self, tenant: str, mode: FailureMode) -> Agent:
        """Return the agent that a failure mode belongs to, or raise `NoAgent`."""
        agents, service = self.agents(tenant), self.service(tenant, mode)
        owner = agents.owner_of(service)
        if owner is None:
            why = unowned(agents) if agents.unreadable else f"no connected agent has the service {service!r}"
            raise NoAgent(why)
        return owner

    def shown(self, tenant: str, agent: Agent) -> Discretion:
        """Return what is left out of what the people of an agent's repository are shown."""
        discretion = self.discretions.of(tenant)
        return shown_to_strangers(discretion, self.store, tenant) if agent.in_public() else discretion

    def service(self, tenant: str, mode: FailureMode) -> str:
        """Return the service whose failures these are; empty when none is left."""
        if mode.service:
            return mode.service
        failures = self.store.failures_of_mode(tenant, mode.id)
        return failures[0].service if failures else ""

    def has_second_chance(self, tenant: str, mode: FailureMode, base_sha: str) -> bool:
        """Tell whether what became of a failure mode's pull requests leaves room for another one."""
        opened = self.store.pull_requests_of_mode(tenant, mode.id)
        refusals = [each for each in self.store.refusals(tenant) if each.failure_mode_id == mode.id]
        reverted = self.reverted(tenant)
        merged = [
            each for each in opened if each.pull_request.state == State.MERGED and each.proposal_id not in reverted
        ]
        if any(each.pull_request.state == State.OPEN for each in opened):
            return False
        if merged and not self._came_back(tenant, mode, merged):
            return False
        return may_try_again(mode, refusals, base_sha=base_sha) if refusals or not merged else True

    def reverted(self, tenant: str) -> frozenset[str]:
        """Return the proposals that were merged and taken back."""
        return frozenset(each.proposal_id for each in self.store.reverts(tenant) if each.state == State.MERGED)

    def _came_back(self, tenant: str, mode: FailureMode, merged: Sequence[Opened]) -> bool:
        """Tell whether each merged fix was proved, and enough sessions were hurt since."""
        known = self.store.proofs(tenant)
        times = [known[each.proposal_id].answered_at for each in merged if each.proposal_id in known]
        failures = self.store.failures_of_mode(tenant, mode.id) if mode.status is Status.REGRESSED else []
        return len(times) == len(merged) and may_mend_again(mode, failures, answered_at=times)

    def bundled(self, tenant: str, mode: FailureMode, proposal: Proposal, evidence: Evidence) -> dict[str, str]:
        """Return the evidence in full as it may be shown, with the runs that were tried."""
        shown = self.discretions.of(tenant)
        tried = dict.fromkeys(case.trace_id for case in evidence.cases)
        traces = self.store.load_traces(tenant, tried)
        return bundle(
            shown.proposal(proposal),
            shown.evidence(evidence),
            shown.mode(mode),
            (record(traces[trace_id]) for trace_id in tried if trace_id in traces),
            redact=shown.text,
        )

    def or_fault(
        self,
        tenant: str,
        mode: FailureMode,
        do: Callable[[], T],
        *,
        base_sha: str = "",
        proposal_id: str | None = None,
    ) -> T | None:
        """Return what `do` returns, or None with a recorded verdict when something around the proposal failed."""
        try:
            return do()
        except EXPECTED as error:
            reason = str(error)
        except Exception as error:  # the worker's: one failure mode's trouble is recorded and must not stop the others
            log.exception("failure mode %s of tenant %s", mode.id, tenant)
            reason = f"{type(error).__name__}: {error}"
        self.record(
            tenant,
            mode,
            base_sha=base_sha,
            proposal_id=proposal_id,
            verdict=Verdict.FAULT,
            reason=one_line(reason, limit=MAX_REASON),
        )
        return None

    def settle(self, tenant: str, mode: FailureMode, proposal: Proposal, evidence: Evidence) -> None:
        """Keep the evidence and its verdict."""
        self.store.save_evidence(tenant, evidence)
        self.record(
            tenant,
            mode,
            base_sha=proposal.base_sha,
            proposal_id=proposal.id,
            verdict=evidence.verdict,
            reason=evidence.reason,
        )

    def record(
        self,
        tenant: str,
        mode: FailureMode,
        *,
        verdict: Verdict,
        reason: str,
        base_sha: str = "",
        proposal_id: str | None = None,
    ) -> None:
        """Keep how an attempt ended."""
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


def unowned(agents: Agents) -> str:
    """Return why the owner of a service is not known, for a verdict."""
    told = "; ".join(f"{repository}: {why}" for repository, why in agents.unreadable.items())
    return one_line(f"its agent is not known while a repository cannot be read: {told}", limit=MAX_REASON)
