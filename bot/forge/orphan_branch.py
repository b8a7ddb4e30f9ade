"""Files on a branch of GitHub's that shares no history with the code: one folder after the other, none ever changed."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from github import InputGitTreeElement
from github.GithubException import GithubException
from github.GitRef import GitRef
from github.Repository import Repository

ATTEMPTS = 3
REGULAR = "100644"
CONFLICTS = frozenset({409, 422})


def keep_folder(repo: Repository, branch: str, folder: str, files: Mapping[str, str], message: str) -> str:
    """Return the hash of a commit on `branch` in which `folder` holds exactly these files, made where it is missing.

    Another worker may add a folder of its own meanwhile: then the branch has moved, and this is tried again on top.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return _keep(repo, branch, folder, files, message)
        except GithubException as error:
            if error.status not in CONFLICTS:
                raise
    return _keep(repo, branch, folder, files, message)


def _keep(repo: Repository, branch: str, folder: str, files: Mapping[str, str], message: str) -> str:
    ref = _ref(repo, branch)
    elements = [
        InputGitTreeElement(str(PurePosixPath(folder) / path), REGULAR, "blob", content=text)
        for path, text in sorted(files.items())
    ]
    if ref is None:
        commit = repo.create_git_commit(message, repo.create_git_tree(elements), [])
        repo.create_git_ref(f"refs/heads/{branch}", commit.sha)
        return commit.sha
    head = repo.get_git_commit(ref.object.sha)
    tree = repo.create_git_tree(elements, base_tree=repo.get_git_tree(head.tree.sha))
    if tree.sha == head.tree.sha:
        return head.sha
    commit = repo.create_git_commit(message, tree, [head])
    # Never forced: what others added stays. https://docs.github.com/en/rest/git/refs#update-a-reference
    repo.requester.requestJsonAndCheck("PATCH", f"{repo.url}/git/{ref.ref}", input={"sha": commit.sha, "force": False})
    return commit.sha


def _ref(repo: Repository, branch: str) -> GitRef | None:
    # Among those that begin alike: a branch that is not there is no error then.
    found = repo.get_git_matching_refs(f"heads/{branch}")
    return next((ref for ref in found if ref.ref == f"refs/heads/{branch}"), None)
