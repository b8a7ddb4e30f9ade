"""Change an open pull request of ours: answer reviewers with one new commit, or build the branch on today's base.

Whatever is pushed was tried first and passed the gate, as when it was opened. Where people have pushed, nothing is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.agents import Agent
from bot.discretion import Discretion
from bot.errors import ForeignCommits, Refused
from bot.forge.forge import Base, Forge, State
from bot.in_public import refuse_in_public
from bot.pr_body import review
from bot.remark import Remark
from bot.same_fix import applies
from bot.sticky import answer
from bot.store.pull_requests import Opened
from bot.store.store import Store
from bot.strangers import last_of_ours, strangers
from bot.submit import body_of, commit_draft, report
from clustering.failure_mode import FailureMode
from fixers.draft import Drafted
from fixers.evidence import Evidence, Verdict
from fixers.proposal import Edit, Proposal
from fixers.revision import Revision, step

NOTHING = "no other change was drafted"
NOT_PUSHED = "a change was drafted and tried, and it is not one that I may push here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revising:
    """One pull request, and what is needed to change it."""

    store: Store
    tenant: str
    mode: FailureMode
    agent: Agent
    opened: Opened
    proposal: Proposal
    #: Tries a proposal on the base that it names, and keeps the evidence and the verdict.
    try_out: Callable[[Proposal], Evidence]
    #: Drafts the proposal anew.
    draft: Callable[[Revision], Drafted]
    #: Returns the evidence in full, by file name.
    bundle: Callable[[Proposal, Evidence], Mapping[str, str]]
    discretion: Discretion
    now: Callable[[], datetime]

    def answer_review(self, *, quiet: timedelta) -> None:
        """Answer what reviewers have said, unless they are still talking."""
        self._catch_up()
        remarks = self.store.unanswered_remarks(self.tenant, self._branch)
        newest = max((remark.told_at for remark in remarks), default=None)
        if newest is None or self.now() - newest < quiet or self.opened.pull_request.state != State.OPEN:
            return
        number = self.store.review_rounds(self.tenant, self._branch) + 1
        if number > review.ROUNDS:
            self._tell("review", review.ENOUGH)
            return
        words = self._revised(remarks)
        for remark in remarks:
            if remark.thread is not None:
                self._forge.reply(self.opened.pull_request, remark.thread, f"reply-{remark.id}", words)
        self._tell("review", review.in_round(number, words))
        self.store.mark_answered(self.tenant, remarks, number=number)

    def rebase(self) -> None:
        """Build the branch anew on today's default branch, if the fix holds there."""
        self._catch_up()
        self._tell("rebase", self._rebased())

    def _revised(self, remarks: list[Remark]) -> str:
        """Push one commit that answers the remarks, if one can be found that holds; return what to say."""
        if self._is_foreign():
            return review.no(review.FOREIGN)
        told = tuple((_source(remark), remark.words) for remark in remarks)
        drafted = self.draft(Revision(proposal=self.proposal, remarks=told))
        if not drafted.proposals:
            return review.no(self.discretion.unless_public("; ".join(drafted.notes) or NOTHING, NOTHING))
        new = drafted.proposals[0]
        if not (edits := step(self.proposal, new)):
            return review.no("what was drafted is what is here already")
        self.store.save_proposal(self.tenant, new)
        evidence = self.try_out(new)
        if evidence.verdict is not Verdict.VERIFIED:
            return review.no(self.discretion.text(review.did_not_hold(new, evidence)))
        head = self.opened.pull_request.head_sha
        try:
            sha = self._publish(new, evidence, edits=edits, parent_sha=head)
        except (Refused, ForeignCommits) as error:
            return review.no(self.discretion.unless_public(str(error), NOT_PUSHED))
        return review.changed(sha, self.discretion.proposal(new), self.discretion.evidence(evidence))

    def _rebased(self) -> str:
        base = self.agent.base
        if self.opened.pull_request.state != State.OPEN:
            return review.stays(review.OVER)
        if self._is_foreign():
            return review.stays(review.FOREIGN)
        if base.sha == self.proposal.base_sha:
            return review.stays(review.ON_BASE)
        if not applies(self.proposal, self.agent.read_file):
            return review.stays(review.NO_LONGER_APPLIES)
        new = replace(self.proposal, base_sha=base.sha)
        self.store.save_proposal(self.tenant, new)
        evidence = self.try_out(new)
        if evidence.verdict is not Verdict.VERIFIED:
            return review.stays(self.discretion.text(review.did_not_hold(new, evidence)))
        return review.rebased(self._publish(new, evidence, edits=new.edits, parent_sha=base.sha), evidence)

    def _publish(self, new: Proposal, evidence: Evidence, *, edits: tuple[Edit, ...], parent_sha: str) -> str:
        """Make the commit, note whose it is, and only then move the branch to it; show its evidence."""
        if self.discretion.is_public:
            refuse_in_public(new)
        before, forge = self.opened.pull_request, self._forge
        shown = self.discretion.proposal(new)
        base = Base(branch=self.agent.base.branch, sha=parent_sha)
        sha = forge.commit(commit_draft(shown, self._branch, base=base, edits=edits, harness=self.agent.harness))
        moved = replace(before, head_sha=sha, made=(*before.made, before.head_sha))
        self.store.revise_pull_request(self.tenant, moved, proposal_id=new.id)
        forge.move_branch(moved, sha, before=before.head_sha)
        manners, told = self.agent.harness.manners, self.discretion.evidence(evidence)
        report(moved, shown, told, forge=forge, manners=manners)
        traffic = self.store.traffic_of_all(self.tenant)
        mode = self.discretion.mode(self.mode)
        body = body_of(
            shown,
            told,
            mode,
            traffic=traffic,
            forge=forge,
            manners=manners,
            branch=self._branch,
            bundle=self.bundle(new, evidence),
        )
        forge.update_body(moved, body)
        return sha

    def _catch_up(self) -> None:
        """Finish a move that was begun: the branch still points to a commit that we meant to replace."""
        pull_request = self.opened.pull_request
        head = self._forge.head_sha(pull_request)
        if head != pull_request.head_sha and head in pull_request.made:
            self._forge.move_branch(pull_request, pull_request.head_sha, before=head)

    def _is_foreign(self) -> bool:
        commits = self._forge.commits(self.opened.pull_request)
        return bool(strangers(commits, last_of_ours(commits, self.opened.pull_request)))

    def _tell(self, section: str, words: str) -> None:
        answer(self.store, self.tenant, self.opened.pull_request, section, words, forge=self._forge)

    @property
    def _branch(self) -> str:
        return self.opened.pull_request.head_branch

    @property
    def _forge(self) -> Forge:
        return self.agent.forge


def _source(remark: Remark) -> str:
    where = f" on {remark.path}, line {remark.line}" if remark.path else ""
    return f"the reviewer {remark.author}{where}"
