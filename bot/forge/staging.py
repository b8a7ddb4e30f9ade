"""Build a commit here before anything is pushed, so that what the gate has seen is what leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot import gate, git
from bot.errors import Refused
from bot.forge.errors import Mismatch
from bot.forge.forge import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A commit that the gate has let through, in a repository of its own."""

    repo: Path
    #: Hash of the tree that GitHub must arrive at.
    tree: str
    changes: tuple[git.Change, ...]


def stage(folder: Path, entries: Sequence[git.Entry], base_tree: str, draft: Draft) -> Staged:
    """Put the draft's edits on top of a tree that is known by its entries alone.

    Parameters
    ----------
    folder
        An empty folder for the repository.
    entries
        Every leaf of the base commit's tree; of the blobs, only those that the edits replace are needed.
    base_tree
        The hash that the entries must add up to.
    draft
        The pull request to be opened.

    Raises
    ------
    Mismatch
        The entries are not those of `base_tree`.
    Refused
        The gate found violations.
    bot.git.GitError
        An edit does not apply.

    """
    repo = git.init_bare(folder)
    for edit in draft.edits:
        if edit.before is not None:
            git.write_blob(repo, edit.before.encode())
    tree = git.write_tree(repo, [(entry.path, entry.mode, entry.sha) for entry in entries])
    if tree != base_tree:
        raise Mismatch(f"the files of {draft.base.sha} add up to the tree {tree}, not {base_tree}")
    base = git.write_commit(repo, tree, parents=(), message=f"Stands for {draft.base.sha}")
    head = git.commit_edits(repo, base, draft.edits, draft.commit_message)
    if reasons := reasons_against(repo, base, head, draft):
        raise Refused("; ".join(reasons))
    return Staged(repo=repo, tree=git.read_commit(repo, head).tree, changes=tuple(git.diff(repo, base, head)))


def reasons_against(repo: Path, base_sha: str, head_sha: str, draft: Draft) -> list[str]:
    """Return what the gate has against the commit of a draft."""
    if draft.is_configuration:
        return gate.check_configuration(repo, base_sha, head_sha)
    if draft.takes_back:
        return gate.check_revert(repo, base_sha, head_sha, draft.takes_back)
    return gate.check(repo, base_sha, head_sha, draft.harness)
