"""PullRequest: a proposal as a forge shows it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull request that we opened. Identity: (repository, head branch)."""

    #: "owner/name" on GitHub; the folder's path for a local repository.
    repository: str
    number: int
    #: `tracewright/<proposal id>`.
    head_branch: str
    head_sha: str
    #: Where a person reads it: a web address, or the path of the rendered page.
    url: str
    title: str
    #: "open", "closed" or "merged".
    state: str = "open"
    #: Commits of ours that the branch pointed to before `head_sha`.
    made: tuple[str, ...] = ()
