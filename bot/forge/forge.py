"""Forge: the place where pull requests go, and all that the product asks of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from bot.pull_request import PullRequest
from fixers.harness import Harness
from fixers.proposal import Edit


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The commit that a proposal starts from."""

    branch: str
    #: 40 hex digits.
    sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A pull request before it is opened. Identity: `head_branch`."""

    #: `tracewright/<proposal id>`.
    head_branch: str
    base: Base
    title: str
    #: Markdown.
    body: str
    #: The same as a page that stands alone, for a forge without a web interface.
    page_html: str
    edits: tuple[Edit, ...]
    commit_message: str
    #: Says which paths may be edited: the gate reads it before anything leaves.
    harness: Harness
    labels: tuple[str, ...] = ()
    draft: bool = True
    #: Adds `.github/tracewright.yml` and nothing else: the one file that no fix may touch.
    is_configuration: bool = False
    #: Takes a merged fix back, whose edits these are, and changes nothing else: the regression test may go then.
    takes_back: tuple[Edit, ...] = ()


class Conclusion(StrEnum):
    """https://docs.github.com/en/rest/checks/runs#create-a-check-run."""

    SUCCESS = "success"
    FAILURE = "failure"
    #: Does not block a required check.
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """A remark on lines of a file, shown in the diff."""

    path: str
    #: 1-based, inclusive.
    start_line: int
    end_line: int
    message: str
    #: "notice", "warning" or "failure".
    level: str = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A button of a check run. https://docs.github.com/en/rest/checks/runs#create-a-check-run."""

    #: At most 20 characters.
    identifier: str
    #: At most 20 characters.
    label: str
    #: At most 40 characters.
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit of a pull request, as the git object says."""

    sha: str
    #: E-mail addresses.
    author: str
    committer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """An entry of the tree that is not a regular file and was not written."""

    path: str
    #: "symlink" or "submodule".
    kind: str


class State(StrEnum):
    """Where a pull request stands; the values of `PullRequest.state`."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


class Forge(Protocol):
    """One repository. Every method raises `ForgeError`; each may be called again with the same arguments."""

    @property
    def repository(self) -> str:
        """`owner/name` on GitHub; the folder's path for a local repository."""

    @property
    def opt_in(self) -> bool:
        """Whether nothing is proposed before the repository's people put a configuration on the default branch."""

    def base(self) -> Base:
        """Return the default branch and its commit."""

    def paths(self, sha: str) -> list[str]:
        """Return the paths of the regular files of a commit."""

    def fetch(self, sha: str, folder: Path) -> list[Skipped]:
        """Write the regular files of a commit, modes kept, into `folder`, and return what was left out."""

    def read_file(self, path: str, sha: str) -> str | None:
        """Return a file's text at a commit; None when there is no such regular file, or it is not UTF-8."""

    def changed_paths(self, number: int) -> list[str]:
        """Return the paths of the files that a pull request changes, whoever opened it."""

    def find_pull_request(self, head_branch: str) -> PullRequest | None:
        """Return the pull request of a head branch, the newest when there are several, whatever its state."""

    def open_pull_request(self, draft: Draft) -> PullRequest:
        """Make the branch, its one commit and the pull request, as far as they do not exist yet.

        Raises
        ------
        Refused
            The gate found violations; nothing left this machine.
        ForeignCommits
            The branch exists and its commit is not the one of this draft.

        """

    def commit(self, draft: Draft) -> str:
        """Make the draft's commit on its base, on no branch yet, and return its hash.

        Raises
        ------
        Refused
            The gate found violations; nothing left this machine.

        """

    def move_branch(self, pull_request: PullRequest, sha: str, *, before: str) -> None:
        """Let the head branch point to `sha`; it must point to `before`, or to `sha` already.

        Raises
        ------
        ForeignCommits
            It points to something else.

        """

    def reply(self, pull_request: PullRequest, thread: int, marker: str, text: str) -> None:
        """Answer in a reviewer's thread, by the id of its first comment, unless an answer with `marker` is there."""

    def report_check(
        self,
        pull_request: PullRequest,
        *,
        name: str,
        summary: str,
        text: str,
        conclusion: Conclusion,
        annotations: Sequence[Annotation] = (),
        actions: Sequence[Action] = (),
    ) -> None:
        """Attach the evidence to the head commit; a second call with the same name replaces the first one's."""

    def pull_request_state(self, pull_request: PullRequest) -> State:
        """Ask where the pull request stands now."""

    def head_sha(self, pull_request: PullRequest) -> str:
        """Ask which commit the head branch points to now."""

    def merge_sha(self, pull_request: PullRequest) -> str:
        """Ask which commit brought a merged pull request to its base branch."""

    def contains(self, sha: str, ancestor: str) -> bool:
        """Ask whether a commit is, or follows, another; a commit that is unknown here does neither."""

    def commits(self, pull_request: PullRequest) -> list[Commit]:
        """Return the commits of the pull request, oldest first."""

    def is_public(self) -> bool:
        """Ask whether everybody can read the repository now."""

    def may_write(self, login: str) -> bool:
        """Ask whether this person may write to the repository now."""

    def update_body(self, pull_request: PullRequest, body: str) -> None:
        """Replace the description."""

    def close(self, pull_request: PullRequest) -> None:
        """Close the pull request without a merge; its branch stays."""

    def reopen(self, pull_request: PullRequest) -> bool:
        """Open a closed pull request again; False when the forge does not let us, as when its branch is gone."""

    def acknowledge(self, pull_request: PullRequest, comment_id: int) -> None:
        """Show whoever wrote a comment that it was read."""

    def request_reviews(self, pull_request: PullRequest, logins: Sequence[str]) -> None:
        """Ask these people to review; whom the forge does not let us ask is left out."""

    def link(self, path: str, sha: str, *, line: int, last: int | None = None) -> str | None:
        """Return the address of a line, or of lines up to `last`, at a commit; None where there is none."""

    def keep_files(self, branch: str, folder: str, files: Mapping[str, str], message: str) -> str:
        """Keep texts by path in a folder of a branch that has no code; return the lasting address of the folder."""

    def read_issue(self, marker: str) -> str | None:
        """Return the body of our issue with `marker`, None when there is none."""

    def keep_issue(self, marker: str, title: str, body: str) -> None:
        """Open the issue whose body holds `marker`, or edit the one that is there."""

    def keep_comment(self, pull_request: PullRequest, marker: str, text: str) -> None:
        """Add the comment with `marker`, or bring the one that is there up to date."""

    def comment_once(self, pull_request: PullRequest, marker: str, text: str) -> None:
        """Add a comment unless one with `marker` is there; the marker is invisible to readers."""
