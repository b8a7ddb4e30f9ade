"""Whose commits a head branch holds: where people have pushed, the branch is theirs, and we keep our hands off."""

from collections.abc import Sequence

from bot.forge.forge import Commit
from bot.pull_request import PullRequest


def strangers(commits: Sequence[Commit], our_sha: str) -> list[Commit]:
    """Return the commits that are not the bot's, read from the git objects: what they are called proves nothing.

    Parameters
    ----------
    commits
        Those of the pull request, oldest first.
    our_sha
        The commit that we made last. Where it is not among them, the branch was rewritten: all of them are strange.

    """
    ours = next((commit for commit in commits if commit.sha == our_sha), None)
    if ours is None:
        return list(commits)
    until = commits.index(ours)
    same = [commit for commit in commits[:until] if (commit.author, commit.committer) == (ours.author, ours.committer)]
    return [commit for commit in commits if commit is not ours and commit not in same]


def last_of_ours(commits: Sequence[Commit], pull_request: PullRequest) -> str:
    """Return the newest of these commits that we are known to have made; while a branch moves, it is the one before."""
    made = {pull_request.head_sha, *pull_request.made}
    return next((commit.sha for commit in reversed(commits) if commit.sha in made), pull_request.head_sha)
