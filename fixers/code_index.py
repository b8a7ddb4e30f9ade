"""Index a checkout once: where its functions, texts and paths are, for thousands of files. No file is opened again."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Self

from fixers.checkout import read_tree

MAX_SOURCE_BYTES = 400_000  # a larger file is not one that people write by hand
#: Words in a row that a prompt and a file share by more than chance.
SHINGLE = 5
#: The longest words of a prompt; a file that has a third of them is read word by word.
PROBES = 12
#: A file holds at least this share of a prompt's shingles, or this many of them.
MIN_SHARE, MIN_SHINGLES = 0.05, 4
MAX_PROMPT = 60_000  # characters
MAX_SITES = 50

_SKIPPED = frozenset({".git", ".venv", "venv", "node_modules", "__pycache__", "site-packages", ".tox", ".nox"})
_PROMPT_SUFFIXES = frozenset(
    {".md", ".txt", ".j2", ".jinja", ".jinja2", ".prompt", ".tmpl", ".mustache", ".yaml", ".yml", ".json", ".toml",
     ".xml", ".py"}
)  # fmt: skip
_TESTING = re.compile(r"(^|/)(tests?/|testing/|test_[^/]*$|[^/]*_test\.py$|conftest\.py$)")
_DEFINITION = re.compile(rb"^[ \t]*(?:async[ \t]+)?def[ \t]+(\w+)|^[ \t]*class[ \t]+(\w+)", re.MULTILINE)
_VERBS = ("do", "run", "tool", "handle", "exec", "execute", "call", "on", "cmd", "_do", "_run", "_handle")
_WORD = re.compile(r"\w+")
_LETTERS = re.compile(r"[^\W\d_]{4,}")


class Place(NamedTuple):
    """A line of a file; 1-based."""

    path: str
    line: int


@dataclass(frozen=True)
class CodeIndex:
    """The files of a checkout, and what was looked up in them; each table is made when it is first asked for."""

    #: Content by path, with forward slashes; no links, no dependencies, no very large files.
    files: Mapping[str, bytes]

    @classmethod
    def of(cls, checkout: Path) -> Self:
        """Read a checkout, without its largest files where it holds more than may be read."""
        return cls.over(read_tree(checkout, max_file_bytes=MAX_SOURCE_BYTES, fit=True))

    @classmethod
    def over(cls, files: Mapping[str, bytes]) -> Self:
        """Index what was read already."""
        kept = {
            path: content
            for path, content in sorted(files.items())
            if len(content) <= MAX_SOURCE_BYTES and not _SKIPPED & set(PurePosixPath(path).parts)
        }
        return cls(kept)

    @cached_property
    def sources(self) -> list[str]:
        """Paths of the Python files that are no tests."""
        return [path for path in self.files if path.endswith(".py") and not is_test(path)]

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.files:
            found.setdefault(PurePosixPath(path).name, []).append(path)
        return found

    @cached_property
    def _definitions(self) -> dict[str, list[Place]]:
        found: dict[str, list[Place]] = {}
        for path in self.sources:
            content, line, at = self.files[path], 1, 0
            for match in _DEFINITION.finditer(content):
                line, at = line + content.count(b"\n", at, match.end()), match.end()
                found.setdefault((match[1] or match[2]).decode(errors="replace"), []).append(Place(path, line))
        return found

    def definitions(self, name: str) -> Sequence[Place]:
        """Return where functions, methods and classes of a name are defined, tests left out."""
        return self._definitions.get(name, ())

    def functions_of_tool(self, tool: str) -> list[Place]:
        """Return the functions that are named as a tool is, or as people name what runs it: `do_pay`, `pay_tool`."""
        spelled = dict.fromkeys((tool, re.split(r"[./:]", tool)[-1], tool.replace("-", "_")))
        exact = [place for name in spelled for place in self.definitions(name)]
        return exact or [
            place
            for name in spelled
            for form in (f"_{name}", *(f"{verb}_{name}" for verb in _VERBS), f"{name}_tool", f"_{name}_tool")
            for place in self.definitions(form)
        ]

    def named(self, words: Sequence[str]) -> Iterator[tuple[str, Sequence[Place]]]:
        """Yield the definitions whose names hold one of these words, in lower case."""
        for name, places in self._definitions.items():
            if any(word in name.lower() for word in words):
                yield name, places

    def match(self, name: str) -> str | None:
        """Return the file whose path is the longest end of `name`: a trace's machine keeps the repository elsewhere.

        The name is a stranger's text: it is compared with paths that are there, and never becomes one.
        """
        parts = name.replace("\\", "/").split("/")
        if {"site-packages", "dist-packages"} & set(parts):
            return self._installed(parts)
        named = self._by_name.get(parts[-1], ())
        ends = ["/".join(parts[start:]) for start in range(len(parts))]
        if whole := next((end for end in ends if end in named), None):
            return whole
        # The process may have been started inside a folder of the repository; a bare file name is too little to go by.
        inner = [path for path in named if path.endswith("/" + name.replace("\\", "/").lstrip("./"))]
        return inner[0] if len(inner) == 1 and len(parts) > 1 else None

    def _installed(self, parts: Sequence[str]) -> str | None:
        """Match a file of an installed package: it may be a copy of this very repository's."""
        at = max(index for index, part in enumerate(parts) if part in {"site-packages", "dist-packages"})
        inner = "/".join(parts[at + 1 :])
        if len(parts) - at < 3:  # noqa: PLR2004  # a module of its own is too little to go by
            return None
        package = f"{parts[at + 1]}/__init__.py"
        found = [
            path
            for path in self._by_name.get(parts[-1], ())
            if f"/{path}".endswith(f"/{inner}") and path.removesuffix(inner) + package in self.files
        ]
        return found[0] if len(found) == 1 else None

    def sites(self, text: str, *, paths: Sequence[str] | None = None) -> list[Place]:
        """Return the lines of Python files, tests left out, that hold `text` in quotes."""
        found: list[Place] = []
        for quote in (b'"', b"'"):
            found += self.lines(quote + text.encode(errors="replace") + quote, paths or self.sources)
        return sorted(found)[:MAX_SITES]

    @cached_property
    def _meant(self) -> dict[str, Sequence[Place]]:
        return {}

    def meant(self, name: str) -> Sequence[Place]:
        """Return what an identifier in somebody's words names: definitions, else texts, else where it gets a value."""
        if name not in self._meant:
            self._meant[name] = self.definitions(name) or self.sites(name) or self._assigned(name)
        return self._meant[name]

    def _assigned(self, name: str) -> list[Place]:
        """Return the lines on which a name is given a value: a constant, a field, a parameter's default."""
        word = name.encode(errors="replace")
        pattern = re.compile(rb"(?<![\w.])" + re.escape(word) + rb"[ \t]*(?::[^=\n]{1,80})?=(?!=)")
        holding = (path for path in self.sources if word in self.files[path])
        found = [
            Place(path, content.count(b"\n", 0, match.start()) + 1)
            for path in holding
            for content in (self.files[path],)
            for match in pattern.finditer(content)
        ]
        return found[:MAX_SITES]

    def modules(self, name: str, importer: str) -> list[str]:
        """Return the files that an import of `name` may mean: relative to its module, or in any folder that has it."""
        dots = len(name) - len(name.lstrip("."))
        above = PurePosixPath(importer).parents
        if dots > len(above):
            return []
        inner = name.lstrip(".").replace(".", "/")
        base = (above[dots - 1] / inner).as_posix() if dots else inner
        ends = (f"{base}.py", f"{base}/__init__.py")
        if dots:
            return [end for end in ends if end in self.files]
        named = (path for end in ends for path in self._by_name.get(PurePosixPath(end).name, ()))
        found = [path for path in named if f"/{path}".endswith(tuple(f"/{end}" for end in ends))]
        return found if len(found) <= 2 else []  # noqa: PLR2004  # a name of many modules means none

    def callers(self, place: Place) -> list[Place]:
        """Return the lines of other files that call the function which a line stands in; none for a method of many."""
        before = self.files[place.path].split(b"\n")[: place.line]
        begun = next((match for line in reversed(before) if (match := _DEFINITION.match(line))), None)
        if begun is None or not begun[1]:
            return []
        others = [path for path in self.sources if path != place.path]
        return [found for found, _ in zip(self.lines(begun[1] + b"(", others), range(MAX_SITES), strict=False)]

    def lines(self, words: bytes, paths: Sequence[str]) -> Iterator[Place]:
        """Yield the lines of some files that hold these bytes."""
        for path in paths:
            content = self.files[path]
            at = content.find(words)
            while at >= 0:
                yield Place(path, content.count(b"\n", 0, at) + 1)
                end = content.find(b"\n", at)
                at = content.find(words, end) if end >= 0 else -1

    def prompts(self, prompt: str) -> list[tuple[Place, float]]:
        """Return the files that share text with a prompt and the share of it that each holds, the largest first.

        The prompt that was sent may be filled in, wrapped, escaped and put together of several files: words count, not
        spaces or marks. The line is the first that shares `SHINGLE` words in a row.
        """
        words = _WORD.findall(prompt[:MAX_PROMPT])
        wanted = {tuple(words[at : at + SHINGLE]) for at in range(len(words) - SHINGLE + 1)}
        if not wanted:
            return []
        found = []
        for path in self._holding(prompt):
            shared, line = self._shared(path, wanted)
            if shared >= min(MIN_SHINGLES, len(wanted)) or shared / len(wanted) >= MIN_SHARE:
                found.append((Place(path, line), shared / len(wanted)))
        return sorted(found, key=lambda each: (-each[1], each[0]))

    def _holding(self, prompt: str) -> Iterator[str]:
        """Yield the files worth reading word by word: those with several of any part's longest words."""
        parts = [prompt[start : start + 2_000] for start in range(0, min(len(prompt), MAX_PROMPT), 2_000)]
        probes = [
            [
                word.encode()
                for word in sorted(set(_LETTERS.findall(part)), key=lambda word: (-len(word), word))[:PROBES]
            ]
            for part in parts
        ]
        for path, content in self.files.items():
            may_hold = PurePosixPath(path).suffix in _PROMPT_SUFFIXES and not is_test(path)
            if may_hold and any(sum(word in content for word in words) * 3 >= len(words) > 0 for words in probes):
                yield path

    def _shared(self, path: str, wanted: set[tuple[str, ...]]) -> tuple[int, int]:
        text = self.files[path].decode(errors="replace")
        # An escaped line end is not a word's beginning.
        words = [(match[0], match.start()) for match in _WORD.finditer(text.replace("\\n", "  "))]
        hits = {
            gram: words[at][1]
            for at in range(len(words) - SHINGLE, -1, -1)
            if (gram := tuple(word for word, _ in words[at : at + SHINGLE])) in wanted
        }
        return len(hits), text.count("\n", 0, min(hits.values())) + 1 if hits else 1


def is_test(path: str) -> bool:
    """Tell whether a path is that of a test."""
    return _TESTING.search(path) is not None
