"""Note that a pull request was closed without a merge, ask why, and take silence for an answer after a while."""

from datetime import datetime

from bot.forge.forge import Forge
from bot.outcome import Reason
from bot.pr_body.question import MARKER, question
from bot.refusal import PATIENCE, Refusal
from bot.store.pull_requests import Opened
from bot.store.store import Store


def ask_why(store: Store, tenant: str, opened: Opened, *, forge: Forge, now: datetime) -> None:
    """Keep what is known now, and ask for the reason once; a refusal that has one already is not asked about."""
    known = {refusal.proposal_id: refusal for refusal in store.refusals(tenant)}
    refusal = known.get(opened.proposal_id) or _refusal(store, tenant, opened, forge=forge, now=now)
    if refusal is None or refusal.reason is not None:
        return
    store.keep_refusal(tenant, refusal)
    forge.comment_once(opened.pull_request, MARKER, question(refusal))


def take_silence(store: Store, tenant: str, *, now: datetime) -> None:
    """Note silence as the reason of what was refused long ago without a word."""
    for refusal in store.refusals(tenant):
        if refusal.reason is None and now - refusal.refused_at >= PATIENCE:
            store.give_reason(tenant, refusal.proposal_id, Reason.SILENCE)


def _refusal(store: Store, tenant: str, opened: Opened, *, forge: Forge, now: datetime) -> Refusal | None:
    proposal = store.proposal(tenant, opened.proposal_id)
    mode = None if proposal is None else store.failure_mode(tenant, proposal.failure_mode_id)
    if mode is None:
        return None
    return Refusal(
        proposal_id=opened.proposal_id,
        failure_mode_id=mode.id,
        base_sha=forge.base().sha,
        n_sessions=mode.n_sessions,
        refused_at=now,
    )
