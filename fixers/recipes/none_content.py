"""An answer without words, whose `content` is None, no longer ends the run: it is read as an empty text."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import libcst as cst

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from fixers.recipes.entry import entry_of
from fixers.recipes.recipe import NOTHING, Fix, Seen, first_fix, most
from fixers.recipes.source import Source, Splice, dotted, harness_files
from fixers.recipes.stubs import tool_setup
from fixers.recipes.through import written_through
from webhooks import semconv

_MISSING = re.compile(r"'NoneType' object has no attribute '(\w+)'")
#: What is called so holds a message of the conversation.
_MESSAGE = re.compile(r"(^|[._\[\]])(messages?|msgs?|m|reply|turn|entry|said|last|history)(\[[^\[\]]*\])?$")
_TAKES_TEXT = frozenset({"len", "re.search", "re.match", "re.fullmatch", "re.findall", "re.finditer", "re.split"})

_TEST = """
def test_an_answer_without_words_does_not_end_the_run(monkeypatch):
    silent = [completion(calls=[("call_1", "look_up", "{}")]), completion()]
    sent = fake_provider(monkeypatch, lambda request: (silent + [completion("done")] * 9)[len(sent) - 1])
    {import}

SETUP
    CALL
    assert sent
"""


@dataclass(frozen=True, slots=True)
class NoneContent:
    """The recipe for `message.content.strip()` of a message that only calls tools, or says nothing."""

    name: str = "none_content"
    layer: Layer = Layer.OUTPUT

    def fits(self, mode: FailureMode, failures: Sequence[Failure]) -> bool:
        """Tell whether the runs ended where None was taken for a text."""
        return mode.detector == "error" and most(failures, _is_of_none)

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Read None as an empty text in the first function that takes a message's content for one."""
        if seen.failures and not most(seen.failures, lambda failure: _has_silent_answer(failure, seen)):
            return "no answer of the failing runs is without words"
        asked = {found[1] for failure in seen.failures if (found := _MISSING.search(failure.message))}
        files = harness_files(sources, diagnosis, "content")
        tried = (
            _fix(source, function, places, sources)
            for source in files
            for function, places in _places(source, asked).items()
        )
        return first_fix(tried, "no function takes the content of a message for a text")


def _is_of_none(failure: Failure) -> bool:
    return failure.key.rpartition(".")[2] in {"AttributeError", "TypeError"} and "NoneType" in failure.message


def _has_silent_answer(failure: Failure, seen: Seen) -> bool:
    trace = seen.traces.get(failure.trace_id)
    answers = [answer for span in (trace.spans if trace else ()) if (answer := semconv.response(span))]
    return any(not choice["message"].get("content") for answer in answers for choice in answer["choices"])


def _places(source: Source, methods: set[str]) -> dict[cst.FunctionDef, list[cst.BaseExpression]]:
    """Return where messages' contents must be texts, by the function that reads them.

    With the names of `methods` that None was asked for, only where one of them is called.
    """
    found: dict[cst.FunctionDef, list[cst.BaseExpression]] = {}
    for node in _contents(source):
        function, use = source.function_of(node), _use(source, node)
        if function is None or not use or _is_asked(source, node, function):
            continue
        if not methods or use in methods:
            found.setdefault(function, []).append(node)
    return found


def _contents(source: Source) -> Iterator[cst.BaseExpression]:
    """Yield every `message.content`, `message["content"]` and `message.get("content")`."""
    for node in (*source.find(cst.Attribute), *source.find(cst.Subscript), *source.find(cst.Call)):
        held = _holder(source, node)
        if held is not None and _MESSAGE.search(source.code(held)):
            yield node


def _holder(source: Source, node: cst.BaseExpression) -> cst.BaseExpression | None:
    if isinstance(node, cst.Attribute) and node.attr.value == "content":
        return node.value
    if isinstance(node, cst.Subscript) and re.fullmatch(r"""\[["']content["']\]""", _tail(source, node)):
        return node.value
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute) and node.func.attr.value == "get":
        is_content = node.args and source.code(node.args[0].value) in {'"content"', "'content'"}
        return node.func.value if is_content else None
    return None


def _tail(source: Source, node: cst.Subscript) -> str:
    return source.code(node)[len(source.code(node.value)) :].replace(" ", "")


def _use(source: Source, node: cst.BaseExpression) -> str:
    """Return what None has not: the method's name, or another word; empty where None does no harm."""
    use = ""
    match [*source.ancestors(node)][:3]:
        case [cst.Attribute() as parent, *_] if hasattr(str, parent.attr.value):
            use = parent.attr.value
        case [cst.Subscript() as parent, *_] if any(isinstance(each.slice, cst.Slice) for each in parent.slice):
            use = "[:]"
        case [cst.AugAssign(operator=cst.AddAssign()), *_] | [cst.BinaryOperation(operator=cst.Add()), *_]:
            use = "+"
        case [cst.ComparisonTarget(operator=cst.In() | cst.NotIn()), *_]:
            use = "in"
        case [cst.Arg(), cst.Call() as call, *_] if dotted(call.func) in _TAKES_TEXT:
            use = dotted(call.func)
        case [cst.GeneratorExp() | cst.ListComp() as made, cst.Arg(), cst.Call(func=cst.Attribute() as func)]:
            use = "join" if made.elt is node and func.attr.value == "join" else ""
    return use


def _is_asked(source: Source, node: cst.BaseExpression, function: cst.FunctionDef) -> bool:
    """Tell whether the function asks somewhere whether this content is there."""
    code = re.escape(source.code(node))
    asks = rf"(if|elif|while|and|or|not|assert)\s+\(?{code}\)?\s*(:|\bor\b|\band\b|\belse\b|\)|\]|$)"
    return bool(re.search(rf"{asks}|{code}\s+(is|or|and|if)\b|isinstance\({code}", source.code(function), re.MULTILINE))


def _fix(
    source: Source, function: cst.FunctionDef, places: Sequence[cst.BaseExpression], sources: Mapping[str, str]
) -> Fix | str:
    where = f"{source.path}:{source.line(places[0])}"
    splices = [Splice(*source.span(node), f'({source.code(node)} or "")') for node in places]
    after = source.edited(splices)
    if after is None:
        return f"{source.path} would not parse after the edit"
    test = _test(source, function, sources)
    if isinstance(test, str):
        return f"{where}: {test}"
    return Fix(
        edits=(Edit(path=source.path, before=source.text, after=after), test),
        regression_test=test.path,
        title="Take an answer without words for an empty text",
        rationale=(
            f"{where} takes the content of a message for a text, but a model that only calls tools, or has nothing to "
            "say, sends none: the content is None, and the run ends there. Now it is read as an empty text."
        ),
        risk="Where an answer without words should stop the run, it no longer does.",
    )


def _test(source: Source, function: cst.FunctionDef, sources: Mapping[str, str]) -> Edit | str:
    entry = entry_of(source, function, sources)
    if isinstance(entry, str):
        return entry
    return written_through(
        entry,
        sources,
        name="answers_without_words",
        doc="An answer without words does not end the run.",
        text=_TEST,
        setup=tool_setup(source, entry),
    )
