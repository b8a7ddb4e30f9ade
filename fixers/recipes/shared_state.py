"""What belongs to one conversation is made for each, instead of once for all of them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import libcst as cst

from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from fixers.recipes.calls import new_instance, parameters
from fixers.recipes.layout import Import, import_of
from fixers.recipes.recipe import NOTHING, ByDetector, Fix, Seen
from fixers.recipes.regression import lines, usable, write_test
from fixers.recipes.source import Source, Splice, dotted, harness_files

#: Ways to fail that another conversation's facts bring about.
_SHOWN_BY = frozenset({"negative_feedback", "objection", "contradiction", "ungrounded_arguments", "unbacked_claim"})
#: What is shared on purpose.
_SHARED = re.compile(r"regist|instance|plugin|handler|tool|cache|pool|lock|default|config|schema|field|subclass|^[A-Z]")
_NOT_PLAIN = re.compile(r"BaseModel|Enum|TypedDict|NamedTuple|Protocol|Struct|Base\b|Model\b|Table")
_EMPTY = {"[]": "list", "{}": "dict", "list()": "list", "dict()": "dict", "set()": "set"}
_CHANGES = r"\.(append|extend|add|update|insert|setdefault|pop|clear|remove|discard)\(|\[[^\]]*\]\s*=[^=]|\s*\+=|\s*\|="

_TEST = """
def test_two_conversations_share_nothing(FIXTURE):
    {import}

    first, second = FIRST, SECOND
    assert first.NAME is not second.NAME
"""


class _Place(NamedTuple):
    """An attribute whose value all instances share."""

    owner: cst.ClassDef
    name: str
    splices: list[Splice]
    how: str


@dataclass(frozen=True, slots=True)
class SharedState(ByDetector):
    """The recipe for mutable class attributes and mutable defaults that instances keep."""

    name: str = "shared_state"
    layer: Layer = Layer.TOOL_CODE
    shown_by: frozenset[str] = _SHOWN_BY

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Give each instance its own in the only place where they share one."""
        del seen
        files = harness_files(sources, diagnosis, "[]", "{}", "list()", "dict()", "set()")
        places = [(source, place) for source in files for place in (*_attributes(source), *_defaults(source))]
        if len(places) != 1:
            return f"{len(places) or 'no'} places let instances share what one of them changes"
        return _fix(*places[0], sources)


def _attributes(source: Source) -> Iterator[_Place]:
    """Yield `name = []` of a class body that methods change through `self`, and that no method replaces."""
    for owner in source.find(cst.ClassDef):
        if owner.decorators or any(_NOT_PLAIN.search(source.code(base.value)) for base in owner.bases):
            continue
        code = source.code(owner)
        for line in owner.body.body:
            if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
                continue
            name, value, annotation = _assigned(source, line.body[0])
            if value not in _EMPTY or _SHARED.search(name) or re.search(rf"\b(cls|{owner.name.value})\.{name}\b", code):
                continue
            if re.search(rf"self\.{name}\s*(:[^=\n]+)?=[^=]", code) or not re.search(
                rf"self\.{name}({_CHANGES})", code
            ):
                continue
            splices = _moved(source, owner, line, f"self.{name}{annotation} = {value}")
            if splices:
                yield _Place(owner, name, splices, "is made once, with the class")


def _assigned(source: Source, statement: cst.BaseSmallStatement) -> tuple[str, str, str]:
    """Return name, value and annotation of an assignment; empty texts for anything else."""
    if isinstance(statement, cst.Assign) and len(statement.targets) == 1:
        return dotted(statement.targets[0].target), source.code(statement.value), ""
    if isinstance(statement, cst.AnnAssign) and statement.value is not None:
        annotation = source.code(statement.annotation.annotation)
        if "ClassVar" not in annotation:
            return dotted(statement.target), source.code(statement.value), f": {annotation}"
    return "", "", ""


def _moved(source: Source, owner: cst.ClassDef, line: cst.SimpleStatementLine, code: str) -> list[Splice]:
    """Return the splices that set the attribute in `__init__` instead, a new one where the class has none."""
    newline, indent = source.module.default_newline, source.indent(line)
    made = [node for node in owner.body.body if isinstance(node, cst.FunctionDef) and node.name.value == "__init__"]
    if not made and owner.bases:
        return []
    if not made:
        text = f"def __init__(self):{newline}{indent}{source.unit()}{code}"
        after = source.text.encode()[source.span(line)[1] :].decode()
        blank = (
            newline if after.lstrip(" ").startswith(newline) and not after.lstrip(" ").startswith(newline * 2) else ""
        )
        return [Splice(*source.span(line), text + blank)]
    body = made[0].body
    if not isinstance(body, cst.IndentedBlock):
        return []
    first = body.body[0]
    start = source.span(first)[0]
    data = source.text.encode()
    begin, end = source.span(line)
    begin = data.rfind(b"\n", 0, begin) + 1
    end = data.find(b"\n", end) + 1
    if made[0].get_docstring() is not None:
        stop = source.span(first)[1]
        return [Splice(begin, end, ""), Splice(stop, stop, f"{newline}{source.indent(first)}{code}")]
    return [Splice(begin, end, ""), Splice(start, start, f"{code}{newline}{source.indent(first)}")]


def _defaults(source: Source) -> Iterator[_Place]:
    """Yield `def __init__(self, history=[])` whose default is kept as it is and changed later."""
    for owner in source.find(cst.ClassDef):
        code = source.code(owner)
        for made in source.find(cst.FunctionDef, owner.body):
            if made.name.value != "__init__" or source.class_of(made) is not owner:
                continue
            for param in parameters(made):
                name = param.name.value
                if param.default is None or source.code(param.default) not in _EMPTY or _SHARED.search(name):
                    continue
                kept = _keeping(source, made, name)
                if kept is None or not re.search(rf"self\.{kept[1]}({_CHANGES})", code):
                    continue
                empty = source.code(param.default)
                splices = [Splice(*source.span(param.default), "None")]
                splices.append(Splice(*source.span(kept[0]), f"{empty} if {name} is None else {name}"))
                yield _Place(owner, kept[1], splices, "defaults to one value for all")


def _keeping(source: Source, made: cst.FunctionDef, name: str) -> tuple[cst.BaseExpression, str] | None:
    """Return the value of `self.x = name` and x."""
    attributes = {id(node.attr) for node in source.find(cst.Attribute, made.body)}
    uses = [node for node in source.find(cst.Name, made.body) if node.value == name and id(node) not in attributes]
    for node in source.find(cst.Assign, made.body):
        target = dotted(node.targets[0].target)
        if source.code(node.value) == name and target.startswith("self.") and len(uses) == 1:
            return node.value, target.removeprefix("self.")
    return None


def _fix(source: Source, place: _Place, sources: Mapping[str, str]) -> Fix | str:
    where = f"{source.path}:{source.line(place.owner)}"
    after = source.edited(place.splices)
    if after is None:
        return f"{source.path} would not parse after the edit"
    imported: Import | str = usable(import_of(source.path, sources))
    if isinstance(imported, str):
        return imported
    made = new_instance(source, place.owner, imported, sources)
    if made.startswith("!"):
        return f"{where}: {made[1:]}"
    test = write_test(
        name="nothing_is_shared",
        doc="What belongs to one conversation is not seen by another.",
        imported=imported,
        source=source,
        sources=sources,
        helpers=[],
        test=lines(_TEST)
        .replace("FIXTURE", "")
        .replace("FIRST, SECOND", f"{made}, {made}")
        .replace("NAME", place.name),
    )
    return Fix(
        edits=(Edit(path=source.path, before=source.text, after=after), test),
        regression_test=test.path,
        title=f"Give each {place.owner.name.value} its own {place.name}"[:70],
        rationale=(
            f"`{place.name}` of {place.owner.name.value} ({where}) {place.how}, so that every conversation of the "
            "process reads and changes the same one: what one person said is known to the next. Now each instance "
            "makes its own."
        ),
        risk="Code that relied on instances sharing it would find it empty.",
    )
