"""Lint edits for known shapes of bad ones: values of one run, vague rules, piled reminders, new packages, dead code.

Only what an edit adds is looked at. SHOR (arXiv 2605.22505) counted these shapes in edits that agents made.
"""

import ast
import difflib
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from fixers.proposal import Edit
from fixers.syntax import parse

MAX_RULES = 3  # in one proposal; the fourth is where harnesses lost what the first had gained
MAX_MARKERS = 4  # of a prompt that shouts already
MANY_RUNS = 3
TEXT = frozenset({".md", ".txt", ".j2", ".jinja", ".jinja2", ".prompt", ".tmpl", ".mustache", ".yaml", ".yml"})
#: What belongs to one run: addresses, numbered things, sums, long numbers, hexadecimal ids.
VALUE = re.compile(
    r"[\w.+-]+@[\w-]+\.[\w.]*\w|\b[A-Z]{1,6}[-#_]\d{3,}\b|#\d{4,}\b|\b\d+[.,]\d\d\b|\b\d{5,}\b"
    r"|\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b"
)
#: A text in code that is as long as this is meant for a model, or for people; in characters.
PROMPT_LENGTH = 80
VAGUE = re.compile(
    r"\b(usually|typically|generally|in most cases|most likely|probably|tends? to|rule of thumb|almost always"
    r"|as a general rule|more often than not|in all cases|for all (?:questions|tasks|problems)|no matter what"
    r"|best guess|when in doubt)\b",
    re.IGNORECASE,
)
RULE = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+\S|\b(?:MUST|ALWAYS|NEVER|DO NOT)\b")
MARKER = re.compile(
    r"\b(?:IMPORTANT|MANDATORY|CRITICAL|REMINDER|REMEMBER|WARNING|NOTE)\b|\bALWAYS\b|\bNEVER\b|\bMUST\b"
)


class Kind(StrEnum):
    """The shape of a bad edit."""

    COPIED_VALUE = "value of one run"
    VAGUE_RULE = "over-general rule"
    STACKED_RULES = "stacked reminders"
    NEW_DEPENDENCY = "new dependency"
    DEAD_CODE = "dead code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing about an edit that a reviewer would refuse."""

    kind: Kind
    path: str
    #: What it is, in a sentence that a model can act on.
    reason: str


def lint(edits: Sequence[Edit], *, files: Mapping[str, bytes], failing: Sequence[str]) -> list[Finding]:
    """Return what speaks against the edits.

    Parameters
    ----------
    edits
        All edits of one proposal, its regression test among them.
    files
        The repository before the edits.
    failing
        Each failing run's texts, joined.

    """
    return [
        *_copied(edits, files, failing),
        *_vague(edits),
        *_stacked(edits),
        *_dependencies(edits, files),
        *_dead(edits, files),
    ]


def _copied(edits: Sequence[Edit], files: Mapping[str, bytes], failing: Sequence[str]) -> Iterator[Finding]:
    for edit in edits:
        for value in dict.fromkeys(VALUE.findall("\n".join(added_lines(edit)))):
            n_runs = sum(value in text for text in failing)
            # What most runs have in common is no value of one of them, and what the repository says is known.
            if not n_runs or (len(failing) >= MANY_RUNS and n_runs > len(failing) / 2):
                continue
            if not any(value.encode() in content for content in files.values()):
                reason = (
                    f"{value!r} is a value of {n_runs} failing run{'s'[: n_runs > 1]}; mend the kind, invent values"
                )
                yield Finding(kind=Kind.COPIED_VALUE, path=edit.path, reason=reason)


def _vague(edits: Sequence[Edit]) -> Iterator[Finding]:
    for path, line in _prose(edits):
        if found := VAGUE.search(line):
            reason = f"the rule {line.strip()[:120]!r} guesses ({found[0]!r}); say when it holds, or leave it out"
            yield Finding(kind=Kind.VAGUE_RULE, path=path, reason=reason)


def _stacked(edits: Sequence[Edit]) -> Iterator[Finding]:
    for edit in _prompts(edits):
        if edit.before is None:
            continue
        rules = [line for line in added_lines(edit) if RULE.search(line)]
        shouting = sum(bool(MARKER.search(line)) for line in rules)
        if len(rules) > MAX_RULES:
            reason = f"{len(rules)} rules are added to one prompt; at most {MAX_RULES}, one mechanism"
            yield Finding(kind=Kind.STACKED_RULES, path=edit.path, reason=reason)
        elif shouting and len(MARKER.findall(edit.before)) >= MAX_MARKERS:
            reason = "one more reminder for a prompt that shouts already; change the rule that is there, or the code"
            yield Finding(kind=Kind.STACKED_RULES, path=edit.path, reason=reason)


def _dependencies(edits: Sequence[Edit], files: Mapping[str, bytes]) -> Iterator[Finding]:
    names = {part for path in (*files, *(edit.path for edit in edits)) for part in PurePosixPath(path).parts}
    local = {name.removesuffix(".py") for name in names}
    for edit, tree in _parsed(edits):
        for module in sorted(_imported(tree) - _imported(_parse(edit.before or "")) - local - sys.stdlib_module_names):
            word = re.compile(rf"^\s*(?:import|from)\s+{re.escape(module)}\b".encode(), re.MULTILINE)
            if not any(path.endswith(".py") and word.search(content) for path, content in files.items()):
                reason = f"{module!r} is imported nowhere else: an edit brings no new dependency"
                yield Finding(kind=Kind.NEW_DEPENDENCY, path=edit.path, reason=reason)


def _dead(edits: Sequence[Edit], files: Mapping[str, bytes]) -> Iterator[Finding]:
    """Find what an edit brings and nobody uses: functions, imports, parameters."""
    everywhere = Counter(name for edit, tree in _parsed(edits) for name in _used(tree))
    for edit, tree in _parsed(edits):
        if _is_test(edit.path):
            continue
        old = _parse(edit.before or "")
        for name in sorted(_bound_imports(tree) - _bound_imports(old)):
            if not everywhere[name] and PurePosixPath(edit.path).name != "__init__.py":
                yield Finding(kind=Kind.DEAD_CODE, path=edit.path, reason=f"{name!r} is imported and not used")
        known = _functions(old)
        for name, function in _functions(tree).items():
            short = name.rpartition(".")[2]
            if name not in known and _is_unused(short, function, everywhere, files):
                yield Finding(kind=Kind.DEAD_CODE, path=edit.path, reason=f"nothing calls the new function {short!r}")
            elif name in known:
                fresh = _parameters(function) - _parameters(known[name]) - _used(function)
                for parameter in sorted(fresh):
                    reason = f"the new parameter {parameter!r} of {short!r} is not used"
                    yield Finding(kind=Kind.DEAD_CODE, path=edit.path, reason=reason)


def _is_unused(name: str, function: ast.AST, everywhere: Counter[str], files: Mapping[str, bytes]) -> bool:
    """Tell whether nobody calls a function; a decorator may, and whoever knows the name of an override does."""
    if name.startswith("__") or everywhere[name] or getattr(function, "decorator_list", None):
        return False
    word = re.compile(rf"\b{re.escape(name)}\b".encode())
    return not any(word.search(content) for path, content in files.items() if path.endswith(".py"))


def added_lines(edit: Edit) -> list[str]:
    """Return the lines that an edit adds, in order."""
    before, after = (edit.before or "").splitlines(), (edit.after or "").splitlines()
    changed = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return [line for tag, _, _, start, end in changed if tag in {"insert", "replace"} for line in after[start:end]]


def _prompts(edits: Iterable[Edit]) -> Iterator[Edit]:
    return (edit for edit in edits if edit.after and PurePosixPath(edit.path).suffix in TEXT)


def _prose(edits: Sequence[Edit]) -> Iterator[tuple[str, str]]:
    """Yield path and line of what is added to prompts: files of text, and long texts in code that are no docstrings."""
    for edit in _prompts(edits):
        yield from ((edit.path, line) for line in added_lines(edit))
    for edit, tree in _parsed(edits):
        known = _long_texts(_parse(edit.before or ""))
        if not _is_test(edit.path):
            fresh = [text for text in _long_texts(tree) if text not in known]
            yield from ((edit.path, line) for text in fresh for line in text.splitlines())


def _long_texts(tree: ast.AST) -> list[str]:
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in statements]
    return [node.value for node in texts if isinstance(node.value, str) and len(node.value) >= PROMPT_LENGTH]


def _parsed(edits: Iterable[Edit]) -> Iterator[tuple[Edit, ast.Module]]:
    return ((edit, _parse(edit.after)) for edit in edits if edit.after and edit.path.endswith(".py"))


def _parse(text: str) -> ast.Module:
    """Return the tree; an empty one for what is not Python, which others refuse."""
    try:
        return parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module(body=[], type_ignores=[])


def _imported(tree: ast.AST) -> set[str]:
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    found |= {
        node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module and not node.level
    }
    return {name.split(".")[0] for name in found}


def _bound_imports(tree: ast.AST) -> set[str]:
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    kept = (node for node in nodes if getattr(node, "module", "") != "__future__")
    return {(alias.asname or alias.name).split(".")[0] for node in kept for alias in node.names} - {"*"}


def _functions(tree: ast.AST, prefix: str = "") -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    found: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
    for node in ast.iter_child_nodes(tree):
        name = f"{prefix}{getattr(node, 'name', '')}"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found[name] = node
        elif isinstance(node, ast.ClassDef):
            found |= _functions(node, f"{name}.")
    return found


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return {argument.arg for argument in named if argument} - {"self", "cls"}


def _used(tree: ast.AST) -> set[str]:
    """Return every name that is read, as a name, an attribute or a word of a text such as `__all__` or a table."""
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    found |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return found | {text for text in texts if text.isidentifier()}


def _is_test(path: str) -> bool:
    return re.search(r"(^|/)(tests?/|test_[^/]*$|[^/]*_test\.py$)", path) is not None
