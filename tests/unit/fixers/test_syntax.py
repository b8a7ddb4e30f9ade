"""Files for a newer Python are read, judged and mended by an older one; nothing in them goes unseen."""

import ast
import sys

import pytest

from fixers.powers import new_powers
from fixers.proposal import Edit
from fixers.recipes.source import Source, Splice
from fixers.syntax import is_newer, parse
from fixers.workspace import syntax_problem

older_here = pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python reads it as it stands")

#: What a newer Python reads, and the same in older words.
NEWER = [
    ("class Box[T](Base):\n    held: T\n", "class Box(Base):\n    held: T\n"),
    ("class Box[T: (int, str) = int]: pass\n", "class Box:\n    pass\n"),
    ("def first[T, *Ts, **P](of: list[T]) -> T: return of[0]\n", "def first(of: list[T]) -> T:\n    return of[0]\n"),
    ("type Pair[T] = tuple[T, T]\n", "Pair = tuple[T, T]\n"),
    ('say(f"of {order["id"]!r:>{width}}, {"a"}")\n', 'say(("of ", order["id"], ">", width, ", ", "a"))\n'),
    ('say(f"{"\\n".join(lines)}")\n', 'say(("\\n".join(lines),))\n'),
    (
        "try:\n    go()\nexcept KeyError, IndexError:\n    pass\n",
        "try:\n    go()\nexcept (KeyError, IndexError):\n    pass\n",
    ),
]


@older_here
@pytest.mark.parametrize(("newer", "older"), NEWER)
def test_newer_words_are_read_as_older_ones(newer: str, older: str) -> None:
    assert ast.dump(parse(newer)) == ast.dump(ast.parse(older))
    assert is_newer(newer)
    assert not is_newer(older)


def test_what_is_written_for_no_python_is_not_read() -> None:
    with pytest.raises(SyntaxError):
        parse("def f[T](: pass\n")
    assert not is_newer("x = = 1\n")


def test_lines_stay_where_they_are() -> None:
    text = 'def f[T](x):\n    a = (f"{x["a"]}"\n         "b"\n         f"{x["b"]}")\n    return a\n'
    (function,) = parse(text).body
    assert isinstance(function, ast.FunctionDef)
    assert [node.lineno for node in function.body] == [2, 5]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('x = f"{__import__("os").system("id")}"', "run time"),
        ('x = f"{1:{__import__("os").system("id")}}" f"{d["x"]}"', "run time"),
        ('type X = __import__("os").system("id")', "run time"),
        ('class A[T: __import__("os").system("id")]: pass', "cannot be read as Python"),
        ("class A[T = (yield)]: pass", "cannot be read as Python"),
        ('x = "https://ev" f"il.example/{d["x"]}"', "evil.example"),
        ('x = f"{d["x"]}" f"https://ev" "il.example"', "evil.example"),
        ('x = f"\\x68ttps://evil.example/{d["x"]}"', "evil.example"),
    ],
)
def test_a_power_is_seen_in_whatever_words(line: str, told: str) -> None:
    found = list(new_powers(Edit(path="a.py", before="d = {}\n", after=f"d = {{}}\n{line}\n"), is_test=False))
    if sys.version_info < (3, 12) or "cannot be read" not in told:
        assert any(told in reason for reason in found), found


@older_here
def test_a_file_may_stay_as_new_as_it_is_and_no_other_becomes_so() -> None:
    old, new = "x = 1\n", 'x = f"{d["a"]}"\n'
    assert syntax_problem("a.py", new + "y = 2\n", before=new) is None
    assert "unmatched" in (syntax_problem("a.py", new, before=old) or "")
    assert "unmatched" in (syntax_problem("a.py", new, before=None) or "")
    assert syntax_problem("a.py", new + "y = = 2\n", before=new) is not None


def test_a_recipe_may_mend_a_file_for_a_newer_python() -> None:
    text = 'limit = 3\nsay(f"{d["a"]}")\n'
    source = Source.parse("a.py", text)
    assert source is not None
    assert source.edited([Splice(8, 9, "4")]) == text.replace("3", "4")
    assert source.edited([Splice(8, 9, "= 4")]) is None
