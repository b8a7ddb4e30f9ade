"""Find siblings of what an edit mends: the same lines, or nearly the same function, elsewhere in the repository."""

import ast
import difflib
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from fixers.code_index import CodeIndex, Place, is_test
from fixers.proposal import Edit
from fixers.syntax import parse

MIN_BLOCK = 40  # characters of code that are the same by more than chance
CONTEXT = 1  # lines on either side of what an edit only adds
MAX_TOLD = 10
MIN_LIKENESS = 0.75
MAX_SAME_NAME = 40  # functions of one name that are compared
COMMON = frozenset({"__init__", "__repr__", "__str__", "__call__", "main", "run"})


def siblings(edits: Sequence[Edit], files: Mapping[str, bytes], regression_test: str) -> list[Place]:
    """Return where the code that the edits change stands once more, unchanged.

    Parameters
    ----------
    edits
        All edits of one proposal.
    files
        The repository with the edits.
    regression_test
        Left out, as all tests are.

    """
    changed = [edit for edit in edits if edit.before and edit.after and edit.path != regression_test]
    index = CodeIndex.over({path: content for path, content in files.items() if not is_test(path)})
    found = dict.fromkeys(place for edit in changed for place in _of_one(edit, index))
    edited = {edit.path: _changed_lines(edit) for edit in changed}
    return [place for place in found if place.line not in edited.get(place.path, ())][:MAX_TOLD]


def _of_one(edit: Edit, index: CodeIndex) -> Iterator[Place]:
    suffix = PurePosixPath(edit.path).suffix
    paths = [path for path in index.files if PurePosixPath(path).suffix == suffix]
    for block in _blocks(edit):
        yield from _same_lines(block, paths, index)
    if suffix == ".py":
        yield from _same_functions(edit, index)


def _blocks(edit: Edit) -> Iterator[list[str]]:
    """Yield the lines that each hunk replaces, or those around what it adds; stripped, without empty ones."""
    before, after = (edit.before or "").splitlines(), (edit.after or "").splitlines()
    for tag, start, end, _, _ in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        lines = before[start:end] if tag != "insert" else before[max(start - CONTEXT, 0) : start + CONTEXT]
        block = [line.strip() for line in lines if line.strip()]
        if sum(map(len, block)) >= MIN_BLOCK:
            yield block


def _same_lines(block: Sequence[str], paths: Sequence[str], index: CodeIndex) -> Iterator[Place]:
    first = block[0].encode()
    for path in paths:
        if first not in index.files[path]:
            continue
        lines = [
            (number, line.strip())
            for number, line in enumerate(index.files[path].decode(errors="replace").splitlines(), start=1)
            if line.strip()
        ]
        for at in range(len(lines) - len(block) + 1):
            if [line for _, line in lines[at : at + len(block)]] == block:
                yield Place(path, lines[at][0])


def _same_functions(edit: Edit, index: CodeIndex) -> Iterator[Place]:
    """Yield functions of the same name whose text is nearly what the changed one was."""
    was, now = _functions(edit.before or ""), _functions(edit.after or "")
    for name, text in was.items():
        if name in COMMON or now.get(name) in {text, None}:
            continue
        for place in index.definitions(name)[:MAX_SAME_NAME]:
            if place.path != edit.path:
                other = _functions(index.files[place.path].decode(errors="replace")).get(name, "")
                if difflib.SequenceMatcher(None, text, other, autojunk=False).ratio() >= MIN_LIKENESS:
                    yield place


def _functions(text: str) -> dict[str, str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return {}
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {node.name: re.sub(r"\s+", " ", ast.get_source_segment(text, node) or "") for node in nodes}


def _changed_lines(edit: Edit) -> set[int]:
    """Return the lines of the new text that the edit wrote, and those next to them."""
    before, after = (edit.before or "").splitlines(), (edit.after or "").splitlines()
    written: set[int] = set()
    for tag, _, _, start, end in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            written |= set(range(start + 1 - CONTEXT, end + 1 + CONTEXT))
    return written
