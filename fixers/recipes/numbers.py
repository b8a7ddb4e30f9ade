"""Which number stands behind a setting: a literal, a constant, a default, also of another file."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import libcst as cst

from fixers.recipes.calls import parameters
from fixers.recipes.source import Source, dotted, is_harness_file


class Number(NamedTuple):
    """A number, and where it is written."""

    value: float
    source: Source
    node: cst.BaseExpression


def number_of(source: Source, value: cst.BaseExpression, sources: Mapping[str, str]) -> Number | None:
    """Return the only number that an expression stands for, or None when it may be several or none."""
    if (literal := _literal(value)) is not None:
        return Number(literal, source, value)
    name = dotted(value).rsplit(".", 1)[-1]
    if not name:
        return None
    function = source.function_of(value)
    if isinstance(value, cst.Name) and function is not None:
        own = [param for param in parameters(function) if param.name.value == name]
        if own:
            default = own[0].default
            return number_of(source, default, sources) if default is not None and default is not value else None
    found = [number for file in _holding(name, source, sources) for number in assigned_numbers(file, name)]
    return found[0] if len(found) == 1 else None


def assigned_numbers(source: Source, name: str) -> Iterator[Number]:
    """Yield the numbers that a name is given in a file: constants, fields' defaults."""
    for node in source.find(cst.Assign):
        named = any(dotted(target.target).rsplit(".", 1)[-1] == name for target in node.targets)
        if named and (number := _literal(node.value)) is not None:
            yield Number(number, source, node.value)
    for field in source.find(cst.AnnAssign):
        value = field.value if dotted(field.target).rsplit(".", 1)[-1] == name else None
        if value is not None and (number := _literal(value)) is not None:
            yield Number(number, source, value)


def readers(source: Source, node: cst.CSTNode) -> Iterator[cst.FunctionDef]:
    """Yield the functions of the file that read the name which the node's statement gives a value."""
    holder = source.nearest(node, cst.Assign)
    name = dotted(holder.targets[0].target).rsplit(".", 1)[-1] if holder is not None else ""
    if name:
        yield from (
            f for f in source.find(cst.FunctionDef) if re.search(rf"\b{re.escape(name)}\b", source.code(f.body))
        )


def _holding(name: str, source: Source, sources: Mapping[str, str]) -> Iterator[Source]:
    yield source
    pattern = re.compile(rf"\b{re.escape(name)}\s*(:[^=\n]+)?=\s*\d")
    paths = [path for path in sorted(sources) if path != source.path and is_harness_file(path)]
    read = (Source.parse(path, sources[path]) for path in paths if pattern.search(sources[path]))
    yield from (other for other in read if other is not None)


def _literal(node: cst.BaseExpression) -> float | None:
    return float(node.evaluated_value) if isinstance(node, cst.Integer | cst.Float) else None
