"""Report: what became of our proposals, and what that has cost. Nothing here changes anything."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.forge.forge import State
from bot.learn import counted
from bot.lesson import Learned
from bot.outcome import Reason
from bot.predicted import score_predictions, score_risks
from bot.store.pull_requests import Opened
from bot.store.spending import Spent
from bot.store.store import Store
from bot.store.thresholds import Threshold
from clustering.failure_mode import Status
from fixers.aftermath import Answer, Score

#: Closed without a merge, and nobody has said why, nor has silence lasted long enough to be an answer.
NOT_SAID = "not said yet"
#: Merged, and production was not looked at since.
NOT_COMPARED = "not compared yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Counts over everything that is kept of one tenant."""

    n_opened: int
    n_open: int
    n_merged: int
    #: Closed without a merge, by each `Reason` and `NOT_SAID`.
    refused: Mapping[str, int]
    #: What production says of the merged ones, by each `Answer` and `NOT_COMPARED`.
    after_merge: Mapping[str, int]
    #: Merged fixes whose failure mode was resolved and shows again.
    n_regressed: int
    #: Merged fixes that were taken back by a revert.
    n_reverted: int
    #: Of the runs that proposals were to fix, over all proposals that were tried, those never opened too.
    predictions: Score
    #: Merged fixes whose failure rate was foretold and seen since, and how many of them lay where it was foretold.
    n_rates_seen: int
    n_rates_as_expected: int
    #: Of the healthy runs that were said to be at risk, those that broke; over the same proposals.
    risks: Score
    #: Over all runs of the agent fixer, those too from which no proposal came.
    spent: Spent
    #: What earlier fixes taught.
    lessons: Sequence[Learned]
    #: Every move of the thresholds that move by a rule.
    thresholds: Sequence[Threshold]

    @property
    def n_refused(self) -> int:
        """Closed without a merge, whatever the reason."""
        return sum(self.refused.values())

    @property
    def tokens_per_merged(self) -> float | None:
        """All tokens for one merged fix; None while none is merged."""
        return self.spent.tokens / self.n_merged if self.n_merged else None

    @property
    def usd_per_merged(self) -> float | None:
        """All US dollars for one merged fix; None while none is merged."""
        return self.spent.cost_usd / self.n_merged if self.n_merged else None


def report(store: Store, tenant: str) -> Report:
    """Count what became of a tenant's proposals."""
    opened = store.pull_requests(tenant)
    by_state = {state: [each for each in opened if each.pull_request.state == state] for state in State}
    merged, closed = by_state[State.MERGED], by_state[State.CLOSED]
    reasons = {refusal.proposal_id: refusal.reason or NOT_SAID for refusal in store.refusals(tenant)}
    proofs = store.proofs(tenant)
    answers = {proposal_id: proof.answer for proposal_id, proof in proofs.items()}
    held = [proof.is_as_expected for proof in proofs.values() if proof.is_as_expected is not None]
    fixed, broken = _score_all(store, tenant)
    return Report(
        n_opened=len(opened),
        n_open=len(by_state[State.OPEN]),
        n_merged=len(merged),
        refused=_tally([*Reason, NOT_SAID], (reasons.get(each.proposal_id, NOT_SAID) for each in closed)),
        after_merge=_tally([*Answer, NOT_COMPARED], (answers.get(each.proposal_id, NOT_COMPARED) for each in merged)),
        n_regressed=_count_regressed(store, tenant, merged),
        n_reverted=sum(revert.state == State.MERGED for revert in store.reverts(tenant)),
        predictions=fixed,
        n_rates_seen=len(held),
        n_rates_as_expected=sum(held),
        risks=broken,
        spent=store.spent(tenant),
        lessons=counted(store, tenant),
        thresholds=store.thresholds(tenant),
    )


def _tally(kinds: Iterable[str], found: Iterable[str]) -> dict[str, int]:
    """Count each kind, those too that were not found."""
    counts = Counter(found)
    return {str(kind): counts[kind] for kind in kinds}


def _count_regressed(store: Store, tenant: str, merged: Iterable[Opened]) -> int:
    regressed = {mode.id for mode in store.failure_modes(tenant) if mode.status is Status.REGRESSED}
    proposals = (store.proposal(tenant, each.proposal_id) for each in merged)
    return sum(proposal is not None and proposal.failure_mode_id in regressed for proposal in proposals)


def _score_all(store: Store, tenant: str) -> tuple[Score, Score]:
    """Score what every proposal that was tried foretold: fixes, and risks; one at a time, because evidence is large."""
    tried = {each.proposal_id for attempts in store.verdicts(tenant).values() for each in attempts if each.proposal_id}
    fixed, broken = Score(), Score()
    for proposal_id in tried:
        proposal = store.proposal(tenant, proposal_id)
        if proposal is not None:
            evidence = store.evidence_of(tenant, proposal_id)
            fixed += score_predictions(proposal, evidence)
            broken += score_risks(proposal, evidence)
    return fixed, broken
