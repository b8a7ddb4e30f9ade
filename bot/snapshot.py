"""Snapshot a folder, dirty or not, with or without git, as one commit of a throw-away repository. Reads it only."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bot import git
from bot.errors import BadSetting

BRANCH = "main"
MAX_FILES = 100_000
MAX_BYTES = 4 * 1024**3
#: A larger file is a model or a recording, which no edit touches and few tests read.
MAX_FILE_BYTES = 64 * 1024**2
#: Nobody's source: other tools' records, environments and caches.
SKIPPED = frozenset(
    {".git", ".hg", ".svn", ".venv", "venv", "node_modules", "site-packages", "__pycache__", ".mypy_cache"}
    | {".pytest_cache", ".ruff_cache", ".tox", ".nox", ".eggs", ".cache", ".DS_Store"}
)
#: Built things at the root of a repository; a package of that name is not skipped.
BUILT = frozenset({"build", "dist", "target", "htmlcov"})


class Snapshot(NamedTuple):
    """What `snapshot` returns."""

    sha: str
    #: Paths of links, of files that are too large, and of what git cannot hold.
    left_out: tuple[str, ...]


def snapshot(folder: Path, repo: Path) -> Snapshot:
    """Commit the regular files of `folder`, as they are now, to the new bare repository `repo`.

    Raises
    ------
    BadSetting
        When the folder holds more than can be copied, or nothing.

    """
    regular, left_out = _regular(folder)
    if not regular:
        raise BadSetting(f"{folder} holds no files")
    git.init_bare(repo)
    names = "".join(f"{folder / path}\n" for path, _ in regular).encode(errors="surrogateescape")
    shas = git.run(repo, "hash-object", "-w", "--no-filters", "--stdin-paths", stdin=names).decode().split()
    entries = [(path, mode, sha) for (path, mode), sha in zip(regular, shas, strict=True)]
    sha = git.write_commit(repo, git.write_tree(repo, entries), parents=(), message=f"{folder.name} as it is\n")
    git.create_branch(repo, BRANCH, sha)
    return Snapshot(sha, tuple(left_out))


def _regular(folder: Path) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the path and mode of each file to keep, and what is left out."""
    kept: list[tuple[str, str]] = []
    left_out: list[str] = []
    n_bytes = 0
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.is_file() or "\n" in name:
            left_out.append(name)
            continue
        status = path.stat()
        if status.st_size > MAX_FILE_BYTES or not os.access(path, os.R_OK):
            left_out.append(name)
            continue
        kept.append((name, git.EXECUTABLE if status.st_mode & 0o100 else git.REGULAR))
        n_bytes += status.st_size
        if len(kept) > MAX_FILES or n_bytes > MAX_BYTES:
            raise BadSetting(f"{folder} holds more than {MAX_FILES} files or {MAX_BYTES} bytes")
    return kept, left_out


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder, followlinks=False):
        here = Path(parent)
        yield from (here / name for name in folders if (here / name).is_symlink())
        folders[:] = sorted(name for name in folders if not _is_skipped(here / name, root=folder))
        yield from (here / name for name in sorted(names) if name not in SKIPPED)


def _is_skipped(folder: Path, *, root: Path) -> bool:
    if folder.name in SKIPPED or (folder / "pyvenv.cfg").exists():
        return True
    return folder.parent == root and folder.name in BUILT and not (folder / "__init__.py").exists()
