"""How a repository is laid out: where its tests are, and by which name a test imports a file."""

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_TEST_FILE = re.compile(r"(^|/)(test_[^/]+|[^/]+_test)\.py$")
_TEST_FOLDERS = ("tests", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """How a test imports one module of the repository."""

    #: Dotted name of the package, or the empty text for a module of its own.
    package: str
    module: str
    #: The folder that must be on sys.path, relative to the repository's root; "" is the root itself.
    root: str
    #: Whether the repository's own tests already rely on that folder being importable.
    known: bool

    def statement(self) -> str:
        """Return the import statement; it binds `module`."""
        return f"from {self.package} import {self.module}" if self.package else f"import {self.module}"


def tests_folder(path: str, sources: Iterable[str]) -> str:
    """Return the folder for a new test of `path`: the nearest one that holds tests, else the nearest tests/ folder."""
    folders = {posixpath.dirname(name) for name in sources if _TEST_FILE.search(name)}
    folders |= {folder for name in sources if (folder := _named_tests(name))}
    if not folders:
        return "tests"
    home = posixpath.dirname(path)
    # A folder that shares most of the path; among equals the shallowest, so that tests/unit/x does not win over tests.
    return max(folders, key=lambda folder: (_shared(folder, home), -folder.count("/"), folder in _TEST_FOLDERS, folder))


def test_path(name: str, path: str, sources: Mapping[str, str]) -> str:
    """Return a new test file's path whose base name no file of the repository has."""
    # Without __init__.py files pytest wants base names to be unique.
    taken = {posixpath.basename(other) for other in sources}
    names = (f"test_{name}.py", *(f"test_{name}_{i}.py" for i in range(2, 99)))
    base = next(candidate for candidate in names if candidate not in taken)
    return posixpath.join(tests_folder(path, sources), base)


def import_of(path: str, sources: Mapping[str, str]) -> Import | None:
    """Return how `path` is imported, as the repository's own files do it where they do; None when no name fits."""
    parts = path.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    if not parts or not all(part.isidentifier() for part in parts[_package_start(path, sources) :]):
        return None
    wanted = {".".join(parts[i:]): i for i in range(len(parts))}
    for is_test in (True, False):
        names = {
            name for other, text in sources.items() if _is_test(other) is is_test for name in _imports(other, text)
        }
        used = [index for name, index in wanted.items() if name in names]
        if used:
            return _import(parts, min(used), known=is_test)
    return _import(parts, _package_start(path, sources), known=False)


def _import(parts: list[str], start: int, *, known: bool) -> Import:
    return Import(package=".".join(parts[start:-1]), module=parts[-1], root="/".join(parts[:start]), known=known)


def _is_test(path: str) -> bool:
    return bool(_TEST_FILE.search(path) or _named_tests(path))


def _named_tests(path: str) -> str | None:
    """Return the outermost folder called tests or test that the file lies in."""
    parts = posixpath.dirname(path).split("/")
    return next(("/".join(parts[: i + 1]) for i, part in enumerate(parts) if part in _TEST_FOLDERS), None)


def _shared(folder: str, home: str) -> int:
    """Return how many leading folders the parent of `folder` shares with `home`."""
    parent = posixpath.dirname(folder) if posixpath.basename(folder) in _TEST_FOLDERS else folder
    pairs = zip(parent.split("/") if parent else [], home.split("/"), strict=False)
    count = 0
    for ours, theirs in pairs:
        if ours != theirs:
            break
        count += 1
    return count


def _package_start(path: str, sources: Mapping[str, str]) -> int:
    """Return the index of the first path part that belongs to the dotted name: packages have an __init__.py."""
    parts = path.split("/")
    start = len(parts) - 1
    while start > 0 and "/".join([*parts[:start], "__init__.py"]) in sources:
        start -= 1
    return start


def _imports(path: str, text: str) -> set[str]:
    """Return the absolute dotted names that a Python file imports, with `from a import b` read as a.b too."""
    if not path.endswith(".py"):
        return set()
    names: set[str] = set()
    for match in re.finditer(r"^[ \t]*import[ \t]+([\w., \t]+)", text, re.MULTILINE):
        names |= {name.split(" as ")[0].strip() for name in match[1].split(",")}
    for match in re.finditer(r"^[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]+)", text, re.MULTILINE):
        if not match[1].startswith("."):
            bound = [name.split(" as ")[0].strip() for name in match[2].strip("()").split(",")]
            names |= {match[1], *(f"{match[1]}.{name}" for name in bound if name)}
    return names
