"""The function through which a test can have the model's part played: one that asks it, and can be called."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import libcst as cst

from fixers.recipes.calls import Call, call_of
from fixers.recipes.layout import Import, import_of
from fixers.recipes.regression import Transport, transport_of, usable
from fixers.recipes.source import Source, is_harness_file

#: A private step is called by a loop, which is called by what people use: deeper, the test would prove little.
MAX_CALLERS = 4
#: The way down from a loop to the request: a client of the repository's own, and one step inside it.
MAX_DEPTH = 2
_ASKS = re.compile(r"chat\.completions\.create\b|chat/completions")
#: Too common to tell whose method is called.
_EVERYDAY = frozenset(
    {
        "append", "add", "get", "pop", "items", "keys", "values", "update", "extend", "insert", "join", "split",
        "strip", "format", "read", "write", "close", "print", "len", "str", "dict", "list", "int", "set", "loads",
        "dumps", "info", "debug", "warning", "error", "exception", "isinstance", "sorted", "range", "enumerate",
        "zip", "sleep",
    }
)  # fmt: skip


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
    """Return the nearest of `function` and its callers that asks the model and can be called, or why none is.

    A private step is called only where nothing public can be: what it is given says little of what users meet.
    """
    reason = f"no function that asks the model leads to {function.name.value}()"
    inner: Entry | None = None
    for file, candidate in _upwards(source, function, sources):
        if _is_command(file, candidate) or not asks_model(file, candidate, sources=sources):
            continue
        imported = usable(import_of(file.path, sources))
        transport = transport_of(file, sources, is_async=candidate.asynchronous is not None)
        if isinstance(imported, str):
            reason = imported
            continue
        if transport is None:
            reason = f"how {file.path} reaches the model is not plain"
            continue
        call = call_of(file, candidate, imported, values, sources=sources)
        if isinstance(call, str):
            reason = call
            continue
        entry = Entry(source=file, function=candidate, imported=imported, call=call, transport=transport)
        if not candidate.name.value.startswith("_"):
            return entry
        inner = inner or entry
    return inner or reason


def _is_command(source: Source, function: cst.FunctionDef) -> bool:
    """Tell whether a function reads a command line or a terminal, which no test has."""
    return bool(re.search(r"\bparse_args\(|\bsys\.(argv|stdin)\b|(?<![\w.])input\(", source.code(function.body)))


def asks_model(
    source: Source, function: cst.FunctionDef, depth: int = MAX_DEPTH, *, sources: Mapping[str, str] | None = None
) -> bool:
    """Tell whether a function sends a chat-completions request, or one that it calls does.

    Those that it calls are looked for in the same file; in the other files too when `sources` are given.
    """
    text = source.code(function)
    if re.search(r"\.chat\.completions\.create\b", text):
        return True
    if re.search(r"\.(post|request|send)\(|urlopen\(", text) and "chat/completions" in source.text:
        return True
    called = {source.code(call.func).rsplit(".", 1)[-1] for call in source.find(cst.Call, function.body)} - _EVERYDAY
    if depth <= 0:
        return False
    if any(
        other is not function and other.name.value in called and asks_model(source, other, depth - 1, sources=sources)
        for other in source.find(cst.FunctionDef)
    ):
        return True
    return any(asks_model(other, found, depth - 1) for other, found in _elsewhere(source, called, sources or {}))


def _elsewhere(source: Source, names: set[str], sources: Mapping[str, str]) -> Iterator[tuple[Source, cst.FunctionDef]]:
    """Yield the functions of these names in the other files that hold a request to the model."""
    for path in sorted(sources):
        text = sources[path]
        if path == source.path or not is_harness_file(path) or not _ASKS.search(text):
            continue
        if not any(f"def {name}(" in text for name in names):
            continue
        other = Source.parse(path, text)
        if other is not None:
            yield from ((other, found) for found in other.find(cst.FunctionDef) if found.name.value in names)


def callers(
    source: Source, function: cst.FunctionDef, sources: Mapping[str, str]
) -> Iterator[tuple[Source, cst.FunctionDef]]:
    """Yield the functions that call this one, or hand it on: those of its own file first."""
    name = function.name.value
    yield from ((source, caller) for caller in _using(source, name, function))
    if name.startswith("__"):
        owner = source.class_of(function)
        name = owner.name.value if owner is not None and name in {"__init__", "__post_init__"} else name
    if name.startswith("__") or name in _EVERYDAY:
        return
    for path in sorted(sources):
        if path == source.path or not is_harness_file(path) or not re.search(rf"(?<!def )\b{name}\b", sources[path]):
            continue
        other = Source.parse(path, sources[path])
        if other is not None:
            yield from ((other, caller) for caller in _using(other, name, function))


def _upwards(
    source: Source, function: cst.FunctionDef, sources: Mapping[str, str]
) -> Iterator[tuple[Source, cst.FunctionDef]]:
    """Yield the function, its callers, their callers, each once."""
    level = [(source, function)]
    seen = {id(function)}
    for _ in range(MAX_CALLERS):
        yield from level
        above = [found for file, called in level for found in callers(file, called, sources)]
        level = []
        for file, found in above:
            if id(found) not in seen:
                seen.add(id(found))
                level.append((file, found))


def _using(source: Source, name: str, function: cst.FunctionDef) -> Iterator[cst.FunctionDef]:
    """Yield the innermost functions whose own code names the function."""
    seen = set()
    for node in source.find(cst.Name):
        user = source.function_of(node) if node.value == name else None
        if user is None or user is function or node is user.name or id(user) in seen:
            continue
        seen.add(id(user))
        yield user
