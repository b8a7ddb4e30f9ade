"""Make the commits and branches of pull requests on GitHub: each must be the very one that the gate has seen."""

import base64
import tempfile
from pathlib import Path

from github import InputGitTreeElement
from github.Repository import Repository

from bot import git
from bot.errors import ForeignCommits, ForgeError
from bot.forge.errors import Mismatch, Missing
from bot.forge.forge import Draft
from bot.forge.github_channel import Channel, Unprocessable
from bot.forge.github_files import Files
from bot.forge.staging import Staged, stage
from bot.pull_request import PullRequest


class Branches:
    """Our branches in one repository."""

    def __init__(self, *, files: Files, publishing: Channel) -> None:
        self._files = files
        self._publishing = publishing

    def commit(self, draft: Draft) -> str:
        """Make the commit that the gate has seen, on no branch."""
        tree = self._files.tree_of(draft.base.sha)
        with tempfile.TemporaryDirectory(prefix="tracewright-stage-") as folder:
            try:
                staged = stage(Path(folder), self._files.entries(tree), tree, draft)
                return self._commit(draft, tree, staged)
            except git.GitError as error:
                raise ForgeError(str(error)) from error

    def move_branch(self, pull_request: PullRequest, sha: str, *, before: str) -> None:
        """Move the head branch, by force only away from a commit of ours, which was looked at a moment before."""
        branch = pull_request.head_branch

        def move(repo: Repository) -> None:
            ref = repo.get_git_ref(f"heads/{branch}")
            there = ref.object.sha  # read: only then does the reference know the address that takes changes
            if there == sha:
                return
            if there != before:
                raise ForeignCommits(f"branch {branch!r} holds {there}, not {before}")
            parents = [each.sha for each in repo.get_git_commit(sha).parents]
            ref.edit(sha, force=parents != [before])

        self._publishing.ask(f"move branch {branch!r}", move)

    def push(self, draft: Draft) -> None:
        """Make the branch with its one commit; GitHub must arrive at the very tree that the gate has seen."""
        tree = self._files.tree_of(draft.base.sha)
        with tempfile.TemporaryDirectory(prefix="tracewright-stage-") as folder:
            try:
                staged = stage(Path(folder), self._files.entries(tree), tree, draft)
                if self._is_there(draft, staged):
                    return
                commit = self._commit(draft, tree, staged)
            except git.GitError as error:
                raise ForgeError(str(error)) from error
        ref = f"refs/heads/{draft.head_branch}"
        try:
            self._publishing.ask(f"create {ref}", lambda repo: repo.create_git_ref(ref, commit))
        except Unprocessable:
            if not self._is_there(draft, staged):  # else another worker was faster
                raise

    def _is_there(self, draft: Draft, staged: Staged) -> bool:
        """Tell whether the branch exists with this very change on this very base.

        Raises
        ------
        ForeignCommits
            It exists with something else.

        """
        try:
            sha = self._publishing.ask(
                f"read branch {draft.head_branch!r}",
                lambda repo: repo.get_git_ref(f"heads/{draft.head_branch}").object.sha,
            )
        except Missing:
            return False
        found = self._publishing.ask(f"read commit {sha}", lambda repo: repo.get_git_commit(sha).raw_data)
        if found["tree"]["sha"] != staged.tree or [parent["sha"] for parent in found["parents"]] != [draft.base.sha]:
            raise ForeignCommits(f"branch {draft.head_branch!r} holds {sha}, which is not this proposal")
        return True

    def _commit(self, draft: Draft, base_tree: str, staged: Staged) -> str:
        """Send blobs, tree and commit, and return the commit's hash. Without an author GitHub signs it for the App."""
        elements = [self._element(staged.repo, change) for change in staged.changes]

        def send(repo: Repository) -> str:
            tree = repo.create_git_tree(elements, base_tree=repo.get_git_tree(base_tree))
            if tree.sha != staged.tree:
                raise Mismatch(f"GitHub made the tree {tree.sha}; the gate has seen {staged.tree}")
            return repo.create_git_commit(draft.commit_message, tree, [repo.get_git_commit(draft.base.sha)]).sha

        return self._publishing.ask(f"commit to {draft.head_branch!r}", send)

    def _element(self, repo: Path, change: git.Change) -> InputGitTreeElement:
        if change.mode_after == git.ABSENT:
            return InputGitTreeElement(change.path, change.mode_before, "blob", sha=None)
        content = base64.b64encode(git.read_blob(repo, change.sha_after)).decode()
        sha = self._publishing.ask(f"send {change.path!r}", lambda r: r.create_git_blob(content, "base64").sha)
        if sha != change.sha_after:
            raise Mismatch(f"GitHub made the blob {sha} of {change.path!r}; the gate has seen {change.sha_after}")
        return InputGitTreeElement(change.path, change.mode_after, "blob", sha=sha)
