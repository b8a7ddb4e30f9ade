"""Prove merged fixes: compare what ran before and after, and say so below the pull request. Each step may run again.

Which runs have the fix, the first that can be told:

* by release, when one was first seen after the merge: a release that is a commit has the fix when it follows the merge;
  another name has it when it was first seen after the fix was deployed (or merged, where no deployments are told);
* by the time of the first deployment to production that holds the fix;
* by the time of the merge, where traces name no release or always the same one.
"""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.discretion import Discretion
from bot.errors import BadSetting, ForgeError, StoreError
from bot.forge.forge import Forge, State
from bot.in_public import shown_in
from bot.outcome import Decision
from bot.pr_body.comments import aftermath, came_back
from bot.predicted import score_predictions
from bot.proof import Basis, Proof
from bot.recurrence import Difference, differences
from bot.revert import follow_revert, propose_revert
from bot.sticky import answer as answer_below
from bot.store.proofs import Runs
from bot.store.pull_requests import Opened
from bot.store.store import Store
from clustering.failure_mode import FailureMode, Status
from fixers.aftermath import Answer, Exposure, answer
from fixers.proposal import Proposal

log = logging.getLogger(__name__)

#: What ran so long before the merge is compared with what runs after it.
WINDOW = timedelta(days=14)
#: When the last word is said.
LAST_WORD = timedelta(days=14)
#: Failures on each side that are compared when one came back: their traces are read.
MAX_COMPARED = 50
COMMIT = re.compile(r"[0-9a-f]{7,40}")


class Parted(NamedTuple):
    """The runs without the fix and those with it."""

    before: Exposure
    after: Exposure
    basis: Basis


def prove(
    store: Store,
    tenant: str,
    forge_of: Callable[[str, str], Forge],
    *,
    now: datetime,
    shown: Discretion,
) -> None:
    """Bring the proof of every merged pull request up to date, and say it twice at most: when sound, and at the end.

    What got worse is proposed to be taken back; what was fixed and is regressed is told with what is different.

    Parameters
    ----------
    shown
        Takes out of texts what people may not see.

    """
    _follow_reverts(store, tenant, forge_of, now=now)
    known = store.proofs(tenant)
    for opened in store.pull_requests(tenant):
        proof = known.get(opened.proposal_id)
        if opened.pull_request.state != State.MERGED or (proof is not None and proof.is_final):
            continue
        try:
            forge = forge_of(tenant, opened.pull_request.repository)
            _prove_one(store, tenant, opened, proof, forge, now=now, shown=shown)
        except (BadSetting, ForgeError) as error:
            log.warning("%s is proved in a later run: %s", opened.pull_request.url, error)
    _tell_what_came_back(store, tenant, forge_of, now=now, shown=shown)


def _tell_what_came_back(
    store: Store, tenant: str, forge_of: Callable[[str, str], Forge], *, now: datetime, shown: Discretion
) -> None:
    """Say below each proved fix whose failure mode is regressed what is different now; once."""
    known = store.proofs(tenant)
    regressed = {mode.id for mode in store.failure_modes(tenant) if mode.status is Status.REGRESSED}
    for opened in store.pull_requests(tenant):
        proof, proposal = known.get(opened.proposal_id), store.proposal(tenant, opened.proposal_id)
        told = proof is None or proof.answered_at is None or proof.came_back_at is not None
        if told or proof is None or proposal is None or proposal.failure_mode_id not in regressed:
            continue
        try:
            forge = forge_of(tenant, opened.pull_request.repository)
            here = shown_in(shown, store, tenant, forge, agent=opened.agent)
            words = came_back(what_is_different(store, tenant, proposal.failure_mode_id, proof), here)
            answer_below(store, tenant, opened.pull_request, "came-back", words, forge=forge)
        except (BadSetting, ForgeError) as error:
            log.warning("that %s came back is told in a later run: %s", opened.pull_request.url, error)
        else:
            store.save_proof(tenant, replace(proof, came_back_at=now))


def what_is_different(store: Store, tenant: str, failure_mode_id: str, proof: Proof) -> list[Difference]:
    """Compare the failures since a fix was proved with those before it was merged."""
    failures = store.failures_of_mode(tenant, failure_mode_id)
    before = [each for each in failures if each.occurred_at <= proof.merged_at][-MAX_COMPARED:]
    since = [each for each in failures if proof.answered_at and each.occurred_at > proof.answered_at][-MAX_COMPARED:]
    try:
        traces = store.load_traces(tenant, [each.trace_id for each in (*before, *since)])
    except StoreError as error:
        log.warning("the tools of failure mode %s are not compared: %s", failure_mode_id, error)
        traces = {}
    return differences(before, since, traces)


def _follow_reverts(store: Store, tenant: str, forge_of: Callable[[str, str], Forge], *, now: datetime) -> None:
    """Ask where the open reverts stand: a delivery may have been missed."""
    for revert in store.reverts(tenant):
        if revert.state != State.OPEN:
            continue
        try:
            follow_revert(store, tenant, revert, forge=forge_of(tenant, revert.repository), actor="", now=now)
        except (BadSetting, ForgeError) as error:
            log.warning("%s is asked again in the next run: %s", revert.url, error)


def _prove_one(
    store: Store,
    tenant: str,
    opened: Opened,
    earlier: Proof | None,
    forge: Forge,
    *,
    now: datetime,
    shown: Discretion,
) -> None:
    proposal = store.proposal(tenant, opened.proposal_id)
    mode = store.failure_mode(tenant, proposal.failure_mode_id) if proposal else None
    failures = store.failures_of_mode(tenant, mode.id) if mode else []
    merged_at = _merged_at(store, tenant, opened, proposal)
    if proposal is None or mode is None or not failures or merged_at is None:
        return
    merge_sha = earlier.merge_sha if earlier else forge.merge_sha(opened.pull_request)
    parted = _part(store, tenant, forge, mode, service=failures[0].service, merge_sha=merge_sha, merged_at=merged_at)
    told, evidence = answer(parted.before, parted.after), store.evidence_of(tenant, proposal.id)
    proof = Proof(
        proposal_id=proposal.id,
        merge_sha=merge_sha,
        merged_at=merged_at,
        answer=told,
        before=parted.before,
        after=parted.after,
        basis=parted.basis,
        predicted=score_predictions(proposal, evidence),
        expected=evidence.expected if evidence else None,
        answered_at=earlier.answered_at if earlier else None,
        is_final=now >= merged_at + LAST_WORD,
        came_back_at=earlier.came_back_at if earlier else None,
    )
    if proof.is_final:
        forge.comment_once(opened.pull_request, "aftermath-last", aftermath(proof))
    if told is not Answer.TOO_LITTLE:
        forge.comment_once(opened.pull_request, "aftermath", aftermath(proof))
        proof = _answered(store, tenant, mode, proof, now=now)
    if told is Answer.WORSE:
        here = shown_in(shown, store, tenant, forge, agent=opened.agent)
        propose_revert(store, tenant, opened, proposal, mode=here.mode(mode), proof=proof, forge=forge)
    store.save_proof(tenant, proof)


def _answered(store: Store, tenant: str, mode: FailureMode, proof: Proof, *, now: datetime) -> Proof:
    """Note the first sound answer; what is fixed is resolved, and becomes regressed by itself when it shows again."""
    if proof.answered_at is not None:
        return proof
    if proof.answer is Answer.FIXED and mode.status is not Status.ARCHIVED:
        store.set_status(tenant, mode.id, Status.RESOLVED)
    return replace(proof, answered_at=now)


def _merged_at(store: Store, tenant: str, opened: Opened, proposal: Proposal | None) -> datetime | None:
    outcomes = store.outcomes_of_mode(tenant, proposal.failure_mode_id) if proposal else []
    merges = [
        outcome.decided_at
        for outcome in outcomes
        if (outcome.proposal_id, outcome.decision) == (opened.proposal_id, Decision.MERGED)
    ]
    return min(merges, default=None)


def _part(
    store: Store, tenant: str, forge: Forge, mode: FailureMode, *, service: str, merge_sha: str, merged_at: datetime
) -> Parted:
    deployments = store.deployments(tenant, forge.repository)
    # What was deployed before the merge cannot hold it.
    later = [each for each in deployments if each.succeeded_at >= merged_at]
    deployed_at = next((each.succeeded_at for each in later if forge.contains(each.sha, merge_sha)), None)
    boundary = deployed_at or merged_at
    first_seen = store.releases(tenant, service)
    runs = store.runs(tenant, service=service, failure_mode_id=mode.id, since=merged_at - WINDOW, boundary=boundary)
    with_fix = {
        release
        for release, seen in first_seen.items()
        if seen >= merged_at and _has_fix(release, seen, boundary, merge_sha=merge_sha, forge=forge)
    }
    if with_fix:
        return _parted(runs, lambda each: each.release in with_fix, Basis.RELEASE)
    if deployments and deployed_at is None:
        return _parted(runs, lambda _: False, Basis.NOT_DEPLOYED)
    if deployed_at is not None:
        return _parted(runs, lambda each: each.is_later, Basis.DEPLOYMENT)
    named = first_seen.keys() - {""}
    if len(named) > 1:  # releases change here, and none has come since
        return _parted(runs, lambda _: False, Basis.RELEASE)
    return _parted(runs, lambda each: each.is_later, Basis.MERGE)


def _has_fix(release: str, first_seen: datetime, boundary: datetime, *, merge_sha: str, forge: Forge) -> bool:
    """Tell whether a release that was first seen after the merge has the fix."""
    if COMMIT.fullmatch(release):
        return forge.contains(release, merge_sha)
    return bool(release) and first_seen >= boundary


def _parted(runs: Sequence[Runs], has_fix: Callable[[Runs], bool], basis: Basis) -> Parted:
    sums: Mapping[bool, Exposure] = {
        side: sum((each.exposure for each in runs if has_fix(each) is side), Exposure()) for side in (False, True)
    }
    return Parted(sums[False], sums[True], basis)
