"""Choose the failure modes that are worth an attempt now."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.agents import Agent, Agents
from bot.board import read_boards
from bot.errors import ForgeError
from bot.first_contact import ask_everyone
from bot.forge.forge import State
from bot.ledger import Ledger, unowned
from bot.opening import Opening
from bot.outcome import Decision, Outcome
from bot.past_attempts import lacked_model
from bot.pipeline import Task
from bot.policy import Attempt, worth_mending
from bot.refused import ask_why, take_silence
from bot.store.pull_requests import Opened
from bot.thresholds import note_thresholds
from clustering.failure_mode import FailureMode
from fixers.evidence import Verdict

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosing:
    """Brings what is known of people's decisions up to date, then chooses."""

    ledger: Ledger
    #: Whether a model is configured now: what was given up for want of one is tried again.
    has_model: bool = False

    def choose(self, tenant: str) -> list[Task]:
        """Return the failure modes worth an attempt now, most severe first."""
        ask_everyone(self.ledger.store, tenant, self.ledger.forge_of)
        take_silence(self.ledger.store, tenant, now=self.ledger.now())
        agents = self.ledger.agents(tenant)
        Opening(ledger=self.ledger).find_lost(tenant, agents)
        self._ask_for_states(tenant, agents)
        note_thresholds(self.ledger.store, tenant, agents, self.ledger.queue)
        read_boards(self.ledger.store, tenant, agents)
        alive = self.ledger.store.modes_with_members(
            tenant
        )  # of the others the traces are deleted, the counts are history
        modes = [mode for mode in self.ledger.store.failure_modes(tenant) if mode.n_traces and mode.id in alive]
        owners = {mode.id: agents.owner_of(self.ledger.service(tenant, mode)) for mode in modes}
        attempts, proposed = self._attempts(tenant), self._proposed(tenant, modes, owners)
        open_modes = [mode for mode in modes if mode.id not in proposed]
        base_shas = self.ledger.queue.admitted(tenant, open_modes, owners)
        for mode in modes:
            if agents.unreadable and owners[mode.id] is None and mode.id not in proposed:
                self.ledger.record(tenant, mode, verdict=Verdict.FAULT, reason=unowned(agents))
        chosen = worth_mending(
            modes,
            attempts=attempts,
            proposed=proposed,
            base_shas=base_shas,
            traffic=self.ledger.store.traffic_of_all(tenant),
            growths=self.ledger.store.growths(tenant),
        )
        in_queue = {entry.failure_mode_id for entry in self.ledger.store.waiting(tenant)}
        return [
            Task(
                mode.id, self._attempt(mode, base_shas[mode.id], attempts.get(mode.id, []), waited=mode.id in in_queue)
            )
            for mode in chosen
        ]

    def _ask_for_states(self, tenant: str, agents: Agents) -> None:
        """Ask each forge what became of our open pull requests: a delivery may have been missed."""
        forges = {agent.forge.repository: agent.forge for agent in agents.readable}
        for opened in self.ledger.store.pull_requests(tenant):
            forge = forges.get(opened.pull_request.repository)
            if forge is None or opened.pull_request.state != State.OPEN:
                continue
            try:
                state = forge.pull_request_state(opened.pull_request)
            except ForgeError as error:
                log.warning("%s is asked again in the next run: %s", opened.pull_request.url, error)
                continue
            if state is not State.OPEN:
                self._ended(tenant, opened, state)

    def _ended(self, tenant: str, opened: Opened, state: State) -> None:
        """Note that a pull request was found to have ended; nobody told us who decided."""
        outcome = Outcome(
            delivery_id=f"asked:{opened.pull_request.head_branch}:{state}",
            proposal_id=opened.proposal_id,
            decision=Decision.MERGED if state is State.MERGED else Decision.REFUSED,
            actor="",
            words="",
            decided_at=self.ledger.now(),
        )
        self.ledger.store.record_outcome(tenant, outcome)
        self.ledger.store.set_pull_request_state(tenant, opened.pull_request, state)
        if state is State.CLOSED:
            forge = self.ledger.forge_of(tenant, opened.pull_request.repository)
            ask_why(self.ledger.store, tenant, opened, forge=forge, now=self.ledger.now())

    def _proposed(
        self, tenant: str, modes: Sequence[FailureMode], owners: Mapping[str, Agent | None]
    ) -> frozenset[str]:
        """Return the failure modes that have had their pull request, and get no other by themselves."""
        proposed = self.ledger.store.proposed_modes(tenant)
        again = {
            mode.id
            for mode in modes
            if mode.id in proposed
            and (agent := owners[mode.id]) is not None
            and self.ledger.has_second_chance(tenant, mode, agent.base.sha)
        }
        return proposed - again

    def _attempt(self, mode: FailureMode, base_sha: str, earlier: Sequence[Attempt], *, waited: bool) -> str:
        """Name an attempt, so that it is made once; what was left unsettled is tried again, at most once an hour.

        A verified fix that has waited goes out as soon as there is a place.
        """
        name = f"{base_sha[:12]}-{mode.n_traces}"
        if not earlier or not earlier[-1].is_unsettled:
            return name
        at_once = waited and earlier[-1].verdict is Verdict.VERIFIED
        return f"{name}-{self.ledger.now():%Y%m%d%H%M}" if at_once else f"{name}-{self.ledger.now():%Y%m%d%H}"

    def _attempts(self, tenant: str) -> Mapping[str, list[Attempt]]:
        return {
            mode_id: [
                Attempt(
                    failure_mode_id=mode_id,
                    base_sha=verdict.base_sha,
                    n_traces=verdict.n_traces,
                    verdict=verdict.verdict,
                    unequipped=self.has_model and lacked_model(verdict),
                )
                for verdict in recorded
            ]
            for mode_id, recorded in self.ledger.store.verdicts(tenant).items()
        }
