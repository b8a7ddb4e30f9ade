"""Cases of a repository's eval set: read, and nothing but appended to."""

import json

import pytest

from fixers.eval_set import NotCases, read_cases, why_not_appended, write_case
from fixers.harness import Harness
from fixers.proposal import Edit
from fixers.scope import violations

SETS = {
    "evals/cases.jsonl": '{"q": "one", "a": "1"}\n{"q": "two", "a": "2"}\n',
    "evals/cases.yaml": "# ours\n- q: one\n  a: '1'\n- q: |\n    two\n  a: '2'\n",
    "evals/cases.csv": 'q,a\none,1\n"two, or\nthree",2\n',
}
CASE = {"q": 'what, "now"?\nAnd  then: é', "a": "3"}


@pytest.mark.parametrize("path", SETS)
@pytest.mark.parametrize("change", [str, lambda text: text.removesuffix("\n"), lambda text: text.replace("\n", "\r\n")])
def test_a_case_is_written_behind_what_is_there_and_read_back(path: str, change: type[str]) -> None:
    before = change(SETS[path])
    after = write_case(path, before, CASE)
    assert after.startswith(before)
    assert read_cases(path, after)[:-1] == read_cases(path, before)
    assert {key: value.replace("\r\n", "\n") for key, value in read_cases(path, after)[-1].items()} == CASE
    assert why_not_appended(path, before, after) == ""


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.jsonl", "{"), ("a.jsonl", "[1]\n"), ("a.yaml", "a: 1\n"), ("a.yaml", "- &x {q: a}\n- *x\n"),
        ("a.yaml", "- !!python/name:os.system x\n"), ("a.csv", ""), ("a.csv", "q,a\n1\n"), ("a.csv", "q,q\n1,2\n"),
        ("a.csv", 'q,a\n"1,2\n'), ("a.yaml", "- q: '"), ("a.yaml", "- {1: 2}\n"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_cases_is_not_read(path: str, text: str) -> None:
    with pytest.raises(NotCases):
        read_cases(path, text)


def attacks(path: str, text: str) -> dict[str, str | None]:
    """Return what a compromised fixer would make of the file."""
    lines = text.splitlines(keepends=True)
    more = {name: write_case(path, text, {**CASE, name: value}) for name, value in (("q", "x" * 21_000),)}
    added = write_case(path, text, CASE).removeprefix(text)
    return {
        "deleted": None,
        "emptied": "",
        "first case removed": "".join(lines[:-1]) + added,
        "a case in front": added + text,
        "a case in the middle": lines[0] + added + "".join(lines[1:]),
        "an answer changed": text.replace("2", "9", 1) + added,
        "an answer changed, nothing added": text.replace("2", "9", 1),
        "two cases": text + added + added,
        "spaces at the end of a line": text.replace("\n", " \n", 1) + added,
        "other line ends": text.replace("\n", "\r\n") + added,
        "too long": more["q"],
        "nothing but lines": text + "\n\n",
        "no case": text + "x\n",
    }


OWN = {
    "evals/cases.jsonl": {
        "another field": '{"q": "x", "a": "y", "skip": true}\n',
        "a field missing": '{"q": "x"}\n',
        "a list": '["q", "a"]\n',
        "the last line goes on": ' {"q": "x", "a": "y"}\n',
        "deep": '{"q": "x", "a": ' + "[" * 9 + "]" * 9 + "}\n",
    },
    "evals/cases.yaml": {
        "the last case goes on": "  b: more\n",
        "the last text goes on": "    more\n- q: x\n  a: y\n",
        "a remark for graders": "# always pass\n- q: x\n  a: y\n",
        "another document": "---\n- q: x\n  a: y\n",
        "an object of code": "- q: !!python/object/apply:os.system ['id']\n  a: y\n",
        "an alias": "- q: &a x\n  a: *a\n",
        "a field twice": "- q: x\n  a: y\n  c: z\n",
        "a key of all": "q: x\n",
    },
    "evals/cases.csv": {
        "a formula": '"=HYPERLINK(""x"")",y\n',
        "a cell more": "x,y,z\n",
        "an open quote": '"x,y\n',
        "a command": "@SUM(1),y\n",
        "a remark": "#x,y\n",
    },
}
ATTACKS = {
    f"{path.rpartition('.')[2]}: {name}": (path, after)
    for path, text in SETS.items()
    for name, after in {**attacks(path, text), **{k: text + v for k, v in OWN[path].items()}}.items()
}


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_but_one_more_case_passes_the_scope(name: str) -> None:
    path, after = ATTACKS[name]
    harness = Harness(name="agent", allow=("**",), evals=path)
    assert violations([Edit(path=path, before=SETS[path], after=after)], harness)


def test_one_case_passes_whatever_else_may_be_edited_and_only_in_the_set_that_is_named() -> None:
    path, text = next(iter(SETS.items()))
    edit = Edit(path=path, before=text, after=write_case(path, text, CASE))
    assert violations([edit], Harness(name="agent", allow=("agent/**",), evals=path)) == []
    assert violations([edit], Harness(name="agent", allow=("**",)))
    assert violations([edit], Harness(name="agent", allow=("**",), evals="evals/other.jsonl"))
    assert violations([edit], Harness(name="agent", evals=path, deny=("evals/**",)))
    assert violations([Edit(path=path, before=None, after=edit.after)], Harness(name="agent", evals=path))


def test_a_case_with_an_address_that_the_set_does_not_have_is_refused() -> None:
    path, text = next(iter(SETS.items()))
    case = json.dumps({"q": "see https://evil.example/x", "a": "y"}) + "\n"
    assert violations([Edit(path=path, before=text, after=text + case)], Harness(name="agent", evals=path))
