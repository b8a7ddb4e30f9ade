"""Read and write a checkout: a folder of plain files, some of which a stranger's code may just have made."""

import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path, PurePosixPath

from fixers.errors import DoesNotApply, TreeTooLarge
from fixers.proposal import Edit

MAX_FILES = 50_000
MAX_FILE_BYTES = 5_000_000
MAX_TREE_BYTES = 200_000_000
#: What Python and its tools leave behind when code runs: never part of an edit.
LEFTOVERS = frozenset({"__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache", ".git"})


def read_tree(
    folder: Path,
    *,
    max_files: int = MAX_FILES,
    max_file_bytes: int = MAX_FILE_BYTES,
    max_bytes: int = MAX_TREE_BYTES,
    fit: bool = False,
) -> dict[str, bytes]:
    """Return the content of every regular file of `folder` by its path, with forward slashes.

    Links are not followed; links, devices, pipes, larger files and the leftovers of tools are not there.

    Parameters
    ----------
    fit
        Leaves out the largest files of a folder that holds too much, which are seldom those that people write.

    Raises
    ------
    TreeTooLarge
        When there are more than `max_files` files, or more than `max_bytes` bytes in all.

    """
    tree: dict[str, bytes] = {}
    total = 0
    for path in _fitting(folder, max_files, max_file_bytes, max_bytes) if fit else _files(folder):
        content = read_regular(path, max_file_bytes)
        if content is None:
            continue
        total += len(content)
        if len(tree) >= max_files or total > max_bytes:
            raise TreeTooLarge(f"{folder.name} holds more than {max_files} files or {max_bytes} bytes")
        tree[path.relative_to(folder).as_posix()] = content
    return tree


def edits_between(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> tuple[Edit, ...]:
    """Return what changed between two readings of a checkout, by path; files that are not UTF-8 are left out."""
    changed = (path for path in sorted({*before, *after}) if before.get(path) != after.get(path))
    edits = ((path, _decoded(before.get(path)), _decoded(after.get(path))) for path in changed)
    return tuple(
        Edit(path=path, before=old[0], after=new[0]) for path, old, new in edits if old is not None and new is not None
    )


def apply_edits(folder: Path, edits: Sequence[Edit]) -> None:
    """Write `edits` into `folder`; every edit is checked before the first is written.

    Raises
    ------
    DoesNotApply
        When a file is not what the edit says it was, or a path leads out of `folder` or through a link.

    """
    targets = [(edit, _target(folder, edit.path)) for edit in edits]
    for edit, target in targets:
        _check_before(edit, target)
    for edit, target in targets:
        if edit.after is None:
            target.unlink()
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(edit.after.encode())


def copy_tree(source: Path, destination: Path) -> None:
    """Copy the regular files of `source` with their modes into the new folder `destination`; links are left out."""
    destination.mkdir(parents=True)
    for path in _files(source):
        if not path.is_symlink() and path.is_file():
            target = destination / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target, follow_symlinks=False)
            shutil.copymode(path, target, follow_symlinks=False)


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if name not in LEFTOVERS)
        yield from (Path(parent) / name for name in sorted(names))


def _fitting(folder: Path, max_files: int, max_file_bytes: int, max_bytes: int) -> list[Path]:
    """Return the smallest files, by name, as many as may be read."""
    sizes = {path: path.lstat().st_size for path in _files(folder) if not path.is_symlink()}
    smallest = sorted((path for path in sizes if sizes[path] <= max_file_bytes), key=lambda path: sizes[path])
    totals = accumulate(sizes[path] for path in smallest)
    kept = {path for path, total in zip(smallest[:max_files], totals, strict=False) if total <= max_bytes}
    return [path for path in sizes if path in kept]


def read_regular(path: Path, max_bytes: int) -> bytes | None:
    """Return a regular file's content, or None for anything else; the kind is asked of the opened file itself."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # a link, a socket, or gone
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > max_bytes:
            return None
        return file.read(max_bytes)


def _decoded(content: bytes | None) -> tuple[str | None] | None:
    """Return the text in a 1-tuple, (None,) for a file that is not there, or None for one that is not UTF-8."""
    try:
        return (None if content is None else content.decode(),)
    except UnicodeDecodeError:
        return None


def _target(folder: Path, path: str) -> Path:
    """Return where `path` lies in `folder`."""
    parts = PurePosixPath(path).parts
    if not parts or path != "/".join(parts) or ".." in parts or "\\" in path or "\0" in path or parts[0] == "/":
        raise DoesNotApply(f"{path!r} is not a path inside the repository")
    if ".git" in (part.lower() for part in parts):
        raise DoesNotApply(f"{path!r} lies in git's own folder")
    target = folder
    for part in parts:
        target = target / part
        if target.is_symlink():
            raise DoesNotApply(f"{path!r} leads through a symbolic link")
    return target


def _check_before(edit: Edit, target: Path) -> None:
    if edit.before is None:
        if target.exists():
            raise DoesNotApply(f"{edit.path!r} is there already, and the edit creates it")
        parents = (parent for parent in target.parents if parent.exists())
        if not next(parents).is_dir():
            raise DoesNotApply(f"{edit.path!r} lies below a file")
        return
    content = read_regular(target, MAX_FILE_BYTES)
    if content is None:
        raise DoesNotApply(f"{edit.path!r} is not there, or is not a regular file")
    if content != edit.before.encode():
        raise DoesNotApply(f"{edit.path!r} is not what it was when the edit was drafted")
