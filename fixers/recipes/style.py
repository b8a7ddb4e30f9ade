"""A regression test in the style of the repository's own: a pytest function, or a method of a unittest.TestCase."""

import posixpath
import re
from collections.abc import Mapping

_TEST_FILE = re.compile(r"(^|/)(test_[^/]+|[^/]+_test)\.py$")
_FUNCTION = re.compile(r"^(async )?def test_", re.MULTILINE)

_PATCHES = '''
class MonkeyPatch:
    """Puts something in a place for one test, and takes it out afterwards."""

    def __init__(self, test):
        self.test = test

    def setattr(self, target, *name_and_value):
        *name, value = name_and_value
        self._start(mock.patch.object(target, *name, value) if name else mock.patch(target, value))

    def setenv(self, name, value):
        self._start(mock.patch.dict(os.environ, {name: value}))

    def setitem(self, mapping, name, value):
        self._start(mock.patch.dict(mapping, {name: value}))

    def _start(self, patch):
        patch.start()
        self.test.addCleanup(patch.stop)
'''


def uses_unittest(path: str, sources: Mapping[str, str]) -> bool:
    """Tell whether the tests beside `path`, or all where there are none beside it, are unittest's alone."""
    tests = {name: text for name, text in sources.items() if _TEST_FILE.search(name)}
    home = posixpath.dirname(path)
    beside = [text for name, text in tests.items() if posixpath.dirname(name) == home] or list(tests.values())
    whole = [text for text in beside if _FUNCTION.search(text) or "TestCase" in text]
    return bool(whole) and all("TestCase" in text and not _FUNCTION.search(text) for text in whole)


def as_unittest(test: str, name: str) -> tuple[str, str]:
    """Return the class that holds a test function as its method, and the helper that it needs, or ""."""
    needs_patches = "(monkeypatch)" in test
    title = "".join(part.capitalize() for part in name.split("_"))
    body = re.sub(r"^def (test_\w+)\((monkeypatch)?\):", r"def \1(self):", test.strip("\n"))
    if needs_patches:
        head, _, rest = body.partition("\n")
        doc = re.match(r'\s*"""[^\n]*"""\n', rest)
        split = doc.end() if doc else 0
        body = f"{head}\n{rest[:split]}    monkeypatch = MonkeyPatch(self)\n{rest[split:]}"
    indented = "\n".join(f"    {line}" if line else "" for line in body.split("\n"))
    return f"class {title}Test(unittest.TestCase):\n{indented}\n", _PATCHES if needs_patches else ""
