from fixers.code_index import Place
from fixers.proposal import Edit
from fixers.siblings import siblings

FLAWED = "def parse(text):\n    # as the provider sends them\n    return json.loads(text.removeprefix('data:'))\n"
MENDED = FLAWED.replace("text.removeprefix('data:')", "text.removeprefix('data:') or '{}'")
OTHER = "class Adapter:\n    def parse(self, body):\n        return json.loads(body.removeprefix('data:'))\n"


def found(before: str, after: str, **files: str) -> list[Place]:
    edit = Edit(path="a.py", before=before, after=after)
    named = {name.replace("__", "/") + ".py": text for name, text in files.items()}
    tree = {path: text.encode() for path, text in {**named, "a.py": after}.items()}
    return siblings([edit, Edit(path="tests/test_a.py", before=None, after=before)], tree, "tests/test_a.py")


def test_the_same_lines_elsewhere_are_siblings_wherever_they_are_indented() -> None:
    indented = "class B:\n" + "".join(f"    {line}\n" for line in FLAWED.splitlines())
    assert found(FLAWED, MENDED, b=indented) == [Place("b.py", 4), Place("b.py", 2)]


def test_nearly_the_same_function_of_the_same_name_is_a_sibling() -> None:
    assert found(FLAWED.replace("    # as the provider sends them\n", ""), MENDED, b=OTHER) == [Place("b.py", 2)]


def test_tests_other_functions_and_what_is_mended_already_are_none() -> None:
    different = (
        "def parse(text):\n    return [line.split(';') for line in text.splitlines() if line and line[0] != '#']\n"
    )
    assert found(FLAWED, MENDED, tests__test_b=FLAWED, b=different, c=MENDED.replace("parse", "read")) == []


def test_a_second_copy_in_the_same_file_is_a_sibling_and_the_mended_one_is_not() -> None:
    twice = FLAWED + "\n\n" + FLAWED.replace("parse", "read")
    once_mended = MENDED + "\n\n" + FLAWED.replace("parse", "read")
    assert found(twice, once_mended) == [Place("a.py", 8)]


def test_short_lines_are_no_evidence() -> None:
    assert found("x = 1\ny = 2\n", "x = 3\ny = 2\n", b="x = 1\n") == []


def test_lines_around_an_insertion_count() -> None:
    loop = "def run(calls):\n    for call in sorted(calls, key=order_of):\n        results.append(execute(call))\n"
    guard = "        if call.name not in tools:\n            continue\n"
    mended = loop.replace("        results", f"{guard}        results")
    assert found(loop, mended, b=loop.replace("def run", "def go")) == [Place("b.py", 2)]
