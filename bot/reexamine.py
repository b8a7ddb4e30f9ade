"""What a pull request proposes now: its present head against a base that it still applies to."""

import tempfile
from dataclasses import replace
from pathlib import Path

from bot.forge.forge import Base, Forge
from bot.pull_request import PullRequest
from bot.same_fix import applies
from fixers.checkout import edits_between, read_tree
from fixers.proposal import Edit, Proposal


def present_proposal(
    proposal: Proposal, pull_request: PullRequest, *, head_sha: str, base: Base, forge: Forge
) -> Proposal:
    """Return the proposal with the edits of the present head, on the default branch as it is now if they apply there.

    Parameters
    ----------
    head_sha
        What the head branch points to now: people may have pushed.
    base
        The default branch and its commit now.

    """
    now = proposal
    if head_sha != pull_request.head_sha:
        # A branch that was brought up to date differs least from the new base, another one from its own.
        ours, theirs = (changes(forge, sha, head_sha) for sha in (proposal.base_sha, base.sha))
        if len(theirs) < len(ours):
            return replace(proposal, edits=theirs, base_sha=base.sha)
        now = replace(proposal, edits=ours)
    if applies(now, lambda path: forge.read_file(path, base.sha)):
        return replace(now, base_sha=base.sha)
    return now


def changes(forge: Forge, base_sha: str, head_sha: str) -> tuple[Edit, ...]:
    """Return how the text files of two commits differ."""
    with tempfile.TemporaryDirectory(prefix="tracewright-head-") as folder:
        before, after = (_files(forge, sha, Path(folder) / sha) for sha in (base_sha, head_sha))
    return edits_between(before, after)


def _files(forge: Forge, sha: str, folder: Path) -> dict[str, bytes]:
    folder.mkdir(exist_ok=True)
    forge.fetch(sha, folder)
    return read_tree(folder)
