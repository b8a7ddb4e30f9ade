"""The patch gate: looks at the git objects that would leave, whoever made them and whatever they are said to be.

`fixers.scope` judges edits; an edit cannot say that a file became a link or a program, or that a commit brings a second
parent along. Here the commit itself is read: nothing else decides what is pushed.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from bot import git
from fixers.harness import CONFIGURATION_PATH, Harness
from fixers.proposal import Edit
from fixers.scope import violations

MAX_BLOB_BYTES = 400_000
MAX_CHANGED_LINES = 1_500
_KINDS = {git.SYMLINK: "a symbolic link", git.SUBMODULE: "a submodule"}
_FILES = {git.REGULAR, git.EXECUTABLE}
#: Letters that file systems of macOS skip: `.g\\u200cit` is `.git` there.
#: https://github.com/git/git/blob/master/utf8.c (next_hfs_char)
_SKIPPED = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])
#: Look like nothing on a reviewer's screen although Unicode does not call them format characters.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5\u2028\u2029") | {
    chr(code)  # variation selectors carry data; the sixteenth only asks for an emoji's colours
    for code in (*range(0xFE00, 0xFE0F), *range(0xE0100, 0xE01F0))
}
_LAYOUT = frozenset("\t\f")


def check(repo: Path, base_sha: str, head_sha: str, harness: Harness) -> list[str]:
    """Return one sentence for each reason that `head_sha` may not be pushed; none when it may.

    Parameters
    ----------
    repo
        A git directory that holds both commits, and the blobs that differ between them.
    base_sha
        The commit that the pull request starts from.
    head_sha
        The commit that would be pushed.
    harness
        Says which paths may be edited.

    """
    found = list(_of_commit(repo, base_sha, head_sha))
    changes = git.diff(repo, base_sha, head_sha)
    if not changes:
        found.append("nothing changes")
    found += [reason for change in changes for reason in _of_change(change)]
    found += _collisions(repo, head_sha, changes)
    if found:  # contents are read only when every object is of an expected kind
        return found
    edits = []
    for change in changes:
        edit = _edit_of(repo, change)
        if isinstance(edit, str):
            found.append(edit)
        else:
            edits.append(edit)
    return found + violations(edits, harness) + list(_of_text(edits))


def check_configuration(repo: Path, base_sha: str, head_sha: str) -> list[str]:
    """Return one sentence for each reason not to push a commit that may add the configuration, and nothing else."""
    found = list(_of_commit(repo, base_sha, head_sha))
    changes = git.diff(repo, base_sha, head_sha)
    if [change.path for change in changes] != [CONFIGURATION_PATH]:
        found.append(f"changes more than {CONFIGURATION_PATH}: {[change.path for change in changes]}")
    found += [reason for change in changes for reason in _of_change(change)]
    found += [f"{change.path!r}: is there already" for change in changes if change.mode_before != git.ABSENT]
    if found:
        return found
    edits = [_edit_of(repo, change) for change in changes]
    found += [edit for edit in edits if isinstance(edit, str)]
    return found + list(_of_text([edit for edit in edits if isinstance(edit, Edit)]))


def check_revert(repo: Path, base_sha: str, head_sha: str, fix: Sequence[Edit]) -> list[str]:
    """Return one sentence for each reason not to push a commit that may take a merged fix back, and nothing else.

    Whatever it adds was there before the fix: no line is new to the repository.
    """
    found = list(_of_commit(repo, base_sha, head_sha))
    changes = git.diff(repo, base_sha, head_sha)
    if not changes:
        found.append("nothing changes")
    found += [reason for change in changes for reason in _of_change(change)]
    before = {edit.path: edit.before for edit in fix}
    found += [f"{change.path!r}: the fix did not touch it" for change in changes if change.path not in before]
    if found:
        return found
    for change in changes:
        edit = _edit_of(repo, change)
        if isinstance(edit, str):
            found.append(edit)
            continue
        gained = Counter((edit.after or "").splitlines()) - Counter((edit.before or "").splitlines())
        if gained - Counter((before[change.path] or "").splitlines()):
            found.append(f"{change.path!r}: would gain lines that were not there before the fix")
    return found


def _of_commit(repo: Path, base_sha: str, head_sha: str) -> Iterator[str]:
    commit = git.read_commit(repo, head_sha)
    if commit.parents != (base_sha,):
        yield f"the commit's parents are {list(commit.parents)}, not the base {base_sha} alone"
    if not _is_canonical(repo, commit.tree):
        yield "the tree is not as git writes it: an odd mode, order or path"
    if any(_invisible(line) for line in commit.message.split("\n")):
        yield "invisible or direction-changing character in the commit message"


def _is_canonical(repo: Path, tree: str) -> bool:
    """Write the tree once more: git shows an odd mode as the nearest proper one, and takes no path that is unsafe."""
    entries = [(entry.path, entry.mode, entry.sha) for entry in git.list_tree(repo, tree)]
    try:
        return git.write_tree(repo, entries) == tree
    except git.GitError:
        return False


def _of_change(change: git.Change) -> Iterator[str]:
    before, after = change.mode_before, change.mode_after
    for mode in sorted({before, after} - _FILES - {git.ABSENT}):
        yield f"{change.path!r}: is {_KINDS.get(mode, 'of mode ' + mode)}"
    if before == git.ABSENT and after == git.EXECUTABLE:
        yield f"{change.path!r}: a new file may not be executable"
    if git.ABSENT not in {before, after} and before != after:
        yield f"{change.path!r}: mode changes from {before} to {after}"
    if any(_is_git(part) for part in change.path.split("/")):
        yield f"{change.path!r}: some file systems read a part of this path as .git"
    if any("\udc80" <= character <= "\udcff" for character in change.path):
        yield f"{change.path!r}: the path is not UTF-8"


def _is_git(part: str) -> bool:
    plain = unicodedata.normalize("NFKC", part.translate(_SKIPPED)).casefold().rstrip(". ")
    return plain.split(":")[0] == ".git" or plain.startswith(("git~", ".git\\"))


def _collisions(repo: Path, head_sha: str, changes: list[git.Change]) -> Iterator[str]:
    """Find new paths that differ from another by case or Unicode form only: some file systems keep one of the two."""
    new = {change.path for change in changes if change.mode_before == git.ABSENT}
    if not new:
        return
    folded: dict[str, set[str]] = {}
    for entry in git.list_tree(repo, head_sha):
        folded.setdefault(_fold(entry.path), set()).add(entry.path)
    for path in sorted(new):
        others = folded.get(_fold(path), set()) - {path}
        if others:
            yield f"{path!r}: is the same as {min(others)!r} on some file systems"


def _fold(path: str) -> str:
    return unicodedata.normalize("NFKC", path).casefold()


def _edit_of(repo: Path, change: git.Change) -> Edit | str:
    """Return the change as an edit, or the reason why it is none."""
    texts: list[str | None] = []
    for mode, sha in ((change.mode_before, change.sha_before), (change.mode_after, change.sha_after)):
        if mode == git.ABSENT:
            texts.append(None)
            continue
        size = git.blob_size(repo, sha)
        if size > MAX_BLOB_BYTES:
            return f"{change.path!r}: {size} bytes; at most {MAX_BLOB_BYTES}"
        try:
            texts.append(git.read_blob(repo, sha).decode())
        except UnicodeDecodeError:
            return f"{change.path!r}: not UTF-8 text"
    return Edit(path=change.path, before=texts[0], after=texts[1])


def _of_text(edits: list[Edit]) -> Iterator[str]:
    n_changed = 0
    for edit in edits:
        added, removed = _lines_of(edit)
        n_changed += len(added) + len(removed)
        shown = next((line for line in added if _invisible(line)), None)
        if shown is not None:
            yield f"{edit.path!r}: invisible or direction-changing character in the added line {shown.strip()[:80]!a}"
    if n_changed > MAX_CHANGED_LINES:
        yield f"{n_changed} lines change; at most {MAX_CHANGED_LINES}"


def _lines_of(edit: Edit) -> tuple[list[str], list[str]]:
    """Return the lines that the edit adds and removes; a moved line is neither."""
    before, after = (Counter((text or "").split("\n")) for text in (edit.before, edit.after))
    return list((after - before).elements()), list((before - after).elements())


def _invisible(line: str) -> bool:
    return any(_unseen(character) for character in line.removesuffix("\r"))


def _unseen(character: str) -> bool:
    category = unicodedata.category(character)
    return character in _BLANK or (category in {"Cc", "Cf", "Co"} and character not in _LAYOUT)
