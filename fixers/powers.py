"""Find what an edit lets a file do that it did not do before: run programs, reach hosts, make code, watch the trial.

Read from the syntax tree, so that no spelling of a name hides it. A file that has a power already may use it further;
a hint can be hidden better than this finds it, which is why code also runs without network and without secrets.
"""

import ast
import builtins
import re
import sys
import unicodedata
from collections.abc import Container, Iterator
from pathlib import PurePosixPath

from fixers import power_names as names
from fixers.power_names import Power
from fixers.proposal import Edit
from fixers.syntax import parse

#: Stands for the package that a relative import starts from.
_OWN = "own"
#: What a name may mean that no import brought.
_BUILT_IN = frozenset({*dir(builtins), "builtins", "__builtins__"})
_BY_NAME = frozenset({"getattr", "setattr", "delattr", "vars"})
_DUNDER = re.compile(r"__[a-z_]+__")


def new_powers(edit: Edit, *, is_test: bool) -> Iterator[str]:
    r"""Yield one sentence for each power that the edit brings to its file.

    Examples
    --------
    >>> list(new_powers(Edit(path="a.py", before="", after="import os\nos.system('id')\n"), is_test=False))
    ["a.py: line 2 runs a shell: 'os.system'; this file did not"]

    """
    before, after = edit.before or "", edit.after or ""
    suffix = PurePosixPath(edit.path).suffix.casefold()
    if suffix not in {".py", ".pyw", ".pyi"}:
        yield from _of_text(edit.path, before, after, suffix)
        return
    tree = _parsed(after)
    if tree is None:
        yield f"{edit.path}: cannot be read as Python, and so not be judged"
        return
    if _encoding(after) not in {"utf-8", "utf8", _encoding(before)}:
        yield f"{edit.path}: is to be read as {_encoding(after)[:40]!r}, not as UTF-8"
    old = _parsed(before) or ast.Module(body=[], type_ignores=[])
    known = {power for power, _, _ in _powers(old)}
    shown: set[Power] = set()
    for power, line, name in sorted(_powers(tree), key=lambda found: found[1]):
        if power not in known | shown and not (is_test and _is_of_tests(name)):
            shown.add(power)
            yield f"{edit.path}: line {line} {power}: {name[:80]!a}; this file did not"
    for module, line in _rare(tree).items():
        if module not in _rare(old) and not (is_test and module.startswith("unittest")):
            yield f"{edit.path}: line {line} imports {module[:80]!a}, which few harnesses need; this file did not"
    hosts = _hosts(old)
    fresh = {host: line for host, line in _hosts(tree).items() if host not in hosts}
    for host, line in fresh.items():
        if not (is_test and names.NOBODY.search(host)):
            yield f"{edit.path}: line {line} names the host {host[:80]!a}; this file did not"
    identifiers = {name for name in _identifiers(tree) if not name.isascii()} - _identifiers(old)
    known_names = _identifiers(tree) | set(dir(builtins))
    yield from (
        f"{edit.path}: the name {name[:80]!a} has letters that look like others"
        for name in sorted(identifiers)
        if _looks_alike(name, known_names)
    )


def _is_of_tests(name: str) -> bool:
    return name != "pytest.exit" and any(name == known or name.startswith(f"{known}.") for known in names.OF_TESTS)


def _of_text(path: str, before: str, after: str, suffix: str) -> Iterator[str]:
    def hosts(text: str) -> set[str]:
        return {(found[1] or found[2] or "").casefold() for found in names.HOST.finditer(text)}

    for host in sorted(hosts(after) - hosts(before)):
        if not re.search(r"[{}]", host):
            yield f"{path}: names the host {host[:80]!a}; this file did not"
    for pattern, suffixes, told in (
        (names.TEMPLATE, {".j2", ".jinja", ".jinja2", ".tmpl", ".html"}, "reaches into Python's objects"),
        (names.YAML_OBJECT, {".yaml", ".yml"}, "makes an object of code"),
    ):
        if suffix in suffixes and (found := pattern.search(after)) and not pattern.search(before):
            yield f"{path}: {told}: {found[0][:80]!a}"


def _parsed(text: str) -> ast.Module | None:
    """Return the syntax tree, with quoted annotations as the code that they become; None when there is none."""
    try:
        tree = parse(text)
        for node in ast.walk(tree):
            for field in ("annotation", "returns"):
                if isinstance(noted := getattr(node, field, None), ast.expr):
                    setattr(node, field, _Unquoted().visit(noted))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree


class _Unquoted(ast.NodeTransformer):
    """Reads text in an annotation as the code that `typing.get_type_hints` makes of it."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """Return the expression that the text is; text that is none stays text."""
        if not isinstance(node.value, str):
            return node
        try:
            return ast.copy_location(ast.parse(node.value.strip(), mode="eval").body, node)
        except SyntaxError:
            return node


def _encoding(text: str) -> str:
    found = [match[1] for line in text.split("\n")[:2] if (match := names.COOKIE.match(line))]
    return found[0].casefold() if found else "utf-8"


def _powers(tree: ast.Module) -> Iterator[tuple[Power, int, str]]:
    """Yield each power with its line and its name."""
    aliases = dict(_aliases(tree))
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for name, line in _imported(tree):
        if power := _power_of(name):
            yield power, line, name
    docs = _docstrings(tree)
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Attribute):
            yield from ((power, line, name) for power, name in _of_attribute(node))
        if isinstance(node, ast.Name | ast.Attribute):
            yield from ((power, line, name) for power, name in _of_name(node, aliases, parents))
        elif isinstance(node, ast.Call):
            yield from ((power, line, name) for power, name in _of_call(node, aliases))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docs:
            yield from ((power, line, node.value) for power in _of_string(node.value))


def _aliases(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield local names and the dotted names that imports gave them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.split(".")[0], alias.name if alias.asname else alias.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            yield from ((alias.asname or alias.name, f"{_origin(node)}.{alias.name}") for alias in node.names)


def _imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{_origin(node)}.{alias.name}", node.lineno) for alias in node.names)


def _origin(node: ast.ImportFrom) -> str:
    """Return the module that names are imported from."""
    return ".".join(part for part in (_OWN if node.level else "", node.module or "") if part)


def _rare(tree: ast.AST) -> dict[str, int]:
    """Return the modules of the standard library that do more than compute and have no power of their own here."""
    found: dict[str, int] = {}
    for name, line in _imported(tree):
        module = name.split(".")[0]
        if module in sys.stdlib_module_names and module not in names.PLAIN_MODULES and not _power_of(name):
            found.setdefault(module, line)
    return found


def _power_of(name: str) -> Power | None:
    """Return the power that a dotted name brings, also as a part of a module that holds it as an attribute."""
    parts = name.split(".")
    if parts[-1] == "*" and parts[0] in names.WHOLE:
        return Power.CODE
    held = names.INNER if parts[0] in sys.stdlib_module_names else names.REACHED
    inner = [parts[n:] for n in range(1, len(parts)) if parts[n].removeprefix("_") in held or _asks(parts[n:])]
    ways = [parts, *inner]
    for way in ways:
        way[0] = way[0].removeprefix("_") if way[0] in {"_os", "_sys", "_subprocess"} else way[0]
        for end in range(len(way), 0, -1):
            if power := names.EXACT.get(".".join(way[:end])):
                return power
    starts = names.STARTS.items()
    return next((power for start, power in starts if any(".".join(w).startswith(start) for w in ways)), None)


def _asks(parts: list[str]) -> bool:
    """Whether this is the client library of that name, and not the repository's own module."""
    return parts[0] == "requests" and len(parts) > 1 and parts[1] in names.OF_REQUESTS


def _of_attribute(node: ast.Attribute) -> Iterator[tuple[Power, str]]:
    """Yield what an attribute brings, of whatever object it is asked: `anything.os.system`."""
    if node.attr in names.METHODS:
        yield names.METHODS[node.attr], node.attr
    chain = [node.attr]
    below = node.value
    while isinstance(below, ast.Attribute):
        chain.insert(0, below.attr)
        below = below.value
    for n, part in enumerate(chain[:-1]):
        if part in names.ANYWHERE and (power := _power_of(".".join(chain[n:]))):
            yield power, ".".join(chain)


def _of_name(
    node: ast.Name | ast.Attribute, aliases: dict[str, str], parents: dict[ast.AST, ast.AST]
) -> Iterator[tuple[Power, str]]:
    name = _dotted(node, aliases)
    if name is None:
        return
    if isinstance(node, ast.Name) and node.id not in aliases and node.id not in _BUILT_IN:
        return  # a name that the file gives to something of its own, such as `code`
    above = parents.get(node)
    if (isinstance(node, ast.Attribute) or node.id in aliases or "." not in name) and (power := _power_of(name)):
        yield power, name
    if isinstance(node, ast.Name) and node.id in _BY_NAME and not (isinstance(above, ast.Call) and above.func is node):
        yield Power.CODE, f"{node.id} as a value"
    whole = isinstance(node, ast.Name) and node.id in aliases and name in names.WHOLE
    if whole and not isinstance(above, ast.Attribute) and not _is_patched(node, above):
        yield Power.CODE, f"the module {name} as a value"
    if isinstance(node, ast.Attribute) and node.attr == "__dict__" and name.split(".")[0] in sys.stdlib_module_names:
        yield Power.CODE, name
    if name in {"os.environ", "os.getenv"} or name.endswith((".os.environ", ".os.getenv")):
        yield from _of_environment(node, above, parents)
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del) and _root(node) in aliases:
        yield Power.PATCHES, name


def _dotted(node: ast.expr, aliases: dict[str, str]) -> str | None:
    """Return the dotted name of what was imported, or of a built-in."""
    if isinstance(node, ast.Name):
        return aliases.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value, aliases)
        return f"{inner}.{node.attr}" if inner and _root(node) in aliases else None
    return None


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _is_patched(node: ast.AST, above: ast.AST | None) -> bool:
    """Tell whether a module is what `monkeypatch.setattr(os, "name", …)` is asked to change."""
    if not isinstance(above, ast.Call) or not isinstance(above.func, ast.Attribute):
        return False
    fixed = len(above.args) > 1 and isinstance(above.args[1], ast.Constant)
    return above.func.attr in {"setattr", "delattr", "object"} and fixed and above.args[0] is node


def _of_environment(
    node: ast.AST, above: ast.AST | None, parents: dict[ast.AST, ast.AST]
) -> Iterator[tuple[Power, str]]:
    key: ast.expr | None = None
    call = parents.get(above) if isinstance(above, ast.Attribute) and above.attr == "get" else above
    if isinstance(call, ast.Call) and call.args:
        if isinstance(call.func, ast.Attribute) and call.func.attr == "dict":  # unittest.mock's patch.dict
            return
        key = call.args[0] if call.func in (node, above) else None
    elif isinstance(above, ast.Subscript) and isinstance(above.ctx, ast.Load):
        key = above.slice
    elif isinstance(above, ast.Compare) and all(isinstance(each, ast.In | ast.NotIn) for each in above.ops):
        key = above.left
    if not isinstance(key, ast.Constant):
        yield Power.ENVIRONMENT, "os.environ"
    elif names.SECRET.search(str(key.value)):
        yield Power.SECRET, str(key.value)


def _of_call(node: ast.Call, aliases: dict[str, str]) -> Iterator[tuple[Power, str]]:
    if any(keyword.arg == "shell" and not _is_false(keyword.value) for keyword in node.keywords):
        yield Power.SHELL, "shell=True"
    if isinstance(node.func, ast.Name) and node.func.id in _BY_NAME and node.args:
        asked = _root(node.args[0])
        if asked in aliases and node.func.id in {"setattr", "delattr"}:
            yield Power.PATCHES, ast.unparse(node)
        elif aliases.get(asked, "").split(".")[0] in sys.stdlib_module_names or _names_a_module(node):
            yield Power.CODE, ast.unparse(node)


def _names_a_module(node: ast.Call) -> bool:
    """Whether `getattr(anything, "subprocess")` is meant."""
    named = node.args[1] if len(node.args) > 1 else None
    return isinstance(named, ast.Constant) and named.value in names.REACHED


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not node.value


def _of_string(text: str) -> Iterator[Power]:
    if names.PLACE.search(text):
        yield Power.PLACES
    if names.TRIAL.fullmatch(text):
        yield Power.TRIAL
    if any(found in names.METHODS or found == "__builtins__" for found in _DUNDER.findall(text)):
        yield Power.CODE


def _docstrings(tree: ast.AST) -> set[ast.AST]:
    """Return the texts that stand as statements: nothing reads them."""
    return {
        node.value for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def _hosts(tree: ast.AST) -> dict[str, int]:
    docs = _docstrings(tree)
    found: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and node not in docs:
            text = node.value.decode("latin-1") if isinstance(node.value, bytes) else node.value
            hosts = [match[1] or match[2] for match in names.HOST.finditer(text)]
            hosts += [text] if names.DOMAIN.fullmatch(text) else []
            found |= {host.casefold(): node.lineno for host in hosts}
    return found


def _identifiers(tree: ast.AST) -> set[str]:
    fields = ("id", "attr", "arg", "name", "asname")
    named = {getattr(node, field, None) for node in ast.walk(tree) for field in fields}
    return {name for name in named if isinstance(name, str)}


def _looks_alike(name: str, known: Container[str]) -> bool:
    """Whether the name may be taken for another: letters of two scripts, or Greek ones that spell a name in use."""
    scripts = {unicodedata.name(letter, "").split(" ")[0] for letter in name if letter.isalpha()}
    if scripts == {"GREEK"}:
        return name.translate(names.GREEK_AS_LATIN) in known
    return any(script in names.LOOK_ALIKE for script in scripts)
