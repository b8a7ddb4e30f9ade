"""KeptFixes: proposals, their evidence, and their pull requests."""

from collections.abc import Sequence

from bot.pull_request import PullRequest
from bot.store import mended_runs, proposals, pull_requests, spending, taken_places, verdicts, waiting
from bot.store.pull_requests import Opened
from bot.store.records import Records
from bot.store.spending import Spent
from bot.store.taken_places import Place
from bot.store.transaction import writing
from bot.store.verdicts import RecordedVerdict
from bot.store.waiting import Waiting
from fixers.evidence import Evidence
from fixers.proposal import Proposal
from fixers.replay.cassette import Cassette


class KeptFixes(Records):
    """Proposals, their evidence, and their pull requests."""

    def save_proposal(self, tenant: str, proposal: Proposal) -> None:
        """Keep a proposal; the same one is kept once."""
        with writing(self.engine) as connection:
            proposals.save_proposal(connection, tenant, proposal, now=self._now())

    def proposal(self, tenant: str, proposal_id: str) -> Proposal | None:
        """Return a proposal, or None."""
        with self.engine.connect() as connection:
            return proposals.proposal(connection, tenant, proposal_id)

    def proposals_of_mode(self, tenant: str, failure_mode_id: str, *, state: str | None = None) -> list[Proposal]:
        """Return the proposals for a failure mode, oldest first; of one pull request state where it is given."""
        with self.engine.connect() as connection:
            return proposals.proposals_of_mode(connection, tenant, failure_mode_id, state=state)

    def save_evidence(self, tenant: str, evidence: Evidence) -> None:
        """Keep the evidence of a kept proposal; a second trial replaces the first."""
        with writing(self.engine) as connection:
            proposals.save_evidence(connection, tenant, evidence, now=self._now())

    def evidence_of(self, tenant: str, proposal_id: str) -> Evidence | None:
        """Return the evidence of a proposal, None when it was not tried."""
        with self.engine.connect() as connection:
            return proposals.evidence_of(connection, tenant, proposal_id)

    def add_spent(self, tenant: str, failure_mode_id: str, *, tokens: int, cost_usd: float) -> None:
        """Add one run of the agent fixer to what a failure mode has cost."""
        with writing(self.engine) as connection:
            spending.add_spent(connection, tenant, failure_mode_id, tokens=tokens, cost_usd=cost_usd, now=self._now())

    def spent_on_mode(self, tenant: str, failure_mode_id: str) -> Spent:
        """Return what the model has cost for one failure mode."""
        with self.engine.connect() as connection:
            return spending.spent_on_mode(connection, tenant, failure_mode_id)

    def spent_today(self, tenant: str) -> Spent:
        """Return what the model has cost since midnight, UTC."""
        with self.engine.connect() as connection:
            return spending.spent_on_day(connection, tenant, self._now())

    def spent(self, tenant: str) -> Spent:
        """Return what all runs of the agent fixer have cost together."""
        with self.engine.connect() as connection:
            return spending.spent(connection, tenant)

    def keep_mended_runs(self, tenant: str, proposal_id: str, runs: Sequence[Cassette]) -> None:
        """Keep runs that a proposal mended, for as long as the tenant is there; the same ones again replace them."""
        with writing(self.engine) as connection:
            mended_runs.keep_mended_runs(connection, tenant, proposal_id, runs, now=self._now())

    def mended_runs(self, tenant: str, service: str, *, limit: int = 10) -> list[Cassette]:
        """Return runs of a service that merged fixes mended, the latest fix's first."""
        with self.engine.connect() as connection:
            return mended_runs.mended_runs(connection, tenant, service, limit=limit)

    def save_verdict(self, tenant: str, recorded: RecordedVerdict) -> None:
        """Keep how an attempt ended."""
        with writing(self.engine) as connection:
            verdicts.save_verdict(connection, tenant, recorded)

    def verdicts(self, tenant: str) -> dict[str, list[RecordedVerdict]]:
        """Return how every attempt ended, by failure mode id, oldest first."""
        with self.engine.connect() as connection:
            return verdicts.verdicts(connection, tenant)

    def save_pull_request(self, tenant: str, pull_request: PullRequest, *, proposal_id: str, agent: str = "") -> None:
        """Keep a pull request of a kept proposal, in the place taken for it; the same head branch again updates it."""
        with writing(self.engine) as connection:
            pull_requests.save_pull_request(
                connection, tenant, pull_request, proposal_id=proposal_id, agent=agent, now=self._now()
            )
            taken_places.free_place(connection, tenant, proposal_id)

    def pull_requests(self, tenant: str) -> list[Opened]:
        """Return every pull request, oldest first."""
        with self.engine.connect() as connection:
            return pull_requests.pull_requests(connection, tenant)

    def pull_requests_of_mode(self, tenant: str, failure_mode_id: str) -> list[Opened]:
        """Return the pull requests for a failure mode, newest first."""
        with self.engine.connect() as connection:
            return pull_requests.pull_requests_of_mode(connection, tenant, failure_mode_id)

    def find_pull_request(self, tenant: str, repository: str, number: int) -> Opened | None:
        """Return the pull request of a number, None when it is not ours."""
        with self.engine.connect() as connection:
            return pull_requests.find_pull_request(connection, tenant, repository, number)

    def pull_request_of_branch(self, tenant: str, repository: str, head_branch: str) -> Opened | None:
        """Return the pull request of a head branch, None when it is not ours."""
        with self.engine.connect() as connection:
            return pull_requests.pull_request_of_branch(connection, tenant, repository, head_branch)

    def set_pull_request_state(self, tenant: str, pull_request: PullRequest, state: str) -> None:
        """Note where a pull request stands now: "open", "closed" or "merged"."""
        with writing(self.engine) as connection:
            pull_requests.set_pull_request_state(connection, tenant, pull_request, state)

    def revise_pull_request(self, tenant: str, pull_request: PullRequest, *, proposal_id: str) -> None:
        """Let a known pull request show another proposal, with another head."""
        with writing(self.engine) as connection:
            pull_requests.revise_pull_request(connection, tenant, pull_request, proposal_id=proposal_id)

    def proposed_modes(self, tenant: str) -> frozenset[str]:
        """Return the failure modes that have a pull request, whatever became of it."""
        with self.engine.connect() as connection:
            return pull_requests.proposed_modes(connection, tenant)

    def wait(self, tenant: str, entry: Waiting) -> None:
        """Put a failure mode into the queue; one that is there keeps its place."""
        with writing(self.engine) as connection:
            waiting.wait(connection, tenant, entry, now=self._now())

    def ask(self, tenant: str, failure_mode_id: str) -> bool:
        """Note that a person wants this one to go out now; False when it does not wait, or was asked for already."""
        with writing(self.engine) as connection:
            return waiting.ask(connection, tenant, failure_mode_id, now=self._now())

    def waiting(self, tenant: str) -> list[Waiting]:
        """Return the queue, the longest waiting first."""
        with self.engine.connect() as connection:
            return waiting.waiting(connection, tenant)

    def stop_waiting(self, tenant: str, failure_mode_id: str) -> None:
        """Take a failure mode out of the queue."""
        with writing(self.engine) as connection:
            waiting.stop_waiting(connection, tenant, failure_mode_id)

    def take_place(self, tenant: str, *, proposal_id: str, repository: str, agent: str) -> None:
        """Take a place for the pull request that is about to be opened; one that is taken already stays."""
        with writing(self.engine) as connection:
            taken_places.take_place(
                connection, tenant, proposal_id=proposal_id, repository=repository, agent=agent, now=self._now()
            )

    def taken_places(self, tenant: str) -> list[Place]:
        """Return the places whose pull requests are not noted, oldest first."""
        with self.engine.connect() as connection:
            return taken_places.taken_places(connection, tenant)

    def free_place(self, tenant: str, proposal_id: str) -> None:
        """Give a place back: there is no pull request."""
        with writing(self.engine) as connection:
            taken_places.free_place(connection, tenant, proposal_id)
