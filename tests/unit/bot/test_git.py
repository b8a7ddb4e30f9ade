"""Git plumbing: commits without a checkout, and nothing of the repository's own runs."""

import subprocess
from pathlib import Path

import pytest

from bot import git
from fixers.proposal import Edit

EDIT = Edit(path="a.py", before="x = 1\n", after="x = 2\n")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return git.init_bare(tmp_path / "repo")


@pytest.fixture
def base(repo: Path) -> str:
    blob = git.write_blob(repo, b"x = 1\n")
    entries = [("a.py", "100644", blob), ("bin/run", "100755", blob), ("link", "120000", blob)]
    return git.write_commit(repo, git.write_tree(repo, entries), parents=(), message="Start", seconds=1_700_000_000)


def test_the_same_edits_are_the_same_commit(repo: Path, base: str) -> None:
    assert git.commit_edits(repo, base, [EDIT], "Fix") == git.commit_edits(repo, base, [EDIT], "Fix")


def test_a_commit_holds_the_edits_alone_and_keeps_modes(repo: Path, base: str) -> None:
    run = Edit(path="bin/run", before="x = 1\n", after="x = 3\n")
    new = Edit(path="new/b.py", before=None, after="y\n")
    head = git.commit_edits(repo, base, [EDIT, run, new], "Fix")
    modes = {change.path: (change.mode_before, change.mode_after) for change in git.diff(repo, base, head)}
    assert modes == {
        "a.py": ("100644", "100644"),
        "bin/run": ("100755", "100755"),
        "new/b.py": ("000000", "100644"),
    }
    assert git.read_commit(repo, head).parents == (base,)


def test_a_deleted_file_is_gone(repo: Path, base: str) -> None:
    head = git.commit_edits(repo, base, [Edit(path="a.py", before="x = 1\n", after=None)], "Remove")
    assert [entry.path for entry in git.list_tree(repo, head)] == ["bin/run", "link"]


@pytest.mark.parametrize(
    "edit",
    [
        Edit(path="a.py", before="another text\n", after="x\n"),
        Edit(path="a.py", before=None, after="x\n"),
        Edit(path="nowhere.py", before="x\n", after="y\n"),
        Edit(path="link", before="x = 1\n", after="/etc/passwd"),
        Edit(path="../outside.py", before=None, after="x\n"),
        Edit(path=".git/config", before=None, after="x\n"),
        Edit(path="/etc/cron.d/x", before=None, after="x\n"),
        Edit(path="a.py/below.py", before=None, after="x\n"),
    ],
)
def test_an_edit_that_does_not_fit_makes_no_commit(repo: Path, base: str, edit: Edit) -> None:
    with pytest.raises(git.GitError):
        git.commit_edits(repo, base, [edit], "Fix")


def test_line_ends_and_bytes_stay_as_they_are(repo: Path) -> None:
    content = b"a\r\nb\r\n"
    assert git.read_blob(repo, git.write_blob(repo, content)) == content
    assert git.write_blob(repo, content) == git.blob_sha(content)


def test_many_blobs_come_from_one_process(repo: Path) -> None:
    shas = [git.write_blob(repo, content) for content in (b"", b"a\nb", b"\x00\xff")]
    assert [content for _, content in git.read_blobs(repo, shas)] == [b"", b"a\nb", b"\x00\xff"]
    with pytest.raises(git.GitError, match="1" * 40):
        list(git.read_blobs(repo, ["1" * 40]))


def test_a_branch_is_made_once(repo: Path, base: str) -> None:
    git.create_branch(repo, "tracewright/1", base)
    assert git.resolve(repo, "refs/heads/tracewright/1") == base
    with pytest.raises(git.GitError):
        git.create_branch(repo, "tracewright/1", base)


def test_ancestors_are_told_from_strangers(repo: Path, base: str) -> None:
    head = git.commit_edits(repo, base, [EDIT], "Fix")
    assert git.is_ancestor(repo, base, head)
    assert not git.is_ancestor(repo, head, base)


def test_a_revision_is_never_an_option(repo: Path) -> None:
    assert git.resolve(repo, "--git-dir") is None


def test_nothing_that_a_repository_brings_along_runs(tmp_path: Path) -> None:
    folder, trap = tmp_path / "hostile", tmp_path / "trap"
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    script = tmp_path / "run.sh"
    script.write_text(f"#!/bin/sh\ntouch {trap}\nexit 1\n")
    script.chmod(0o755)
    for hook in ("reference-transaction", "pre-commit", "post-checkout", "post-index-change"):
        (folder / ".git/hooks").mkdir(exist_ok=True)
        (folder / ".git/hooks" / hook).write_text(script.read_text())
        (folder / ".git/hooks" / hook).chmod(0o755)
    for key in ("core.fsmonitor", "filter.x.clean", "diff.external", "core.pager", "gpg.program", "core.sshCommand"):
        subprocess.run(["git", "-C", str(folder), "config", key, str(script)], check=True)
    repo = git.git_dir(folder)
    (repo / "info").mkdir(exist_ok=True)
    (repo / "info/attributes").write_text("* filter=x diff=x\n")
    tree = git.write_tree(repo, [("a.py", "100644", git.write_blob(repo, b"x = 1\n"))])
    base = git.write_commit(repo, tree, parents=(), message="Start")
    git.create_branch(repo, "tracewright/1", git.commit_edits(repo, base, [EDIT], "Fix"))
    git.diff(repo, base, "refs/heads/tracewright/1")
    assert not trap.exists()


def test_a_folder_without_repository_is_named(tmp_path: Path) -> None:
    with pytest.raises(git.GitError, match=str(tmp_path)):
        git.git_dir(tmp_path)
