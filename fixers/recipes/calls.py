"""How a test can call a function of the repository: arguments for parameters whose meaning is plain, or nothing."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import libcst as cst

from fixers.recipes.layout import Import
from fixers.recipes.source import Source, dotted, is_harness_file

_LIST = r"|.*([Ll]ist|Sequence|Iterable).*"
#: (name pattern, annotation pattern, Python expression): the first row whose name and annotation both match wins.
#: An empty annotation means that the parameter has none.
_ARGUMENTS = (
    (r"", r"AsyncOpenAI\b", 'AsyncOpenAI(api_key="test")'),
    (r"", r"\bOpenAI\b", 'OpenAI(api_key="test")'),
    (r"", r"httpx\.AsyncClient\b", "httpx.AsyncClient()"),
    (r"", r"httpx\.Client\b", "httpx.Client()"),
    (r"", r"requests\.Session\b", "requests.Session()"),
    (r"(messages|history|conversation|transcript)$", _LIST, '[{"role": "user", "content": "hello"}]'),
    (r"(tools|tool_schemas|functions)$", _LIST, "[]"),
    (r"(system|system_prompt|prompt|instructions)$", r"|str", '"Be brief."'),
    (r"(text|question|query|message|input|user_(input|message|text)|request|task|content)$", r"|str", '"hello"'),
    (r"(model|model_name)$", r"|str", '"test-model"'),
    (r"(api_key|key|token)$", r"|str", '"test"'),
    (r"(base_url|url|api_base|endpoint)$", r"|str", '"http://127.0.0.1:9/v1"'),
    (r"(turns|questions|inputs|texts)$", _LIST, '["hello"]'),
    (r"(^|_)(\w*id|user|session|name|label|title)$", r"|str", '"test"'),
    (r"(limit|max_\w+|n|\w+_limit|keep)$", r"|int", "6"),
    (r"", r"str( \| None)?|Optional\[str\]", '"hello"'),
    (r"", r"int|float", "6"),
    (r"", r"bool", "False"),
    (r"", r"(dict|Dict|Mapping)\b.*", "{}"),
    (r"", r"(list|List|Sequence|Iterable|tuple|Tuple)\b.*", "[]"),
    # A type of the repository's own: a toolbox, a tracer, a store.
    (r"", r"(\w+\.)?[A-Z]\w*", "Anything()"),
)  # fmt: skip
#: Bases whose annotated fields are the arguments.
_FIELDS = frozenset({"BaseModel", "BaseSettings", "Struct"})
#: What a harness hands around, of which a test needs no more than that its methods answer.
_OBJECT = re.compile(
    r"(toolbox|toolkit|registry|tracer|telemetry|logger|metrics|store|memory|executor|dispatcher|tool|ctx|context)$"
)
_CLIENT = re.compile(r"^_?(\w*_)?(client|llm|openai|oai)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call as it stands in a test, with the lines that prepare it."""

    setup: tuple[str, ...]
    #: The object whose method is called, or the module.
    receiver: str
    expression: str
    is_async: bool

    def awaited(self) -> str:
        """Return an expression that runs the call to its end."""
        return f"asyncio.run({self.expression})" if self.is_async else self.expression


@dataclass(frozen=True, slots=True)
class _Making:
    """Where arguments are made: the file that declares the parameters, and what the test imports."""

    source: Source
    imported: Import
    sources: Mapping[str, str]
    #: How many own types may stand in one another.
    depth: int = 2


def call_of(
    source: Source,
    function: cst.FunctionDef,
    imported: Import,
    values: Mapping[str, str] | None = None,
    *,
    sources: Mapping[str, str] | None = None,
) -> Call | str:
    """Return how to call a function or method, or why that is not understood.

    Parameters
    ----------
    source, function
        The function and its file.
    imported
        How the test imports the file.
    values
        Expressions for parameters by name, instead of the usual ones.
    sources
        The repository, for parameters of its own types.

    """
    name = function.name.value
    generates = any(source.function_of(node) is function for node in source.find(cst.Yield, function.body))
    if generates and function.asynchronous is not None:
        return f"{name}() is an asynchronous generator"
    owner = source.class_of(function)
    if not source.is_top_level(owner or function):
        return f"{name}() is defined inside another function"
    marks = {source.code(mark.decorator) for mark in function.decorators}
    if marks - {"staticmethod", "classmethod"} and "property" in " ".join(marks):
        return f"{name} is a property"
    bound = owner is not None and "staticmethod" not in marks
    made_of = _Making(source, imported, sources or {})
    arguments = _arguments(made_of, function, values or {}, skip_first=bound)
    if isinstance(arguments, str):
        return f"{name}() needs {arguments}, whose meaning is not plain"
    setup: tuple[str, ...] = ()
    receiver = imported.module
    if owner is not None and marks & {"staticmethod", "classmethod"}:
        receiver = f"{imported.module}.{owner.name.value}"
    elif owner is not None:
        made = new_instance(source, owner, imported, sources)
        if made.startswith("!"):
            return made[1:]
        receiver = "subject"
        setup = (f"subject = {made}",)
    expression = f"{receiver}.{name}({', '.join(arguments)})"
    if generates:
        expression = f"list({expression})"
    return Call(setup=setup, receiver=receiver, expression=expression, is_async=function.asynchronous is not None)


def new_instance(
    source: Source, owner: cst.ClassDef, imported: Import, sources: Mapping[str, str] | None = None
) -> str:
    """Return an expression that makes an instance, or "!" and why none is understood."""
    making = _Making(source, imported, sources or {})
    arguments = _construction(making, owner)
    if isinstance(arguments, str):
        return arguments
    return f"{imported.module}.{owner.name.value}({', '.join(arguments)})"


def _construction(making: _Making, owner: cst.ClassDef) -> list[str] | str:
    """Return the arguments that make an instance, or "!" and why they are not understood."""
    source, name = making.source, owner.name.value
    made = next((f for f in source.find(cst.FunctionDef, owner.body) if f.name.value == "__init__"), None)
    arguments: list[str] | str = []
    bases = {dotted(base.value).rsplit(".", 1)[-1] for base in owner.bases} - {"object", "ABC", "Generic", ""}
    if made is not None:
        arguments = _arguments(making, made, {}, skip_first=True)
    elif bases & _FIELDS or any("dataclass" in source.code(mark.decorator) for mark in owner.decorators):
        arguments = _fields(making, owner)
    elif bases:
        found = next((above for base in sorted(bases) if (above := _class_named(base, making))), None)
        if found is None or len(bases) > 1 or making.depth <= 0:
            return f"!{name} inherits how it is made"
        return _construction(replace(making, source=found[0], depth=making.depth - 1), found[1])
    return f"!{name} needs {arguments}, whose meaning is not plain" if isinstance(arguments, str) else arguments


def _class_named(name: str, making: _Making) -> tuple[Source, cst.ClassDef] | None:
    """Return the only class of the repository that is called so: the file's own first."""
    own = [node for node in making.source.find(cst.ClassDef) if node.name.value == name]
    if own:
        return making.source, own[0]
    paths = [
        path
        for path in sorted(making.sources)
        if is_harness_file(path) and re.search(rf"^class {re.escape(name)}\b", making.sources[path], re.MULTILINE)
    ]
    other = Source.parse(paths[0], making.sources[paths[0]]) if len(paths) == 1 else None
    if other is None:
        return None
    return next(((other, node) for node in other.find(cst.ClassDef) if node.name.value == name), None)


def _own_type(annotation: str, making: _Making) -> str | None:
    """Return an instance of one of the repository's own classes, by the name that the entry's module has for it."""
    name = re.sub(r"\s*\|\s*None$|^Optional\[(.*)\]$", r"\1", annotation).strip("\"' ")
    found = _class_named(name, making) if name.isidentifier() and making.depth > 0 else None
    if found is None or re.search(r"\b(Protocol|ABC|Enum|StrEnum|TypedDict)\b", found[0].code(found[1]).split(":")[0]):
        return None
    bound = rf"^(class {name}\b|from [\w.]+ import [^\n]*\b{name}\b|    {name},$)"
    if not re.search(bound, making.source.text, re.MULTILINE):
        return None
    arguments = _construction(replace(making, source=found[0], depth=making.depth - 1), found[1])
    return None if isinstance(arguments, str) else f"{making.imported.module}.{name}({', '.join(arguments)})"


def parameters(function: cst.FunctionDef) -> list[cst.Param]:
    """Return the named parameters in order: positional ones, then keyword-only ones."""
    params = function.params
    return [*params.posonly_params, *params.params, *params.kwonly_params]


def needs(text: str) -> list[str]:
    """Return the modules and names that lines of a test use, as import statements."""
    wanted = {
        "asyncio.": "import asyncio", "copy.": "import copy", "json.": "import json", "os.": "import os",
        "sys.": "import sys", "subprocess.": "import subprocess", "threading.": "import threading",
        "time.": "import time",
    }  # fmt: skip
    return [line for mark, line in wanted.items() if re.search(rf"(?<![\w.]){re.escape(mark)}", text)]


def _arguments(
    making: _Making, function: cst.FunctionDef, values: Mapping[str, str], *, skip_first: bool
) -> list[str] | str:
    """Return the arguments that must be given, or the name of the first that is not understood."""
    source, found = making.source, []
    keyword_only = {param.name.value for param in function.params.kwonly_params}
    for param in parameters(function)[1 if skip_first else 0 :]:
        name = param.name.value
        if param.default is not None and name not in values:
            continue
        annotation = source.code(param.annotation.annotation).strip("\"'") if param.annotation else ""
        value = values.get(name) or _value(name, annotation, making, is_async=function.asynchronous is not None)
        if value is None:
            return f"`{name}`"
        found.append(f"{name}={value}" if name in keyword_only or param.default is not None else value)
    return found


def _fields(making: _Making, owner: cst.ClassDef) -> list[str] | str:
    """Return keyword arguments for the fields of a dataclass that have no default."""
    found = []
    for name, annotation in _bare_fields(making.source, owner):
        value = _value(name, annotation, making, is_async=False)
        if value is None:
            return f"`{name}`"
        found.append(f"{name}={value}")
    return found


def _bare_fields(source: Source, owner: cst.ClassDef) -> Iterator[tuple[str, str]]:
    for line in owner.body.body:
        if not isinstance(line, cst.SimpleStatementLine):
            continue
        for statement in line.body:
            if (
                isinstance(statement, cst.AnnAssign)
                and statement.value is None
                and isinstance(statement.target, cst.Name)
            ):
                yield statement.target.value, source.code(statement.annotation.annotation)


def _value(name: str, annotation: str, making: _Making, *, is_async: bool) -> str | None:
    """Return the expression for one parameter, or None when it could mean anything."""
    if own := _own_type(annotation, making):
        return own
    for wanted, type_, value in _ARGUMENTS:
        if re.search(wanted, name) and re.fullmatch(type_, annotation):
            return value
    if _CLIENT.match(name) and not annotation:
        return _client(making, is_async=is_async)
    return "Anything()" if _OBJECT.search(name) and not annotation else None


def _client(making: _Making, *, is_async: bool) -> str | None:
    """Return the client that an unannotated `client` parameter most plainly is, by what the code calls on it."""
    for text in (making.source.text, *_asking(making.sources)):
        if ".chat.completions.create" in text or "openai" in text:
            sync = "await" not in making.source.text and not is_async
            return 'OpenAI(api_key="test")' if sync else 'AsyncOpenAI(api_key="test")'
        if "httpx" in text:
            return "httpx.AsyncClient()" if is_async else "httpx.Client()"
        if "requests" in text:
            return "requests.Session()"
    return None


def _asking(sources: Mapping[str, str]) -> list[str]:
    """Return the texts of the harness's files that hold a request to the model."""
    return [
        sources[path]
        for path in sorted(sources)
        if is_harness_file(path) and ".chat.completions.create" in sources[path]
    ]
