"""A Python file as recipes read and change it: LibCST finds the place, and only that place's bytes are replaced."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from os.path import commonpath
from typing import NamedTuple, TypeVar

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper

from fixers.diagnosis import Diagnosis
from fixers.syntax import parse

MAX_PARSED = 80  # files that a recipe reads
#: Folders whose Python files are not the harness itself.
_ELSEWHERE = re.compile(
    r"(^|/)(tests?|\.venv|venv|node_modules|site-packages|build|dist|docs)/|(^|/)(test_[^/]*|conftest)\.py$"
)

_NEWLINE = ord("\n")

Node = TypeVar("Node", bound=cst.CSTNode)
Scope = cst.FunctionDef | cst.ClassDef


class Splice(NamedTuple):
    """Replace the bytes from `start` up to `end` with `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One parsed file."""

    path: str
    text: str
    module: cst.Module
    _spans: Mapping[cst.CSTNode, tuple[int, int]] = field(repr=False)
    #: Where each line ends, in bytes.
    _line_ends: Sequence[int] = field(repr=False)
    _parents: Mapping[cst.CSTNode, cst.CSTNode] = field(repr=False)
    _children: Mapping[cst.CSTNode, list[cst.CSTNode]] = field(repr=False)

    @staticmethod
    def parse(path: str, text: str) -> "Source | None":
        """Return the parsed file, or None when it is not Python that LibCST reads byte for byte."""
        return _parsed(path, text)

    def code(self, node: cst.CSTNode) -> str:
        """Return the node's own text, without the whitespace and comments around it."""
        start, end = self._spans[node]
        return self.text.encode()[start:end].decode()

    def span(self, node: cst.CSTNode) -> tuple[int, int]:
        """Return (start, end) in bytes of UTF-8."""
        return self._spans[node]

    def line(self, node: cst.CSTNode) -> int:
        """Return the node's first line, 1-based."""
        return bisect_left(self._line_ends, self._spans[node][0]) + 1

    def within(self, inner: cst.CSTNode, outer: cst.CSTNode) -> bool:
        """Tell whether `inner` is `outer` or lies in it."""
        return inner is outer or any(node is outer for node in self.ancestors(inner))

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """Yield parent, grandparent and so on."""
        while (parent := self._parents.get(node)) is not None:
            yield parent
            node = parent

    def nearest(self, node: cst.CSTNode, kind: type[Node]) -> Node | None:
        """Return the innermost ancestor of this kind."""
        return next((parent for parent in self.ancestors(node) if isinstance(parent, kind)), None)

    def function_of(self, node: cst.CSTNode) -> cst.FunctionDef | None:
        """Return the function whose body the node belongs to; None at module level and inside a lambda."""
        for parent in self.ancestors(node):
            if isinstance(parent, cst.FunctionDef):
                return parent
            if isinstance(parent, cst.Lambda):
                return None
        return None

    def class_of(self, function: cst.FunctionDef) -> cst.ClassDef | None:
        """Return the class that the function is a method of."""
        scope = next((node for node in self.ancestors(function) if isinstance(node, Scope)), None)
        return scope if isinstance(scope, cst.ClassDef) else None

    def is_top_level(self, node: Scope) -> bool:
        """Tell whether the module itself defines this function or class, unconditionally."""
        return node in self.module.body

    def statement_of(self, node: cst.CSTNode) -> cst.SimpleStatementLine | None:
        """Return the line of simple statements that the node is in; None in a compound statement's header."""
        return next(
            (
                parent if isinstance(parent, cst.SimpleStatementLine) else None
                for parent in self.ancestors(node)
                if isinstance(parent, cst.BaseStatement)
            ),
            None,
        )

    def find(self, kind: type[Node], within: cst.CSTNode | None = None) -> list[Node]:
        """Return every node of a kind, in the file's order."""
        below = [within or self.module]
        found = []
        while below:
            node = below.pop()
            below += self._children.get(node, ())
            if isinstance(node, kind) and node is not self.module:
                found.append(node)
        return sorted(found, key=lambda node: (self._spans.get(node, (0, 0))[0], -self._spans.get(node, (0, 0))[1]))

    def names(self) -> set[str]:
        """Return every identifier of the file that stands for itself, not for something's attribute."""
        attributes = {id(node.attr) for node in self.find(cst.Attribute)}
        return {node.value for node in self.find(cst.Name) if id(node) not in attributes}

    def indent(self, node: cst.CSTNode) -> str:
        """Return the whitespace before the node on its line."""
        start, _ = self._spans[node]
        line = self.text.encode()[:start].decode().rsplit("\n", 1)[-1]
        return line[: len(line) - len(line.lstrip())]

    def unit(self) -> str:
        """Return one level of the file's own indentation."""
        return self.module.default_indent

    def edited(self, splices: Iterable[Splice]) -> str | None:
        """Return the file's text after the replacements, or None when it would no longer parse."""
        data = self.text.encode()
        for splice in sorted(splices, reverse=True):
            data = data[: splice.start] + splice.text.encode() + data[splice.end :]
        text = data.decode()
        try:
            compile(parse(text), self.path, "exec", dont_inherit=True)
            cst.parse_module(text)
        except (SyntaxError, ValueError, cst.ParserSyntaxError):
            return None
        return text


@lru_cache(maxsize=256)
def _parsed(path: str, text: str) -> Source | None:
    """Parse each text once: every recipe reads the same files."""
    if text.startswith("\ufeff"):
        return None
    try:
        # What was just parsed holds no node twice, so that no copy is needed.
        wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
    except (cst.ParserSyntaxError, RecursionError, UnicodeError):
        return None
    if wrapper.module.code != text:
        return None
    spans = wrapper.resolve(ByteSpanPositionProvider)
    children = _children_of(wrapper.module)
    return Source(
        path=path,
        text=text,
        module=wrapper.module,
        _spans={node: (span.start, span.start + span.length) for node, span in spans.items()},
        _line_ends=[at for at, byte in enumerate(text.encode()) if byte == _NEWLINE],
        _parents={child: node for node, below in children.items() for child in below},
        _children=children,
    )


def _children_of(module: cst.Module) -> dict[cst.CSTNode, list[cst.CSTNode]]:
    """Return what each node is made of; LibCST's own visitors take several times as long."""
    found: dict[cst.CSTNode, list[cst.CSTNode]] = {}
    below: list[cst.CSTNode] = [module]
    while below:
        node = below.pop()
        own: list[cst.CSTNode] = []
        for name in node.__dataclass_fields__:
            value = getattr(node, name)
            if isinstance(value, cst.CSTNode):
                own.append(value)
            elif isinstance(value, list | tuple):
                own += [each for each in value if isinstance(each, cst.CSTNode)]
        if own:
            found[node] = own
            below += own
    return found


def is_harness_file(path: str) -> bool:
    """Tell whether a path is Python of the harness itself: no test, no environment, no build."""
    return path.endswith(".py") and not _ELSEWHERE.search(path)


def harness_files(
    sources: Mapping[str, str], diagnosis: Diagnosis, *needles: str | Callable[[str, str], object]
) -> Iterator[Source]:
    """Yield the parsed files of the agent that hold any of the needles, the diagnosed one and its neighbours first.

    Of a large repository at most `MAX_PARSED`: parsing 2,000 lines takes half a second and many megabytes. So a needle
    may be a function of path and text, true of few files where a word would be of nearly all.
    """
    first = diagnosis.location.path if diagnosis.location else ""

    def holds(path: str, text: str) -> bool:
        return any(each in text if isinstance(each, str) else each(path, text) for each in needles)

    holding = [path for path in sources if is_harness_file(path) and holds(path, sources[path])]
    near = sorted(holding, key=lambda path: (path != first, -len(commonpath([path, first])), path))
    read = (Source.parse(path, sources[path]) for path in near[:MAX_PARSED])
    yield from (source for source in read if source is not None)


def free_name(wanted: str, taken: set[str]) -> str:
    """Return `wanted`, with a number behind it when something in the file has that name."""
    return next(name for name in (wanted, *(f"{wanted}_{i}" for i in range(2, 99))) if name not in taken)


def dotted(node: cst.CSTNode) -> str:
    """Return `a.b.c` for a chain of names, the empty text for anything else."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute) and (head := dotted(node.value)):
        return f"{head}.{node.attr.value}"
    return ""


def keyword(call: cst.Call, name: str) -> cst.Arg | None:
    """Return the keyword argument of this name."""
    return next((arg for arg in call.args if arg.keyword is not None and arg.keyword.value == name), None)


def reindent(text: str, indent: str, unit: str) -> str:
    """Return a block written with four spaces a level in the file's own indentation, its first line unindented."""
    lines = []
    for line in text.splitlines():
        body = line.lstrip(" ")
        level = (len(line) - len(body)) // 4
        lines.append(f"{indent}{unit * level}{body}" if body else "")
    return "\n".join(lines)
