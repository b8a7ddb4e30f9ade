"""What the bot answers to reviewers: what it changed and how that held, or why it changes nothing."""

from bot.pr_body import facts
from bot.pr_body.escape import identifier, prose
from fixers.evidence import Evidence
from fixers.proposal import Proposal

ROUNDS = 3
FOREIGN = "there are commits on this branch that are not mine, so it is yours: I push nothing more to it"
ENOUGH = (
    f"I have answered reviews of this pull request {ROUNDS} times, which is as often as I do. It waits for a person "
    "now: push to the branch, merge it or close it."
)
OVER = "this pull request has ended"
ON_BASE = "the branch starts from today's default branch already"
NO_LONGER_APPLIES = "the lines that it changes are other ones on today's default branch"


def changed(sha: str, proposal: Proposal, evidence: Evidence) -> str:
    """Say what the new commit changes, and what its trial showed."""
    return (
        f"Changed in {sha}: {prose(proposal.title, limit=200)}. {prose(proposal.rationale, limit=800)}\n\n"
        f"Tried again from the beginning: {evidence.verdict.value}. {prose(facts.why(evidence))} The description "
        "and the check show the new evidence."
    )


def no(reason: str) -> str:
    """Say why nothing is changed."""
    return f"I change nothing: {prose(reason, limit=800)}. The fix stays as it was tried; whoever may write can push."


def rebased(sha: str, evidence: Evidence) -> str:
    """Say that the branch was built anew on today's default branch."""
    return f"Rebuilt on today's default branch as {sha}, and tried there: {evidence.verdict.value}."


def stays(reason: str) -> str:
    """Say why the branch stays where it is."""
    return f"I leave the branch where it is: {prose(reason, limit=800)}."


def in_round(number: int, words: str) -> str:
    """Put an answer below its heading."""
    return f"**Review, round {number} of {ROUNDS}.** {words}"


def did_not_hold(proposal: Proposal, evidence: Evidence) -> str:
    """Say that a draft was tried and did not hold."""
    return f"a change was drafted ({identifier(proposal.id)}) and tried, and it ended as {evidence.verdict.value}: " + (
        evidence.reason.rstrip(".")
    )
