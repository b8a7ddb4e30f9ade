"""Learn from what people, production and trials said of our fixes. Each step may run again: a lesson is learned once.

Whether a lesson helps is told by the proposals that were drafted with it: one that was merged helped, unless production
says otherwise; one that was closed for a wrong diagnosis or a wrong fix, taken back, or not fixed in production did
harm; everything else says nothing. A lesson is dropped when two or more did harm, and more than helped.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.discretion import Discretion
from bot.lesson import MAX_TEXT, Kind, Learned, Lesson, State, is_harmful, lesson_id
from bot.outcome import Decision, Outcome, Reason
from bot.pr_body.escape import one_line
from bot.predicted import score_predictions
from bot.proof import Proof
from bot.remark import Remark
from bot.store.pull_requests import Opened
from bot.store.store import Store
from clustering.failure_mode import FailureMode
from fixers.aftermath import Answer
from fixers.assignment import Refused
from fixers.proposal import Proposal

OF_ANSWER = {Answer.FIXED: Kind.WORKED, Answer.NOT_FIXED: Kind.NO_HELP, Answer.WORSE: Kind.HARM}
WRONG = frozenset({Reason.WRONG_DIAGNOSIS, Reason.WRONG_FIX})
MAX_WORDS = 200


def learn(store: Store, tenant: str, *, discretion: Discretion, now: datetime) -> int:
    """Keep what is new, drop what did harm, and return how many lessons are new."""
    proofs, n_new = store.proofs(tenant), 0
    for opened in store.pull_requests(tenant):
        proposal = store.proposal(tenant, opened.proposal_id)
        mode = store.failure_mode(tenant, proposal.failure_mode_id) if proposal else None
        if proposal is None or mode is None:
            continue
        teacher = _Teacher(opened=opened, proposal=proposal, mode=mode, now=now)
        told = [
            *teacher.of_refusals(store.outcomes_of_mode(tenant, mode.id)),
            *teacher.of_reviews(store.answered_remarks(tenant, opened.pull_request.head_branch)),
            *teacher.of_production(proofs.get(proposal.id)),
            *teacher.of_predictions(store, tenant),
        ]
        n_new += sum(store.learn(tenant, replace(each, text=discretion.text(each.text)[:MAX_TEXT])) for each in told)
    for learned in counted(store, tenant):
        if learned.state is State.KEPT and is_harmful(learned.n_helpful, learned.n_harmful):
            store.set_lesson_state(tenant, learned.lesson.id, State.DROPPED)
    return n_new


def counted(store: Store, tenant: str) -> list[Learned]:
    """Return every lesson with how many proposals that were drafted with it ended well, and how many badly."""
    uses, effects = store.lesson_uses(tenant), _effects(store, tenant)
    found = []
    for learned in store.lessons(tenant):
        ended = [effects.get(proposal_id) for proposal_id in uses.get(learned.lesson.id, ())]
        found.append(replace(learned, n_helpful=ended.count(True), n_harmful=ended.count(False)))
    return found


def refused_fixes(store: Store, tenant: str, repository: str) -> list[Refused]:
    """Return the fixes in a repository that people called wrong or took back, as far as their lessons are kept."""
    by_url = {opened.pull_request.url: opened.proposal_id for opened in store.pull_requests(tenant)}
    reasons = {refusal.proposal_id: refusal.reason for refusal in store.refusals(tenant)}
    found = []
    for lesson in (each.lesson for each in counted(store, tenant) if each.state is State.KEPT):
        proposal_id = by_url.get(lesson.pull_request, "")
        is_wrong = lesson.kind in {Kind.REFUSED, Kind.HARM} and reasons.get(proposal_id) is Reason.WRONG_FIX
        proposal = store.proposal(tenant, proposal_id) if is_wrong and lesson.repository == repository else None
        if proposal is not None:
            told = f"lesson {lesson.id}: {lesson.text} {lesson.comment or lesson.pull_request}"
            found.append(Refused(proposal.author, frozenset(lesson.paths), told))
    return found


def _effects(store: Store, tenant: str) -> dict[str, bool | None]:
    """Return by proposal id whether it ended well (True), badly (False) or neither (None)."""
    answers = {proposal_id: proof.answer for proposal_id, proof in store.proofs(tenant).items()}
    reasons = {refusal.proposal_id: refusal.reason for refusal in store.refusals(tenant)}
    found: dict[str, bool | None] = {}
    for opened in store.pull_requests(tenant):
        bad = answers.get(opened.proposal_id) in {Answer.NOT_FIXED, Answer.WORSE}
        wrong = reasons.get(opened.proposal_id) in WRONG
        merged = opened.pull_request.state == "merged"
        found[opened.proposal_id] = False if bad or wrong else True if merged else None
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Teacher:
    """One pull request, and what it teaches."""

    opened: Opened
    proposal: Proposal
    mode: FailureMode
    now: datetime

    def of_refusals(self, outcomes: Sequence[Outcome]) -> Iterator[Lesson]:
        """Yield why people closed it, or took it back; silence teaches nothing."""
        for outcome in outcomes:
            mine = outcome.proposal_id == self.proposal.id
            if not mine or outcome.reason in {None, Reason.SILENCE}:
                continue
            ended = "taken back after the merge" if outcome.decision is Decision.REVERTED else "closed without a merge"
            words = f", with the words {_quoted(outcome.words)}" if outcome.words else ""
            yield self._lesson(
                Kind.HARM if outcome.decision is Decision.REVERTED else Kind.REFUSED,
                f"{_quoted(self.proposal.title)} was {ended} ({outcome.reason}){words}.",
                origin=f"{outcome.decision} {outcome.reason} {outcome.words}",
                comment=outcome.comment,
                author=outcome.said_by or outcome.actor,
            )

    def of_reviews(self, remarks: Sequence[Remark]) -> Iterator[Lesson]:
        """Yield what reviewers asked for."""
        for remark in remarks:
            where = f" about {_quoted(remark.path)}" if remark.path else ""
            number, kind = remark.id.rpartition(" ")[2], remark.id.partition(" ")[0]
            anchor = f"#pullrequestreview-{number}" if kind == "review" else f"#discussion_r{number}"
            yield self._lesson(
                Kind.REVIEW,
                f"A reviewer of {_quoted(self.proposal.title)} said{where}: {_quoted(remark.words)}.",
                origin=remark.id,
                comment=f"{self.opened.pull_request.url}{anchor}",
                author=remark.author,
            )

    def of_production(self, proof: Proof | None) -> Iterator[Lesson]:
        """Yield what production said after the merge."""
        if proof is not None and proof.answer in OF_ANSWER:
            before, after = proof.before, proof.after
            yield self._lesson(
                OF_ANSWER[proof.answer],
                f"{_quoted(self.proposal.title)} was merged; in production, {proof.answer}: runs with this failure "
                f"went from {before.n_of_mode} of {before.n_runs} to {after.n_of_mode} of {after.n_runs}, those with "
                f"any from {before.n_failing} to {after.n_failing}.",
                origin=proof.answer,
            )

    def of_predictions(self, store: Store, tenant: str) -> Iterator[Lesson]:
        """Yield which predictions did not hold when they were tried."""
        score = score_predictions(self.proposal, store.evidence_of(tenant, self.proposal.id))
        if score.n_both < score.n_predicted:
            yield self._lesson(
                Kind.PREDICTION,
                f"{_quoted(self.proposal.title)} was predicted to fix {score.n_predicted} of the replayed runs, and "
                f"fixed {score.n_both}.",
                origin="",
            )

    def _lesson(self, kind: Kind, text: str, *, origin: str, comment: str = "", author: str = "") -> Lesson:
        test = self.proposal.regression_test
        return Lesson(
            id=lesson_id(kind, self.proposal.id, origin),
            kind=kind,
            text=one_line(text, limit=MAX_TEXT),
            repository=self.opened.pull_request.repository,
            failure_mode_id=self.mode.id,
            detector=self.mode.detector,
            key=self.mode.key,
            layer=self.proposal.diagnosis.layer,
            paths=tuple(edit.path for edit in self.proposal.edits if edit.path != test),
            pull_request=self.opened.pull_request.url,
            comment=comment,
            author=author,
            learned_at=self.now,
        )


def _quoted(words: str) -> str:
    return f"“{one_line(words, limit=MAX_WORDS)}”"
