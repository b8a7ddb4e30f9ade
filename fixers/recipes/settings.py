"""A number that requests to the model are sent with: where the repository writes it, and a test of what is sent."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import libcst as cst

from fixers.proposal import Edit
from fixers.recipes.calls import parameters
from fixers.recipes.entry import Entry, asks_model, entry_of
from fixers.recipes.layout import import_of
from fixers.recipes.numbers import Number, readers
from fixers.recipes.recipe import Seen
from fixers.recipes.regression import lines, usable, write_test
from fixers.recipes.source import Source, dotted, is_harness_file
from fixers.recipes.through import written_through
from webhooks import semconv

_SETTING_TEST = """
def test_NAME():
    {import}

    assert SETTING CONDITION
"""


class SettingTest(NamedTuple):
    """How a setting is tested."""

    #: What the file is called for.
    name: str
    #: Its docstring.
    doc: str
    #: The test function that asks through an entry, as in `written_through`.
    text: str
    #: What the setting itself must satisfy, such as ">= 1000".
    condition: str


def sent_with(seen: Seen, names: Sequence[str]) -> set[float]:
    """Return the values that the failing runs' requests have for a setting."""
    failing = {failure.trace_id for failure in seen.failures}
    requests = (semconv.request(span) for id_ in failing if id_ in seen.traces for span in seen.traces[id_].spans)
    values = [request[name] for request in requests if request for name in names if name in request]
    return {float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)}


def written_settings(sources: Mapping[str, str], names: Sequence[str]) -> list[Number]:
    """Return every literal number that is given under one of the names, in any spelling of constants."""
    found: list[Number] = []
    for path in sorted(sources):
        if is_harness_file(path) and any(name in sources[path].lower() for name in names):
            source = Source.parse(path, sources[path])
            found += _written(source, names) if source is not None else []
    return found


def _written(source: Source, names: Sequence[str]) -> Iterator[Number]:
    for name, value in _given(source):
        if isinstance(value, cst.Integer | cst.Float) and name.lower().endswith(tuple(names)):
            yield Number(float(value.evaluated_value), source, value)


def _given(source: Source) -> Iterator[tuple[str, cst.BaseExpression | None]]:
    for argument in source.find(cst.Arg):
        if argument.keyword is not None:
            yield argument.keyword.value, argument.value
    for element in source.find(cst.DictElement):
        yield source.code(element.key).strip("\"'"), element.value
    for node in source.find(cst.Assign):
        yield dotted(node.targets[0].target), node.value
    for field in source.find(cst.AnnAssign):
        yield dotted(field.target), field.value
    for function in source.find(cst.FunctionDef):
        yield from ((param.name.value, param.default) for param in parameters(function))


def setting_test(number: Number, sources: Mapping[str, str], wanted: SettingTest) -> Edit | str:
    """Return the test of what is sent, or else of the declared setting itself, or why there is none."""
    entry = _entry(number, sources)
    if isinstance(entry, Entry):
        return written_through(entry, sources, name=wanted.name, doc=wanted.doc, text=wanted.text)
    imported = usable(import_of(number.source.path, sources))
    path = _declared(number)
    if not path or isinstance(imported, str):
        return entry
    test = lines(_SETTING_TEST).replace("NAME", wanted.name).replace("CONDITION", wanted.condition)
    return write_test(
        name=wanted.name,
        doc=wanted.doc,
        imported=imported,
        source=number.source,
        sources=sources,
        helpers=[],
        test=test.replace("SETTING", f"{imported.module}.{path}"),
    )


def _entry(number: Number, sources: Mapping[str, str]) -> Entry | str:
    source = number.source
    own = source.function_of(number.node)
    reason: Entry | str = "no function that asks the model uses the setting"
    for function in (*([own] if own is not None else []), *readers(source, number.node)):
        reason = entry_of(source, function, sources)
        if isinstance(reason, Entry):
            return reason
    return _anywhere(number, sources) or reason


def _anywhere(number: Number, sources: Mapping[str, str]) -> Entry | None:
    """Return an entry of the only file that asks the model, for a default that it reads by way of an object."""
    if number.source.nearest(number.node, cst.ClassDef) is None:
        return None
    asking = [path for path in sorted(sources) if is_harness_file(path) and ".completions.create(" in sources[path]]
    source = Source.parse(asking[0], sources[asking[0]]) if len(asking) == 1 else None
    for function in source.find(cst.FunctionDef) if source is not None else ():
        if source is None or not asks_model(source, function, depth=0):
            continue
        if isinstance(entry := entry_of(source, function, sources), Entry):
            return entry
    return None


def _declared(number: Number) -> str:
    """Return how a test reads the setting: `AGENT.settings.max_tokens`, `Settings.max_tokens`; "" when it cannot."""
    source, parts = number.source, []
    for parent in source.ancestors(number.node):
        if isinstance(parent, cst.Arg):
            if parent.keyword is None:
                return ""
            parts.append(parent.keyword.value)
        elif isinstance(parent, cst.Assign | cst.AnnAssign):
            target = parent.target if isinstance(parent, cst.AnnAssign) else parent.targets[0].target
            parts.append(dotted(target))
        elif isinstance(parent, cst.ClassDef):
            parts.append(parent.name.value)
        elif isinstance(parent, cst.FunctionDef | cst.Dict | cst.List | cst.Lambda):
            return ""
    return ".".join(reversed(parts)) if all(parts) else ""
