"""Workspace: a working copy of a checkout, held in memory, and what the agent may do with its files."""

import ast
import fnmatch
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from clustering.failure import Failure
from fixers.archive import Attempt
from fixers.checkout import edits_between, read_tree
from fixers.errors import FixerError
from fixers.proposal import Edit
from fixers.quoting import fenced
from fixers.sandbox import Sandbox
from fixers.shelf import MARK, Shelf
from fixers.syntax import is_newer
from webhooks.trace import Trace

MAX_LISTED = 300
MAX_MATCHES = 60
MAX_MATCH = 300  # characters of a matching line
MAX_LINES = 400
MAX_LINE = 4_000  # a prompt may be one long line
MAX_PAGE = 12_000  # characters; about 3,000 tokens
MAX_PATH = 240
MAX_PATTERN = 200
LONGEST_RUN_S = 600.0


class Refused(FixerError):
    """A tool call cannot be done; the message is the answer that the model gets."""


@dataclass(slots=True, kw_only=True)
class Workspace:
    """A working copy of a checkout, and what surrounds it. Only `edit_file` changes the copy."""

    checkout: Path
    #: Content by path, forward slashes. In memory, so that no path and no link can lead out of it.
    files: dict[str, bytes]
    #: As they were.
    original: Mapping[str, bytes]
    traces: Mapping[str, Trace]
    failures: Sequence[Failure]
    #: Returns the reason why a path may not be edited, or None.
    may_edit: Callable[[str], str | None]
    sandbox: Sandbox
    timeout_s: float
    #: Recorded runs and past attempts, to be read and searched.
    shelf: Shelf = field(default_factory=lambda: Shelf({}))

    @property
    def edits(self) -> tuple[Edit, ...]:
        """What differs from the checkout."""
        return edits_between(self.original, self.files)


def open_workspace(
    checkout: Path,
    *,
    traces: Sequence[Trace],
    failures: Sequence[Failure],
    may_edit: Callable[[str], str | None],
    sandbox: Sandbox,
    timeout_s: float,
    attempts: Sequence[Attempt] = (),
) -> Workspace:
    """Read a checkout into a working copy, without its largest files where it holds more than may be read."""
    original = read_tree(checkout, fit=True)
    by_id = {trace.trace_id: trace for trace in traces}
    return Workspace(
        checkout=checkout,
        files=dict(original),
        original=original,
        traces=by_id,
        shelf=Shelf.of(by_id, failures, attempts),
        failures=failures,
        may_edit=may_edit,
        sandbox=sandbox,
        timeout_s=min(timeout_s, LONGEST_RUN_S),
    )


def list_files(workspace: Workspace, *, glob: str = "*") -> str:
    """Return the paths that match, one a line."""
    paths = _paths(workspace, glob)
    cut = [f"({len(paths) - MAX_LISTED} more; narrow the glob)"] if len(paths) > MAX_LISTED else []
    return "\n".join([*paths[:MAX_LISTED], *cut]) or f"no file matches {glob!r}"


def search(workspace: Workspace, *, text: str, glob: str = "*") -> str:
    """Return the lines that hold `text`. Plain text only: a regular expression could be made to run for ever."""
    if not text.strip():
        raise Refused("text is empty")
    found: list[str] = []
    for path in _paths(workspace, glob):
        content = workspace.shelf.text(path) or workspace.files.get(path, b"").decode(errors="replace")
        if text in content:
            lines = enumerate(content.split("\n"), start=1)
            found += [f"{path}:{number}: {_around(line, text)}" for number, line in lines if text in line]
        if len(found) > MAX_MATCHES:
            found[MAX_MATCHES:] = ["(more; narrow the text or the glob)"]
            break
    told = "\n".join(found)
    return (fenced(told, "recorded runs and attempts") if glob.startswith(MARK) and told else told) or (
        f"no line holds {text[:100]!r}"
    )


def _around(line: str, text: str) -> str:
    """Cut a long line to what is around the text."""
    line = line.strip()
    start = max(line.find(text) - MAX_MATCH // 3, 0) if len(line) > MAX_MATCH else 0
    return line[start : start + max(MAX_MATCH, len(text))]


def _paths(workspace: Workspace, glob: str) -> list[str]:
    """Return the paths that match, in order; what is on the shelf only where the glob asks for it."""
    known = workspace.shelf.writers if glob.startswith(MARK) else workspace.files
    return sorted(path for path in known if _matches(path, glob))


def _matches(path: str, glob: str) -> bool:
    if len(glob) > MAX_PATTERN:
        raise Refused(f"the glob is longer than {MAX_PATTERN} characters")
    return fnmatch.fnmatchcase(path, glob)


def read_file(workspace: Workspace, *, path: str, start: int = 1, end: int = 0) -> str:
    """Return numbered lines; `end` is included, and 0 means the last."""
    lines = _text(workspace, path).removesuffix("\n").split("\n")
    first = max(start, 1)
    last = min(end if end > 0 else len(lines), len(lines), first + MAX_LINES - 1)
    shown: list[str] = []
    for number in range(first, last + 1):
        shown.append(f"{number:5}  {_line(lines[number - 1])}")
        if sum(map(len, shown)) > MAX_PAGE:
            break
    told = "\n".join(shown)
    told = fenced(told, path) if path.startswith(MARK) else told
    return f"{path}, lines {first} to {first + len(shown) - 1} of {len(lines)}\n{told}"


def _line(text: str) -> str:
    line = text.removesuffix("\r")
    return line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]}[... {len(line) - MAX_LINE} characters ...]"


def edit_file(workspace: Workspace, *, path: str, old: str, new: str) -> str:
    """Replace the one place that says `old`; with an empty `old`, create the file."""
    if reason := _not_plain(path) or workspace.may_edit(path):
        raise Refused(f"{path[:200]!r} may not be edited: {reason}")
    before = _text(workspace, path) if old else None
    after = _created(workspace, path, new) if before is None else _replaced(before, old, new, path)
    workspace.files[path] = after.encode()
    problem = syntax_problem(path, after, before=before)
    return f"edited {path}" + (f"; but it is not valid Python now: {problem}" if problem else "")


def _created(workspace: Workspace, path: str, new: str) -> str:
    folders = {str(parent) for known in workspace.files for parent in PurePosixPath(known).parents}
    if path in {*workspace.files, *folders} or os.path.lexists(workspace.checkout / path):
        raise Refused(f"{path!r} is there already; give the text to replace in old")
    parents = [str(parent) for parent in PurePosixPath(path).parents]
    if any(parent in workspace.files or (workspace.checkout / parent).is_symlink() for parent in parents):
        raise Refused(f"{path!r} lies below a file or a symbolic link")
    return new


def _replaced(text: str, old: str, new: str, path: str) -> str:
    if "\r\n" in text and "\r" not in old + new:  # models write \n; the file keeps its own line ends
        old, new = old.replace("\n", "\r\n"), new.replace("\n", "\r\n")
    times = text.count(old)
    if times != 1:
        hint = "copy it exactly, without line numbers" if times == 0 else "add lines around it until it is unique"
        raise Refused(f"old is there {times} times in {path}, not once; {hint}")
    return text.replace(old, new)


def _not_plain(path: str) -> str | None:
    if path.startswith(MARK):
        return "what was recorded is read, never edited"
    parts = path.split("/")
    if (
        not 0 < len(path) <= MAX_PATH
        or "\\" in path
        or not path.isprintable()
        or any(part in {"", ".", ".."} for part in parts)
    ):
        return "not a plain path relative to the repository's root, with forward slashes"
    return "git's own folder" if ".git" in (part.casefold() for part in parts) else None


def _text(workspace: Workspace, path: str) -> str:
    if (page := workspace.shelf.text(path)) is not None:
        return page
    content = workspace.files.get(path)
    if content is None:
        near = [known for known in sorted(workspace.files) if known.endswith("/" + PurePosixPath(path).name)][:3]
        raise Refused(f"there is no file {path[:200]!r}" + (f"; did you mean {', '.join(near)}?" if near else ""))
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise Refused(f"{path} is not UTF-8 text") from error


def syntax_problem(path: str, text: str, *, before: str | None) -> str | None:
    """Return why a `.py` file cannot be parsed, or None; one that was written for a newer Python may stay so."""
    if not path.endswith(".py") or (before is not None and is_newer(before) and is_newer(text)):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return str(error)
    return None
