"""Decided: what people and production said of a fix."""

from collections.abc import Sequence
from datetime import datetime

from bot.outcome import Outcome, Reason
from bot.proof import Proof
from bot.pull_request import PullRequest
from bot.refusal import Refusal
from bot.remark import Remark
from bot.store import notes, outcomes, proofs, refusals, remarks, reverts
from bot.store.proofs import Deployment, Runs
from bot.store.records import Records
from bot.store.reverts import Revert
from bot.store.transaction import writing


class Decided(Records):
    """What people and production said of a fix."""

    def record_outcome(self, tenant: str, outcome: Outcome) -> bool:
        """Keep what people decided; False when its delivery was recorded before."""
        with writing(self.engine) as connection:
            return outcomes.record_outcome(connection, tenant, outcome)

    def outcomes_of_mode(self, tenant: str, failure_mode_id: str) -> list[Outcome]:
        """Return what people decided about the proposals for a failure mode, oldest first."""
        with self.engine.connect() as connection:
            return outcomes.outcomes_of_mode(connection, tenant, failure_mode_id)

    def keep_refusal(self, tenant: str, refusal: Refusal) -> None:
        """Keep what was known when a proposal was refused; a second time changes nothing."""
        with writing(self.engine) as connection:
            refusals.keep_refusal(connection, tenant, refusal)

    def refusals(self, tenant: str) -> list[Refusal]:
        """Return every refusal of a pull request that is not open again, oldest first."""
        with self.engine.connect() as connection:
            return refusals.refusals(connection, tenant)

    def give_reason(
        self, tenant: str, proposal_id: str, reason: Reason, *, words: str = "", by: str = "", comment: str = ""
    ) -> None:
        """Note why a proposal was refused, who says so, and the address of the comment."""
        with writing(self.engine) as connection:
            refusals.give_reason(connection, tenant, proposal_id, reason, words, by=by, comment=comment)

    def ask_again(self, tenant: str, failure_mode_id: str) -> None:
        """Note that a person wants another attempt on a failure mode whose pull request was refused."""
        with writing(self.engine) as connection:
            refusals.ask_again(connection, tenant, failure_mode_id, now=self._now())

    def forget_refusal(self, tenant: str, proposal_id: str) -> None:
        """Forget that a proposal was refused: its pull request is open again."""
        with writing(self.engine) as connection:
            refusals.forget_refusal(connection, tenant, proposal_id)

    def keep_remark(self, tenant: str, remark: Remark) -> bool:
        """Keep what a reviewer said; False when it is known already."""
        with writing(self.engine) as connection:
            return remarks.keep_remark(connection, tenant, remark)

    def unanswered_remarks(self, tenant: str, head_branch: str) -> list[Remark]:
        """Return what was said of a pull request and is not answered yet, oldest first."""
        with self.engine.connect() as connection:
            return remarks.unanswered_remarks(connection, tenant, head_branch)

    def answered_remarks(self, tenant: str, head_branch: str) -> list[Remark]:
        """Return what was said of a pull request and was answered, oldest first."""
        with self.engine.connect() as connection:
            return remarks.answered_remarks(connection, tenant, head_branch)

    def review_rounds(self, tenant: str, head_branch: str) -> int:
        """Return how many times remarks on a pull request were answered."""
        with self.engine.connect() as connection:
            return remarks.review_rounds(connection, tenant, head_branch)

    def mark_answered(self, tenant: str, answered: Sequence[Remark], *, number: int) -> None:
        """Note that remarks were answered in the round with this number, from 1."""
        with writing(self.engine) as connection:
            remarks.mark_answered(connection, tenant, answered, number=number)

    def keep_note(self, tenant: str, head_branch: str, section: str, words: str) -> None:
        """Keep a part of our comment on a pull request; the same section again replaces it."""
        with writing(self.engine) as connection:
            notes.keep_note(connection, tenant, head_branch, section, words)

    def notes(self, tenant: str, head_branch: str) -> list[str]:
        """Return the parts of our comment on a pull request."""
        with self.engine.connect() as connection:
            return notes.notes(connection, tenant, head_branch)

    def keep_deployment(self, tenant: str, repository: str, sha: str, *, succeeded_at: datetime) -> None:
        """Keep that a commit reached production; the first time counts."""
        with writing(self.engine) as connection:
            proofs.keep_deployment(connection, tenant, repository, sha, succeeded_at=succeeded_at)

    def deployments(self, tenant: str, repository: str) -> list[Deployment]:
        """Return what reached production, the first first."""
        with self.engine.connect() as connection:
            return proofs.deployments(connection, tenant, repository)

    def save_proof(self, tenant: str, proof: Proof) -> None:
        """Keep what is known of a merged fix, in place of what was known."""
        with writing(self.engine) as connection:
            proofs.save_proof(connection, tenant, proof)

    def proofs(self, tenant: str) -> dict[str, Proof]:
        """Return what is known of the merged fixes, by proposal id."""
        with self.engine.connect() as connection:
            return proofs.proofs(connection, tenant)

    def releases(self, tenant: str, service: str) -> dict[str, datetime]:
        """Return when each release of a service was first seen; "" stands for traces that name none."""
        with self.engine.connect() as connection:
            return proofs.releases(connection, tenant, service)

    def runs(
        self, tenant: str, *, service: str, failure_mode_id: str, since: datetime, boundary: datetime
    ) -> Sequence[Runs]:
        """Return the examined runs since a time, by release and side of the boundary, of the failure mode's kinds."""
        with self.engine.connect() as connection:
            return proofs.runs(
                connection,
                tenant,
                service=service,
                failure_mode_id=failure_mode_id,
                since=since,
                boundary=boundary,
            )

    def keep_revert(self, tenant: str, pull_request: PullRequest, *, proposal_id: str) -> None:
        """Keep the pull request that takes a merged fix back; there is one at most."""
        with writing(self.engine) as connection:
            reverts.keep_revert(connection, tenant, pull_request, proposal_id=proposal_id, now=self._now())

    def reverts(self, tenant: str) -> list[Revert]:
        """Return the pull requests that take merged fixes back, oldest first."""
        with self.engine.connect() as connection:
            return reverts.reverts(connection, tenant)

    def find_revert(self, tenant: str, repository: str, number: int) -> Revert | None:
        """Return the revert with the number of a pull request, None when it is none."""
        with self.engine.connect() as connection:
            return reverts.find_revert(connection, tenant, repository, number)

    def set_revert_state(self, tenant: str, proposal_id: str, state: str) -> None:
        """Note where the revert of a proposal stands now: "open", "closed" or "merged"."""
        with writing(self.engine) as connection:
            reverts.set_revert_state(connection, tenant, proposal_id, state)
