"""Write a commit's files into a plain folder: regular files only, each checked against its hash."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from bot import git
from bot.forge.errors import Mismatch
from bot.forge.forge import Skipped

_KINDS = {git.SYMLINK: "symlink", git.SUBMODULE: "submodule"}


def split_regular(entries: Iterable[git.Entry]) -> tuple[list[git.Entry], list[Skipped]]:
    """Part the regular files of a tree from what is never written: symlinks and submodules."""
    regular, skipped = [], []
    for entry in entries:
        if entry.mode in {git.REGULAR, git.EXECUTABLE, "100664"}:  # 100664: git's own, before 2005
            regular.append(entry)
        else:
            skipped.append(Skipped(path=entry.path, kind=_KINDS.get(entry.mode, entry.mode)))
    return regular, skipped


def write_file(folder: Path, entry: git.Entry, content: bytes) -> None:
    """Write one file of a tree.

    Raises
    ------
    Mismatch
        The content does not have the entry's hash, or the path leads out of the folder or into a `.git`.

    """
    found = git.blob_sha(content)
    if found != entry.sha:
        raise Mismatch(f"{entry.path!r} has the hash {found}, not {entry.sha}")
    target = folder / _safe(entry.path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)  # of an earlier call that did not get to its end
    with target.open("xb") as file:
        file.write(content)
    target.chmod(0o755 if entry.mode == git.EXECUTABLE else 0o644)


def _safe(path: str) -> PurePosixPath:
    parts = path.split("/")
    if "\0" in path or any(part in {"", ".", ".."} or part.casefold() == ".git" for part in parts):
        raise Mismatch(f"a tree holds the path {path!r}")
    return PurePosixPath(*parts)
