"""Take a merged fix back when production got worse with it: a pull request with the numbers, linked both ways.

It is a draft whatever the agent's autonomy, and takes no place among the fixes: people decide. Only our own edits are
undone; what others changed in the same files since then stays. Where both touched the same lines, people are told.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from bot import git
from bot.forge.forge import Draft, Forge, State
from bot.outcome import Decision, Outcome, Reason
from bot.pr_body import reverting
from bot.proof import Proof
from bot.refusal import Refusal
from bot.sticky import answer
from bot.store.pull_requests import Opened
from bot.store.reverts import Revert
from bot.store.store import Store
from bot.submit import LABELS
from clustering.failure_mode import FailureMode, Status
from fixers.harness import Harness
from fixers.proposal import Edit, Proposal

SECTION = "revert"


def propose_revert(
    store: Store, tenant: str, opened: Opened, proposal: Proposal, *, mode: FailureMode, proof: Proof, forge: Forge
) -> None:
    """Open the pull request that takes a merged fix back, and say on the fix where it is; may be called again.

    Parameters
    ----------
    opened
        The fix.
    mode
        As it may be shown.

    """
    if any(revert.proposal_id == proposal.id for revert in store.reverts(tenant)):
        return
    base = forge.base()
    edits = take_back(proposal.edits, lambda path: forge.read_file(path, base.sha))
    if not edits:
        said = reverting.CHANGED_SINCE if edits is None else reverting.TAKEN_BACK
        answer(store, tenant, opened.pull_request, SECTION, said, forge=forge)
        return
    draft = Draft(
        head_branch=f"tracewright/revert-{proposal.id}",
        base=base,
        title=reverting.title(opened.pull_request),
        body=reverting.body(opened.pull_request, mode, proof),
        page_html="",
        edits=edits,
        commit_message=reverting.commit_message(opened.pull_request, proposal),
        harness=Harness(name=opened.agent or "none"),
        labels=LABELS,
        takes_back=proposal.edits,
    )
    pull_request = forge.open_pull_request(draft)
    store.keep_revert(tenant, pull_request, proposal_id=proposal.id)
    answer(store, tenant, opened.pull_request, SECTION, reverting.proposed(pull_request), forge=forge)


def take_back(fix: Sequence[Edit], read: Callable[[str], str | None]) -> tuple[Edit, ...] | None:
    """Return the edits that undo a fix on what the files are now; none when nothing of it is left.

    None when somebody changed the same lines since then.
    """
    undone = []
    for edit in fix:
        now = read(edit.path)
        if now == edit.before:
            continue
        if now == edit.after:
            undone.append(Edit(path=edit.path, before=now, after=edit.before))
            continue
        if now is None or edit.after is None or edit.before is None:
            return None
        merged = git.merge_texts(now, edit.after, edit.before)
        if merged is None:
            return None
        undone += [Edit(path=edit.path, before=now, after=merged)] if merged != now else []
    return tuple(undone)


def follow_revert(store: Store, tenant: str, revert: Revert, *, forge: Forge, actor: str, now: datetime) -> None:
    """Note where a revert stands: when it is merged, its fix was a wrong one, and the failure mode is not mended."""
    state = forge.pull_request_state(revert.pull_request)
    if state == revert.state:
        return
    proposal = store.proposal(tenant, revert.proposal_id)
    mode = store.failure_mode(tenant, proposal.failure_mode_id) if proposal else None
    if state is State.MERGED and mode is not None:
        refusal = Refusal(
            proposal_id=revert.proposal_id,
            failure_mode_id=mode.id,
            base_sha=forge.base().sha,
            n_sessions=mode.n_sessions,
            refused_at=now,
            reason=Reason.WRONG_FIX,
        )
        store.keep_refusal(tenant, refusal)
        outcome = Outcome(
            delivery_id=f"reverted:{revert.proposal_id}",
            proposal_id=revert.proposal_id,
            decision=Decision.REVERTED,
            actor=actor,
            words="",
            decided_at=now,
            reason=Reason.WRONG_FIX,
        )
        store.record_outcome(tenant, outcome)
        if mode.status is Status.RESOLVED:
            store.set_status(tenant, mode.id, Status.ONGOING)
    store.set_revert_state(tenant, revert.proposal_id, state)
