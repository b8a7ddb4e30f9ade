"""Git objects without a checkout: plumbing commands on a repository whose configuration, hooks and filters never run.

A commit is built in a temporary index and looked at with `diff-tree`. No working tree is read or written, so nothing
that ran in a sandbox can leave a hook, a filter or a configuration behind for git to execute.
"""

import hashlib
import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.errors import BotError
from fixers.proposal import Edit

REGULAR = "100644"
EXECUTABLE = "100755"
SYMLINK = "120000"
SUBMODULE = "160000"
ABSENT = "000000"
NO_OBJECT = "0" * 40
TIMEOUT_S = 120

#: No configuration but this one counts, and no program of the repository's own choosing runs.
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "",  # a partial clone would fetch missing objects through a command of its configuration
    "HOME": "/nonexistent",
    "LC_ALL": "C",
}
_CONFIGURATION = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.quotePath=false",
    "commit.gpgSign=false",
    "safe.directory=*",  # read as data only: ownership does not matter when nothing of it is executed
)
_IDENTITY = ("Tracewright", "tracewright@users.noreply.github.com")


class GitError(BotError):
    """A git command failed, or an object is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One leaf of a tree."""

    #: Relative to the root, with forward slashes, as git stores it; undecodable bytes as surrogate escapes.
    path: str
    mode: str
    #: "blob", or "commit" for a submodule.
    kind: str
    sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of `git diff-tree --raw`; a rename is a deletion and an addition."""

    path: str
    mode_before: str
    mode_after: str
    sha_before: str
    sha_after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What a commit says of itself."""

    tree: str
    parents: tuple[str, ...]
    #: Unix time of the committer's line.
    seconds: int
    message: str


def init_bare(folder: Path) -> Path:
    """Make an empty bare repository in `folder` unless there is one, without any template."""
    if not (folder / "HEAD").exists():
        folder.mkdir(parents=True, exist_ok=True)
        run(folder, "init", "--quiet", "--bare", "--template=", "--initial-branch=main")
    return folder


def git_dir(folder: Path) -> Path:
    """Return the git directory of a repository on disk, bare or not.

    Raises
    ------
    GitError
        `folder` holds no repository, or `.git` is a file that points elsewhere.

    """
    for candidate in (folder / ".git", folder):
        if (candidate / "HEAD").is_file() and (candidate / "objects").is_dir():
            return candidate
    raise GitError(f"no git repository in {str(folder)!r}")


def resolve(repo: Path, revision: str) -> str | None:
    """Return the object that a full reference name or a hash stands for, or None."""
    try:
        return run(repo, "rev-parse", "--verify", "--quiet", "--end-of-options", revision).decode().strip()
    except GitError:
        return None


def head_branch(repo: Path) -> str:
    """Return the branch that HEAD names."""
    return run(repo, "symbolic-ref", "--short", "HEAD").decode().strip()


def read_commit(repo: Path, sha: str) -> Commit:
    """Read a commit object."""
    head, _, message = run(repo, "cat-file", "commit", sha).decode(errors="replace").partition("\n\n")
    fields = [line.partition(" ") for line in head.splitlines()]
    tree = next(value for name, _, value in fields if name == "tree")
    parents = tuple(value for name, _, value in fields if name == "parent")
    committer = next(value for name, _, value in fields if name == "committer")
    return Commit(tree=tree, parents=parents, seconds=int(committer.split()[-2]), message=message)


def list_tree(repo: Path, revision: str) -> list[Entry]:
    """Return every leaf of a commit's or a tree's files, in git's order."""
    entries = []
    for record in _records(run(repo, "ls-tree", "-r", "-z", "--full-tree", revision)):
        meta, _, path = record.partition("\t")
        mode, kind, sha = meta.split()
        entries.append(Entry(path=path, mode=mode, kind=kind, sha=sha))
    return entries


def diff(repo: Path, base: str, head: str) -> list[Change]:
    """Return what differs between two commits or trees, file by file, renames not detected."""
    arguments = ("-r", "--raw", "-z", "--no-renames", "--no-abbrev", "--no-ext-diff", "--no-textconv", "--full-index")
    fields = _records(run(repo, "diff-tree", *arguments, base, head))
    changes = []
    for meta, path in zip(fields[::2], fields[1::2], strict=True):
        mode_before, mode_after, sha_before, sha_after, _ = meta.lstrip(":").split()
        changes.append(
            Change(
                path=path, mode_before=mode_before, mode_after=mode_after, sha_before=sha_before, sha_after=sha_after
            )
        )
    return changes


def read_blob(repo: Path, sha: str) -> bytes:
    """Return the bytes of a blob."""
    return run(repo, "cat-file", "blob", sha)


def read_blobs(repo: Path, shas: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Return (hash, bytes) of many blobs from one process, in order."""
    stream = io.BytesIO(run(repo, "cat-file", "--batch", stdin="".join(sha + "\n" for sha in shas).encode()))
    for sha in shas:
        _, kind, size = [*stream.readline().decode().split(), "", ""][:3]
        if kind != "blob":
            raise GitError(f"blob {sha} is not there")
        yield sha, stream.read(int(size))
        stream.read(1)


def blob_size(repo: Path, sha: str) -> int:
    """Return the size of a blob in bytes without reading it."""
    return int(run(repo, "cat-file", "-s", sha))


def blob_sha(content: bytes) -> str:
    """Return the hash under which git keeps these bytes."""
    header = f"blob {len(content)}\0".encode()
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


def write_blob(repo: Path, content: bytes) -> str:
    """Keep bytes as a blob, exactly as they are, and return its hash."""
    return run(repo, "hash-object", "-w", "--no-filters", "--stdin", stdin=content).decode().strip()


def write_tree(repo: Path, entries: Iterable[tuple[str, str, str | None]], *, onto: str | None = None) -> str:
    """Keep a tree: the one of `onto`, if given, with `entries` (path, mode, blob) put in; a blob of None removes.

    Raises
    ------
    GitError
        Git refuses a path, such as one with `..` or `.git` in it.

    """
    lines = [f"{mode if sha else '0'} {sha or NO_OBJECT}\t{path}" for path, mode, sha in entries]
    with tempfile.TemporaryDirectory(prefix="tracewright-index-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        if onto is not None:
            run(repo, "read-tree", onto, environment=index)
        stdin = "".join(line + "\0" for line in lines).encode(errors="surrogateescape")
        run(repo, "update-index", "-z", "--index-info", stdin=stdin, environment=index)
        # Objects may be missing: a mirror of a GitHub repository holds the blobs that a proposal touches, no others.
        return run(repo, "write-tree", "--missing-ok", environment=index).decode().strip()


def write_commit(repo: Path, tree: str, *, parents: Sequence[str], message: str, seconds: int = 0) -> str:
    """Keep a commit of ours and return its hash.

    Parameters
    ----------
    repo
        A git directory.
    tree
        Hash of the tree.
    parents
        Hashes of the parents.
    message
        The commit message.
    seconds
        Unix time of author and committer: with the base commit's, the same edits are the same commit.

    """
    name, email = _IDENTITY
    who = {
        f"GIT_{role}_{field}": value
        for role in ("AUTHOR", "COMMITTER")
        for field, value in (("NAME", name), ("EMAIL", email), ("DATE", f"@{seconds} +0000"))
    }
    options = [option for parent in parents for option in ("-p", parent)]
    return run(repo, "commit-tree", tree, *options, stdin=message.encode(), environment=who).decode().strip()


def commit_edits(repo: Path, base_sha: str, edits: Sequence[Edit], message: str) -> str:
    """Put `edits` on top of a commit as one commit and return its hash: the same edits, the same hash.

    Raises
    ------
    GitError
        An edit does not apply to the base: the file's text is another one, or it is no regular file.

    """
    before = {entry.path: entry for entry in list_tree(repo, base_sha)}
    entries = [_entry_of(repo, edit, before.get(edit.path)) for edit in edits]
    tree = write_tree(repo, entries, onto=base_sha)
    wanted = {(path, sha or NO_OBJECT) for path, _, sha in entries if path not in before or before[path].sha != sha}
    made = {(change.path, change.sha_after) for change in diff(repo, base_sha, tree)}
    if made != wanted:  # update-index skips a path such as `../x` with a warning, and puts a folder in a file's place
        raise GitError(f"the edits do not fit the tree: {sorted(path for path, _ in made ^ wanted)}")
    return write_commit(repo, tree, parents=(base_sha,), message=message, seconds=read_commit(repo, base_sha).seconds)


def merge_texts(ours: str, base: str, theirs: str) -> str | None:
    """Apply to `ours` what leads from `base` to `theirs`, line by line; None when both changed the same lines."""
    with tempfile.TemporaryDirectory(prefix="tracewright-merge-") as folder:
        repo = init_bare(Path(folder) / "repository")
        paths = [Path(folder) / name for name in ("ours", "base", "theirs")]
        for path, text in zip(paths, (ours, base, theirs), strict=True):
            path.write_bytes(text.encode())
        try:
            return run(repo, "merge-file", "-p", "--quiet", *map(str, paths)).decode()
        except GitError:
            return None


def create_branch(repo: Path, branch: str, sha: str) -> None:
    """Make a branch; fails when it exists. HEAD, index and working tree stay as they are."""
    run(repo, "update-ref", "--no-deref", f"refs/heads/{branch}", sha, NO_OBJECT)


def is_ancestor(repo: Path, ancestor: str, descendant: str) -> bool:
    """Tell whether one commit is in the history of another."""
    return run(repo, "rev-list", "--max-count=1", ancestor, f"^{descendant}") == b""


def run(repo: Path, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> bytes:
    """Run one git command on a git directory and return what it prints.

    Raises
    ------
    GitError
        With git's own words.

    """
    program = shutil.which("git")
    if program is None:
        raise GitError("git is not installed")
    configuration = [word for setting in _CONFIGURATION for word in ("-c", setting)]
    command = [program, f"--git-dir={repo}", *configuration, *arguments]
    clean = {"PATH": os.environ.get("PATH", os.defpath), **_ENVIRONMENT, **(environment or {})}
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, env=clean, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git {arguments[0]} did not end in {TIMEOUT_S} s") from error
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip()[:500]
        raise GitError(f"git {arguments[0]} ended with {done.returncode}: {words}")
    return done.stdout


def _entry_of(repo: Path, edit: Edit, before: Entry | None) -> tuple[str, str, str | None]:
    if before is not None and before.mode not in {REGULAR, EXECUTABLE}:
        raise GitError(f"{edit.path!r} is no regular file: mode {before.mode}")
    expected = None if edit.before is None else blob_sha(edit.before.encode())
    if (before.sha if before else None) != expected:
        raise GitError(f"{edit.path!r} is not what the edit was made for")
    mode = before.mode if before else REGULAR
    return edit.path, mode, None if edit.after is None else write_blob(repo, edit.after.encode())


def _records(output: bytes) -> list[str]:
    return [record.decode(errors="surrogateescape") for record in output.split(b"\0")[:-1]]
