"""A tool's error that is handed to the model as a success is handed to it as an error."""

import builtins
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import libcst as cst

from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from fixers.recipes.calls import call_of, parameters
from fixers.recipes.layout import import_of
from fixers.recipes.recipe import NOTHING, ByDetector, Fix, Seen, first_fix
from fixers.recipes.regression import lines, usable, write_test
from fixers.recipes.source import Source, Splice, dotted, free_name, harness_files
from fixers.recipes.tool_tests import written_with_a_tool

_SHOWN_BY = frozenset(
    {
        "negative_feedback",
        "objection",
        "unbacked_claim",
        "contradiction",
        "tool_error",
        "tool_result_mismatch",
    }
)
#: A result that says nothing of an error.
_FINE = re.compile(
    r"""["'](ok|okay|done|success|succeeded|completed|true)?["']|None|True|\{\}|\[\]"""
    r"""|\{["'](status|result|success|ok)["']: ?(True|["'](ok|okay|done|success|succeeded|completed)["'])\}""",
    re.IGNORECASE,
)
_RUNS_A_TOOL = re.compile(
    r"^(proceed|call_next|next_|handler|func|function|fn|tool|run_tool|execute|dispatch|call_tool)$"
)
_TOOL = re.compile(r"tool|call", re.IGNORECASE)

_UNIT_TEST = """
def test_the_model_is_told_what_a_tool_refused():
    {import}

    def refuse(*_args, **_kwargs):
        raise ERROR("there is nothing left")

SETUP
    result = CALL
    assert "there is nothing left" in str(result)
"""

_TEST = """
def test_the_model_is_told_what_a_tool_refused(monkeypatch):
    asked = completion(calls=[("call_1", "look_up", "{}")])
    sent = fake_provider(monkeypatch, lambda request: completion("done") if len(sent) > 1 else asked)
    {import}

    def refuse(*_args, **_kwargs):
        raise ERROR("there is nothing left")

SETUP
    CALL
    (result,) = [m for m in sent[-1]["messages"] if m["role"] == "tool"]
    assert "there is nothing left" in result["content"]
"""


@dataclass(frozen=True, slots=True)
class _Place:
    """A handler that answers for a tool."""

    handler: cst.ExceptHandler
    value: cst.BaseExpression
    function: cst.FunctionDef
    #: The parameter of the function that is the tool, or "".
    runner: str


@dataclass(frozen=True, slots=True)
class SwallowedErrors(ByDetector):
    """The recipe for `except …: return "ok"` around a tool."""

    name: str = "swallowed_errors"
    layer: Layer = Layer.TOOL_CODE
    shown_by: frozenset[str] = _SHOWN_BY

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Hand the error of the first such handler on."""
        del seen
        files = harness_files(sources, diagnosis, "except")
        tried = (_fix(source, place, sources) for source in files for place in _places(source))
        return first_fix(tried, "no handler turns a tool's error into a success")


def _places(source: Source) -> Iterator[_Place]:
    for handler in source.find(cst.ExceptHandler):
        guarded, function = source.nearest(handler, cst.Try), source.function_of(handler)
        if guarded is None or function is None or not isinstance(handler.body, cst.IndentedBlock):
            continue
        last = handler.body.body[-1]
        if not isinstance(last, cst.SimpleStatementLine) or len(last.body) != 1:
            continue
        value = last.body[0].value if isinstance(last.body[0], cst.Return | cst.Assign) else None
        if value is None or not _FINE.fullmatch(source.code(value)):
            continue
        own = {param.name.value for param in parameters(function)}
        called = {dotted(call.func) for call in source.find(cst.Call, guarded.body)}
        runner = next((name for name in sorted(called & own) if _RUNS_A_TOOL.match(name)), "")
        if runner or (_by_name(source, guarded.body) and _TOOL.search(source.code(function))):
            yield _Place(handler, value, function, runner)


def _by_name(source: Source, block: cst.BaseSuite) -> bool:
    """Tell whether a block calls what it looks up by name with arguments of the model: `tools[name](**arguments)`."""
    return any(any(arg.star == "**" for arg in call.args) for call in source.find(cst.Call, block))


def _fix(source: Source, place: _Place, sources: Mapping[str, str]) -> Fix | str:
    where = f"{source.path}:{source.line(place.value)}"
    handler = place.handler
    named = handler.name.name if handler.name is not None else None
    error = named.value if isinstance(named, cst.Name) else free_name("error", source.names())
    told = f'f"Error: {{type({error}).__name__}}: {{{error}}}"'
    if source.code(place.value).startswith("{"):
        told = f'{{"error": f"{{type({error}).__name__}}: {{{error}}}"}}'
    splices = [Splice(*source.span(place.value), told)]
    if named is None and handler.type is None:
        start, _ = source.span(handler)
        splices.append(Splice(start, start + len("except"), f"except Exception as {error}"))
    elif named is None and handler.type is not None:
        end = source.text.encode().index(b":", source.span(handler.type)[1])
        splices.append(Splice(end, end, f" as {error}"))
    after = source.edited(splices)
    if after is None:
        return f"{source.path} would not parse after the edit"
    test = _unit_test(source, place, sources) if place.runner else _loop_test(source, place, sources)
    if isinstance(test, str):
        return f"{where}: {test}"
    return Fix(
        edits=(Edit(path=source.path, before=source.text, after=after), test),
        regression_test=test.path,
        title="Tell the model what a tool refused",
        rationale=(
            f"When a tool fails, {where} answers for it as if it had worked, so the model tells people that something "
            "was done which was not. Now the model is given the error, and can try something else or say so."
        ),
        risk="The model sees the texts of the tools' errors.",
    )


def _kind(place: _Place, module: str) -> str:
    """Return an error that the handler catches, by a name that the test has."""
    caught = place.handler.type
    if caught is None:
        return "RuntimeError"
    first = caught.elements[0].value if isinstance(caught, cst.Tuple) else caught
    name = dotted(first)
    if name in {"Exception", "BaseException"}:
        return "RuntimeError"
    return name if hasattr(builtins, name) else f"{module}.{name}"


def _unit_test(source: Source, place: _Place, sources: Mapping[str, str]) -> Edit | str:
    imported = usable(import_of(source.path, sources))
    if isinstance(imported, str):
        return imported
    others = {p.name.value: "{}" for p in parameters(place.function) if re.search(r"arg|kwargs|params", p.name.value)}
    call = call_of(source, place.function, imported, {**others, place.runner: "refuse"}, sources=sources)
    if isinstance(call, str):
        return call
    setup = "".join(f"    {line}\n" for line in call.setup)
    return write_test(
        name="refusals_are_told",
        doc="What a tool refuses is told to the model as an error.",
        imported=imported,
        source=source,
        sources=sources,
        helpers=[],
        test=lines(_UNIT_TEST)
        .replace("ERROR", _kind(place, imported.module))
        .replace("SETUP\n", setup)
        .replace("CALL", call.awaited()),
    )


def _loop_test(source: Source, place: _Place, sources: Mapping[str, str]) -> Edit | str:
    return written_with_a_tool(
        source,
        place.function,
        sources,
        name="refusals_are_told",
        doc="What a tool refuses is told to the model as an error.",
        text=lambda entry: _TEST.replace("ERROR", _kind(place, entry.imported.module)),
        stub="refuse",
    )
