"""What people may ask of one of our pull requests, by a button or a command: obeyed when they may write to it."""

from bot.errand import Errand, Kind
from bot.forge.forge import State
from bot.handlers.means import Means
from bot.in_public import shown_in
from bot.outcome import Decision, Outcome, Reason
from bot.pr_body.comments import ENDED, explanation, ignored
from bot.refusal import Refusal
from bot.sticky import answer
from bot.store.pull_requests import Opened
from clustering.failure_mode import Status


def may_ask(means: Means, tenant: str, opened: Opened, actor: str) -> bool:
    """Tell whether GitHub lets this person write to the repository now."""
    return means.forge_of(tenant, opened.pull_request.repository).may_write(actor)


def rerun(means: Means, tenant: str, opened: Opened) -> None:
    """Gather the evidence again on the present head; a pull request that ended needs none."""
    if opened.pull_request.state == State.OPEN:
        means.start(Errand(Kind.REEXAMINE, tenant, opened.proposal_id))
    else:
        _answer(means, tenant, opened, "rerun", ENDED)


def explain(means: Means, tenant: str, opened: Opened) -> None:
    """Say in one comment, which is kept up to date, what is wrong and why the change mends it."""
    proposal = means.store.proposal(tenant, opened.proposal_id)
    evidence = means.store.evidence_of(tenant, opened.proposal_id)
    if proposal is not None and evidence is not None:
        forge = means.forge_of(tenant, opened.pull_request.repository)
        shown = shown_in(means.discretions.of(tenant), means.store, tenant, forge, agent=opened.agent)
        told = explanation(shown.proposal(proposal), shown.evidence(evidence))
        _answer(means, tenant, opened, "explain", told)


def ignore(
    means: Means,
    tenant: str,
    opened: Opened,
    *,
    actor: str,
    delivery_id: str,
    reason: str = "",
    comment: str = "",
) -> None:
    """Leave the failure mode alone from now on, and close its pull request."""
    proposal = means.store.proposal(tenant, opened.proposal_id)
    if proposal is None:
        return
    means.store.set_status(tenant, proposal.failure_mode_id, Status.ARCHIVED)
    _answer(means, tenant, opened, "ignored", ignored(actor))
    if opened.pull_request.state == State.MERGED:
        return  # the fix stays, whatever is thought of the failure
    outcome = Outcome(
        delivery_id=delivery_id,
        proposal_id=opened.proposal_id,
        decision=Decision.REFUSED,
        actor=actor,
        words=reason,
        decided_at=means.now(),
        reason=Reason.UNWANTED,
        comment=comment,
    )
    means.store.record_outcome(tenant, outcome)
    forge = means.forge_of(tenant, opened.pull_request.repository)
    mode = means.store.failure_mode(tenant, proposal.failure_mode_id)
    refusal = Refusal(
        proposal_id=opened.proposal_id,
        failure_mode_id=proposal.failure_mode_id,
        base_sha=proposal.base_sha,
        n_sessions=mode.n_sessions if mode else 0,
        refused_at=means.now(),
        reason=Reason.UNWANTED,
    )
    means.store.keep_refusal(tenant, refusal)
    forge.close(opened.pull_request)
    means.store.set_pull_request_state(tenant, opened.pull_request, State.CLOSED)


def _answer(means: Means, tenant: str, opened: Opened, section: str, words: str) -> None:
    forge = means.forge_of(tenant, opened.pull_request.repository)
    answer(means.store, tenant, opened.pull_request, section, words, forge=forge)
