"""What is said when a merged fix made things worse: the pull request that takes it back, and the comment on the fix."""

from bot.pr_body import facts
from bot.pr_body.comments import aftermath
from bot.pr_body.escape import BREAK, identifier, inert, one_line, prose
from bot.proof import Proof
from bot.pull_request import PullRequest
from clustering.failure_mode import FailureMode
from fixers.proposal import Proposal

TITLE_LIMIT = 70
CHANGED_SINCE = (
    "It should be taken back, and I cannot propose that: the same lines were changed since the merge. Reverting it by "
    "hand is worth a look at the numbers above."
)
TAKEN_BACK = "Its changes are not on the default branch any more, so there is nothing to take back."


def title(fix: PullRequest) -> str:
    """Return the title of the pull request that takes `fix` back."""
    return inert(one_line(f"Revert “{fix.title.replace(BREAK, '')}”", limit=TITLE_LIMIT))


def body(fix: PullRequest, mode: FailureMode, proof: Proof) -> str:
    """Return the description: the numbers, what is undone, and that people decide."""
    return (
        f"> [!NOTE]\n> {facts.BOT}\n\n"
        f"This takes back {linked(fix)}, merged as {identifier(proof.merge_sha)} on {proof.merged_at:%Y-%m-%d}, which "
        f"was to mend **{prose(mode.title, limit=200)}**. Since then production is worse.\n\n"
        f"{aftermath(proof)}\n\n"
        "**Change.** Only what that pull request changed is undone, its regression test included; what was changed "
        "in the same files since then stays. Nothing was tried: the code was here before.\n\n"
        "**Undo.** Close this; the fix stays, and I do not ask again.\n\n"
        f"Failure-Mode: {inert(mode.id)}\nEvidence-Run: {inert(proof.proposal_id)}\n"
    )


def commit_message(fix: PullRequest, proposal: Proposal) -> str:
    """Return the message of the one commit."""
    return (
        f"{title(fix).replace(BREAK, ' ')}\n\n"
        f"Production is worse since pull request {fix.number} was merged; its description has the numbers.\n\n"
        f"Failure-Mode: {proposal.failure_mode_id}\nEvidence-Run: {proposal.id}\n"
    )


def proposed(revert: PullRequest) -> str:
    """Say on the fix where the pull request is that takes it back."""
    return f"It is worse in production than before, so I propose to take it back: {linked(revert)}."


def linked(pull_request: PullRequest) -> str:
    """Return a link to a pull request of the same repository; on disk there is only its number."""
    if not pull_request.url.startswith(("https://", "http://")):
        return f"pull request {pull_request.number}"
    return f"[pull request {pull_request.number}]({pull_request.url})"
