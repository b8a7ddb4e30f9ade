"""The function through which a test can have the model's part played: one that asks it, and can be called."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import libcst as cst

from fixers.recipes.calls import Call, call_of
from fixers.recipes.layout import Import, import_of
from fixers.recipes.regression import Transport, transport_of, usable
from fixers.recipes.source import Source

#: A private step is called by a loop, which is called by what people use: deeper, the test would prove little.
MAX_CALLERS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A function that asks the model, how a test calls it, and how it reaches its provider."""

    source: Source
    function: cst.FunctionDef
    imported: Import
    call: Call
    transport: Transport


def entry_of(
    source: Source, function: cst.FunctionDef, sources: Mapping[str, str], values: Mapping[str, str] | None = None
) -> Entry | str:
    """Return the nearest of `function` and its callers that asks the model and can be called, or why none is."""
    reason = f"no function that asks the model leads to {function.name.value}()"
    for file, candidate in _upwards(source, function, sources):
        if not asks_model(file, candidate):
            continue
        imported = usable(import_of(file.path, sources))
        transport = transport_of(file, sources)
        if isinstance(imported, str):
            reason = imported
            continue
        if transport is None:
            reason = f"how {file.path} reaches the model is not plain"
            continue
        call = call_of(file, candidate, imported, values)
        if isinstance(call, Call):
            return Entry(source=file, function=candidate, imported=imported, call=call, transport=transport)
        reason = call
    return reason


def asks_model(source: Source, function: cst.FunctionDef, depth: int = 2) -> bool:
    """Tell whether a function, or one that it calls in the same file, sends a chat-completions request."""
    text = source.code(function)
    if re.search(r"\.chat\.completions\.create\b", text):
        return True
    if re.search(r"\.post\(", text) and "chat/completions" in source.text:
        return True
    called = {source.code(call.func).rsplit(".", 1)[-1] for call in source.find(cst.Call, function.body)}
    return depth > 0 and any(
        other is not function and other.name.value in called and asks_model(source, other, depth - 1)
        for other in source.find(cst.FunctionDef)
    )


def _upwards(
    source: Source, function: cst.FunctionDef, sources: Mapping[str, str]
) -> Iterator[tuple[Source, cst.FunctionDef]]:
    """Yield the function, its callers, their callers: the file's own first, then those of other files."""
    level = [(source, function)]
    for _ in range(MAX_CALLERS):
        yield from level
        level = [caller for file, called in level for caller in _callers(file, called, sources)]


def _callers(
    source: Source, function: cst.FunctionDef, sources: Mapping[str, str]
) -> Iterator[tuple[Source, cst.FunctionDef]]:
    name = function.name.value
    found = False
    for caller in _calling(source, name, function):
        found = True
        yield source, caller
    if found or name.startswith("__"):
        return
    for path in sorted(sources):
        if path == source.path or not path.endswith(".py") or not re.search(rf"\b{name}\(", sources[path]):
            continue
        if re.search(r"(^|/)(tests?/|test_|conftest)", path) or re.search(rf"def {name}\(", sources[path]):
            continue
        other = Source.parse(path, sources[path])
        if other is not None:
            yield from ((other, caller) for caller in _calling(other, name, function))


def _calling(source: Source, name: str, function: cst.FunctionDef) -> Iterator[cst.FunctionDef]:
    for candidate in source.find(cst.FunctionDef):
        if candidate is function:
            continue
        if any(source.code(call.func).rsplit(".", 1)[-1] == name for call in source.find(cst.Call, candidate.body)):
            yield candidate
