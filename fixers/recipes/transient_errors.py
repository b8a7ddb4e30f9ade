"""A retry that leaves out errors which pass by themselves covers them too: server errors, limits, lost connections."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import libcst as cst

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from fixers.recipes.busy import NO_ANSWER, busy_helpers
from fixers.recipes.entry import entry_of
from fixers.recipes.recipe import NOTHING, Fix, Seen, first_fix, most
from fixers.recipes.retry import is_transient
from fixers.recipes.source import Source, Splice, dotted, harness_files
from fixers.recipes.through import written_through

#: What passes by itself, by the status that was seen: one of a family brings the others.
SERVER = (500, 502, 503, 504)
_FAMILIES = {429: (429,), 408: (408,), 529: (529,), **dict.fromkeys(SERVER, SERVER)}
_STATUS = re.compile(r"\b(408|429|500|502|503|504|529)\b")
#: Names of what decides on another try.
_RETRIES = re.compile(r"retr|transient|temporar|again|recover|backoff|flak", re.IGNORECASE)
#: Exception types by library, and the statuses that they stand for. 0 is no answer at all.
_TYPES: dict[str, dict[str, tuple[int, ...]]] = {
    "openai": {
        "RateLimitError": (429,),
        "InternalServerError": SERVER,
        "APITimeoutError": (NO_ANSWER,),
        "APIConnectionError": (NO_ANSWER,),
    },
    "httpx": {
        "ConnectError": (NO_ANSWER,),
        "ConnectTimeout": (NO_ANSWER,),
        "ReadTimeout": (NO_ANSWER,),
        "ReadError": (NO_ANSWER,),
        "RemoteProtocolError": (NO_ANSWER,),
    },
    "requests": {"ConnectionError": (NO_ANSWER,), "Timeout": (NO_ANSWER,), "ReadTimeout": (NO_ANSWER,)},
}
#: What covers a type, by library: its bases.
_BASES = {
    "openai": {"APIError", "OpenAIError", "APIStatusError"},
    "httpx": {"HTTPError", "TransportError", "RequestError"},
    "requests": {"RequestException"},
}
_WAITS = re.compile(r"\bsleep\(|\bcontinue\b|backoff|wait")

_TEST = """
def test_an_error_that_passes_by_itself_is_tried_again(monkeypatch):
    without_waiting(monkeypatch)
    left = busy_provider(monkeypatch, STATUSES)
    {import}

SETUP
    answer = CALL
    assert "done" in str(answer)
    assert left == []
"""


class _Place(NamedTuple):
    """Where a retry says what it covers."""

    node: cst.CSTNode
    splices: list[Splice]
    #: What is added, for a person.
    added: str
    #: What a provider answers in the test before it is well again.
    status: int
    #: The name that it is kept under; "" when the retry itself says it.
    name: str


@dataclass(frozen=True, slots=True)
class TransientErrors:
    """The recipe for retries that know too few errors."""

    name: str = "transient_errors"
    layer: Layer = Layer.LIFECYCLE

    def fits(self, mode: FailureMode, failures: Sequence[Failure]) -> bool:
        """Tell whether the provider was busy or unreachable for a moment."""
        return mode.detector in {"error", "provider_error"} and most(failures, is_transient)

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Add what was seen to the first retry that leaves it out."""
        files = harness_files(sources, diagnosis, "429", "RateLimit", "5xx", "Timeout", "Connect")
        tried = (_fix(source, place, sources) for source in files for place in _places(source, seen.failures))
        return first_fix(tried, "no retry leaves out what was seen")


def _places(source: Source, failures: Sequence[Failure]) -> Iterator[_Place]:
    statuses = {int(found) for failure in failures for found in _STATUS.findall(f"{failure.key} {failure.message}")}
    types = {failure.key.rsplit(".", 1)[-1] for failure in failures}
    collections: list[cst.Set | cst.Tuple | cst.List] = [
        *source.find(cst.Set),
        *source.find(cst.Tuple),
        *source.find(cst.List),
    ]
    for values in collections:
        elements = [element.value for element in values.elements if isinstance(element, cst.Element)]
        if elements and len(elements) == len(values.elements) and _decides(source, values):
            yield from _of_statuses(source, values, elements, statuses)
            yield from _of_types(source, values, elements, types)
    for handler in source.find(cst.ExceptHandler):
        if handler.type is not None and dotted(handler.type) and _tries_again(source, handler):
            yield from _of_types(source, handler.type, [handler.type], types)
    for comparison in source.find(cst.Comparison):
        yield from _of_comparison(source, comparison, statuses)


def _decides(source: Source, values: cst.CSTNode) -> bool:
    """Tell whether a collection says what is tried again: by its name, its argument's name, or where it stands."""
    for parent in source.ancestors(values):
        if isinstance(parent, cst.Assign | cst.AnnAssign):
            target = parent.target if isinstance(parent, cst.AnnAssign) else parent.targets[0].target
            return bool(_RETRIES.search(dotted(target)))
        if isinstance(parent, cst.Arg) and parent.keyword is not None and parent.keyword.value == "status_forcelist":
            return True
        if isinstance(parent, cst.Call) and _RETRIES.search(source.code(parent.func)):
            return True
        if isinstance(parent, cst.ExceptHandler | cst.If):
            return _tries_again(source, parent)
        if isinstance(parent, cst.BaseStatement):
            return False
    return False


def _tries_again(source: Source, branch: cst.ExceptHandler | cst.If) -> bool:
    """Tell whether a branch in a loop waits or goes on."""
    return _in_loop(source, branch) and bool(_WAITS.search(source.code(branch.body)))


def _in_loop(source: Source, node: cst.CSTNode) -> bool:
    function = source.function_of(node)
    loop = source.nearest(node, cst.For) or source.nearest(node, cst.While)
    return loop is not None and function is not None and source.within(loop, function)


def _of_statuses(
    source: Source, values: cst.CSTNode, elements: Sequence[cst.BaseExpression], seen: set[int]
) -> Iterator[_Place]:
    known = {element.evaluated_value for element in elements if isinstance(element, cst.Integer)}
    if len(known) < len(elements) or not known & set(_FAMILIES):
        return
    missing = sorted({one for status in seen & set(_FAMILIES) for one in _FAMILIES[status]} - known)
    if missing and seen - known:
        end = source.span(elements[-1])[1]
        text = "".join(f", {status}" for status in missing)
        yield _Place(values, [Splice(end, end, text)], text[2:], min(seen & set(missing)), _name_of(source, values))


def _of_types(
    source: Source, where: cst.CSTNode, elements: Sequence[cst.BaseExpression], seen: set[str]
) -> Iterator[_Place]:
    names = [dotted(element) for element in elements]
    short = {name.rsplit(".", 1)[-1] for name in names}
    if not all(names) or short & {"Exception", "BaseException"}:
        return
    for library, types in _TYPES.items():
        known = short & set(types)
        wanted = sorted((seen & set(types)) - short)
        if not known or not wanted or short & _BASES[library]:
            continue
        prefix = next(name for name in names if name.rsplit(".", 1)[-1] in known).rpartition(".")[0]
        added = [f"{prefix}.{name}" if prefix else name for name in wanted]
        splices = _added_types(source, where, elements, added)
        if not prefix and (imported := _imported(source, next(iter(known)), wanted)) is not None:
            splices.append(imported)
        elif not prefix:
            continue
        status = types[wanted[0]][0]
        yield _Place(where, splices, ", ".join(added), status, _name_of(source, where))


def _added_types(
    source: Source, where: cst.CSTNode, elements: Sequence[cst.BaseExpression], added: Sequence[str]
) -> list[Splice]:
    text = ", ".join(added)
    if isinstance(where, cst.Tuple | cst.List | cst.Set):
        end = source.span(elements[-1])[1]
        return [Splice(end, end, f", {text}")]
    start, end = source.span(where)
    return [Splice(start, end, f"({source.code(where)}, {text})")]


def _imported(source: Source, known: str, wanted: Sequence[str]) -> Splice | None:
    """Return the splice that imports further names where `known` is imported; None where it is not, plainly."""
    for node in source.find(cst.ImportFrom):
        if isinstance(node.names, cst.ImportStar):
            continue
        aliases = {source.code(alias.name): alias for alias in node.names if alias.asname is None}
        if known in aliases:
            missing = [name for name in wanted if name not in aliases]
            _, end = source.span(aliases[known])
            return Splice(end, end, "".join(f", {name}" for name in missing))
    return None


def _of_comparison(source: Source, comparison: cst.Comparison, seen: set[int]) -> Iterator[_Place]:
    """Yield `status == 429` of a branch that tries again."""
    branch = source.nearest(comparison, cst.If)
    if len(comparison.comparisons) != 1 or branch is None or not source.within(comparison, branch.test):
        return
    (target,) = comparison.comparisons
    value = target.comparator
    if not isinstance(target.operator, cst.Equal) or not isinstance(value, cst.Integer):
        return
    missing = sorted({one for status in seen & set(_FAMILIES) for one in _FAMILIES[status]} - {value.evaluated_value})
    if value.evaluated_value in _FAMILIES and missing and _tries_again(source, branch):
        known = ", ".join(map(str, (value.evaluated_value, *missing)))
        text = f"{source.code(comparison.left)} in ({known})"
        added = ", ".join(map(str, missing))
        yield _Place(comparison, [Splice(*source.span(comparison), text)], added, min(seen & set(missing)), "")


def _name_of(source: Source, values: cst.CSTNode) -> str:
    holder = source.nearest(values, cst.Assign)
    if holder is not None and source.within(values, holder.value):
        return dotted(holder.targets[0].target)
    annotated = source.nearest(values, cst.AnnAssign)
    return dotted(annotated.target) if annotated is not None else ""


def _fix(source: Source, place: _Place, sources: Mapping[str, str]) -> Fix | str:
    where = f"{source.path}:{source.line(place.node)}"
    after = source.edited(place.splices)
    if after is None:
        return f"{source.path} would not parse after the edit"
    test = _test(source, place, sources)
    if isinstance(test, str):
        return f"{where}: {test}"
    return Fix(
        edits=(Edit(path=source.path, before=source.text, after=after), test),
        regression_test=test.path,
        title="Retry on every error that passes by itself",
        rationale=(
            f"The retry at {where} leaves out {place.added}, so one of these ends the conversation although the same "
            "request would have been answered a moment later. Now they are tried again as often and with the same "
            "pauses as the errors that it knows."
        ),
        risk="A conversation may wait longer while the provider stays unwell.",
    )


def _test(source: Source, place: _Place, sources: Mapping[str, str]) -> Edit | str:
    reason = f"no function that retries uses {place.name or 'it'}"
    for function in _users(source, place):
        entry = entry_of(source, function, sources)
        if isinstance(entry, str):
            reason = entry
            continue
        return written_through(
            entry,
            sources,
            name="transient_errors",
            doc="An error of the provider that passes by itself is tried again.",
            helpers=busy_helpers(entry.transport),
            text=_TEST.replace("STATUSES", f"[{place.status}, 200]"),
        )
    return reason


def _users(source: Source, place: _Place) -> Iterator[cst.FunctionDef]:
    """Yield the functions of the file that read what was changed."""
    own = source.function_of(place.node)
    if own is not None:
        yield own
    elif place.name:
        short = place.name.rsplit(".", 1)[-1]
        yield from (f for f in source.find(cst.FunctionDef) if re.search(rf"\b{short}\b", source.code(f)))
    else:
        for function in source.find(cst.FunctionDef):
            if any(source.within(place.node, mark) for mark in function.decorators):
                yield function
