"""An answer in JSON is read also where it stands in a code fence or between words."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import libcst as cst

from clustering.failure import Failure
from clustering.failure_mode import FailureMode
from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit
from fixers.recipes.calls import call_of, parameters
from fixers.recipes.insert import add_imports, helper_in
from fixers.recipes.layout import import_of
from fixers.recipes.recipe import NOTHING, Fix, Seen, first_fix, most
from fixers.recipes.regression import lines, usable, write_test
from fixers.recipes.source import Source, Splice, dotted, harness_files
from webhooks import semconv

_JSON = re.compile(r"JSON|Expecting value|Extra data", re.IGNORECASE)
_FENCE = re.compile(r"```|\{")
#: What a model's words are called; not a request's body, not a file.
_WORDS = re.compile(r"^(raw_?)?(model_?)?(content|answer|reply|completion|output|text|message|response)(_?text)?$")
_TOLERANT = re.compile(r"```|raw_decode|json_repair|removeprefix\(|\.find\(.\{|re\.(search|findall|sub|DOTALL)|rindex")

_HELPER = '''
def NAME(text):
    """Return the longest JSON object or list in a model's answer, out of its fence or its words; else the text."""
    decoder, found, start = json.JSONDecoder(), "", 0
    while text and (opening := re.search(r"[{\\[]", text[start:])):
        start += opening.start()
        try:
            _, end = decoder.raw_decode(text, start)
        except ValueError:
            start += 1
            continue
        found, start = max(found, text[start:end], key=len), end
    return found or text
'''

_TEST = """
def test_an_answer_in_json_may_be_wrapped():
    {import}

    bare = json.dumps(PAYLOAD)
SETUP
    expected = CALL_BARE
    assert CALL_FENCED == expected
    assert CALL_TOLD == expected
"""


@dataclass(frozen=True, slots=True)
class JsonAnswers:
    """The recipe for `json.loads(content)` of what a model says."""

    name: str = "json_answers"
    layer: Layer = Layer.OUTPUT

    def fits(self, mode: FailureMode, failures: Sequence[Failure]) -> bool:
        """Tell whether the run ended where an answer in JSON was read."""
        if mode.detector == "invalid_output":
            return True
        return mode.detector == "error" and most(failures, _is_reading)

    def apply(self, sources: Mapping[str, str], diagnosis: Diagnosis, *, seen: Seen = NOTHING) -> Fix | str:
        """Unwrap what the first such function parses."""
        if seen.failures and not _wrapped(seen):
            return "no answer of the failing runs holds JSON within other text"
        files = harness_files(sources, diagnosis, "json.loads(")
        tried = (_fix(source, *reading, sources) for source in files for reading in _readings(source))
        return first_fix(tried, "no function parses a model's answer with json.loads")


def _is_reading(failure: Failure) -> bool:
    return bool(_JSON.search(f"{failure.key} {failure.message}"))


def _wrapped(seen: Seen) -> bool:
    """Tell whether a failing run has an answer that is no JSON as it stands, but has an object in it."""
    failing = {failure.trace_id for failure in seen.failures} & set(seen.traces)
    answers = [answer for id_ in failing for span in seen.traces[id_].spans if (answer := semconv.response(span))]
    return any(_is_wrapped(choice["message"].get("content")) for each in answers for choice in each["choices"])


def _is_wrapped(content: Any) -> bool:  # noqa: ANN401 - JSON
    if not isinstance(content, str) or not _FENCE.search(content):
        return False
    try:
        json.loads(content)
    except ValueError:
        pass
    else:
        return False
    decoder = json.JSONDecoder()
    for match in re.finditer(r"\{", content):
        try:
            decoder.raw_decode(content, match.start())
        except ValueError:
            continue
        return True
    return False


def _readings(source: Source) -> Iterator[tuple[cst.FunctionDef, cst.Call]]:
    """Yield the functions that parse a parameter which is a model's words."""
    for call in source.find(cst.Call):
        function = source.function_of(call)
        if dotted(call.func) != "json.loads" or len(call.args) != 1 or function is None:
            continue
        if _parameter(source, function, call) and not _TOLERANT.search(source.code(function)):
            yield function, call


def _parameter(source: Source, function: cst.FunctionDef, call: cst.Call) -> str:
    """Return the parameter that is parsed, also as `content or ""` and `content.strip()`."""
    code = source.code(call.args[0].value)
    match = re.fullmatch(r"\(?(\w+)( or [\"']{2})?\)?(\.strip\(\))?", code)
    names = {param.name.value for param in parameters(function)}
    return match[1] if match and match[1] in names and _WORDS.match(match[1]) else ""


def _fix(source: Source, function: cst.FunctionDef, call: cst.Call, sources: Mapping[str, str]) -> Fix | str:
    where = f"{source.path}:{source.line(call)}"
    name, helper = helper_in(source, function, "_json_in", _HELPER)
    argument = call.args[0].value
    after = source.edited(
        [
            Splice(*source.span(argument), f"{name}({source.code(argument)})"),
            *helper,
            *add_imports(source, ["re"]),
        ]
    )
    if after is None:
        return f"{source.path} would not parse after the edit"
    test = _test(source, function, call, sources)
    if isinstance(test, str):
        return f"{where}: {test}"
    return Fix(
        edits=(Edit(path=source.path, before=source.text, after=after), test),
        regression_test=test.path,
        title="Read a JSON answer also in a code fence or between words",
        rationale=(
            f"{where} takes nothing but bare JSON, and models put it into a Markdown fence or a sentence now and then, "
            "which ends the conversation. Now the longest JSON object or list in the answer is read. What holds no "
            "JSON at all is refused as before."
        ),
        risk="Words around the JSON are dropped without notice.",
    )


def _test(source: Source, function: cst.FunctionDef, call: cst.Call, sources: Mapping[str, str]) -> Edit | str:
    imported = usable(import_of(source.path, sources))
    if isinstance(imported, str):
        return imported
    name = _parameter(source, function, call)
    wrapped = {"BARE": "bare", "FENCED": 'f"```json\\n{bare}\\n```"', "TOLD": 'f"Here it is: {bare} Anything else?"'}
    text, setup = lines(_TEST), ""
    for mark, value in wrapped.items():
        made = call_of(source, function, imported, {name: value}, sources=sources)
        if isinstance(made, str):
            return made
        setup = "".join(f"    {line}\n" for line in made.setup)
        text = text.replace(f"CALL_{mark}", made.awaited())
    payload = dict.fromkeys(_keys(source, function), "fine") or {"answer": "fine"}
    return write_test(
        name="wrapped_json",
        doc="An answer in JSON may stand in a code fence or between words.",
        imported=imported,
        source=source,
        sources=sources,
        helpers=[],
        test=text.replace("SETUP\n", setup).replace("PAYLOAD", json.dumps(payload)),
    )


def _keys(source: Source, function: cst.FunctionDef) -> list[str]:
    """Return the keys that the function reads of anything."""
    code = source.code(function.body)
    return list(dict.fromkeys(re.findall(r"""(?:\[|\.get\()["'](\w+)["']""", code)))
