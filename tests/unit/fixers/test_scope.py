"""What an edit may touch."""

import pytest

from fixers.harness import Harness
from fixers.proposal import Edit
from fixers.scope import MAX_EDITS, matches, violations

OPEN = Harness(name="agent", allow=("**",))


def of(path: str, before: str | None = "a = 1\n", after: str | None = "a = 2\n", harness: Harness = OPEN) -> list[str]:
    return violations([Edit(path=path, before=before, after=after)], harness)


@pytest.mark.parametrize(
    "path", ["agent.py", "src/agent/loop.py", "prompts/system.md", "tools/git_tools.py", "docs/keys.md"]
)
def test_code_and_prompts_may_be_edited(path: str) -> None:
    assert of(path) == []


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/ci.yml", ".github/tracewright.yml", ".GitHub/x.py", "a/.gitlab-ci.yml", ".ci/run",
        "Jenkinsfile",
        "poetry.lock", "a/package-lock.json", "requirements.txt", "requirements-dev.txt",
        ".git/config", "a/.git/hooks/x.py", ".gitattributes", ".gitmodules", ".GIT/x.py", ".env",
        "a/.env.local", "key.pem",
        "secrets/a.py", "pyproject.toml", "setup.py", "package.json", "sitecustomize.py", "a.pth", "CODEOWNERS",
    ],
)  # fmt: skip
def test_no_configuration_opens_these(path: str) -> None:
    assert of(path)


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../a.py", "a/../b.py", "a//b.py", "./a.py", "a\\b.py", "a\0.py", "a\n.py", "a\u200b.py",
     "a\u202e.py",
     "~/a.py", "C:/a.py", "", "a/", "git~1/x.py", ".git./x.py", "\uff41.py", "x" * 300 + ".py", ".g\u200cit/config"],
)  # fmt: skip
def test_paths_that_are_not_plain_are_refused(path: str) -> None:
    assert of(path)


def test_the_harness_narrows_what_is_allowed() -> None:
    harness = Harness(name="agent", allow=("src/**/*.py",), deny=("src/billing/**",))
    assert of("src/a/b.py", harness=harness) == []
    assert of("other/a.py", harness=harness)
    assert of("src/billing/a.py", harness=harness) == ["src/billing/a.py: denied by src/billing/**"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def test_a():\n    assert 1\n", None),
        ("def test_a():\n    assert 1\n", "def test_a():\n    pass\n"),
        ("def test_a():\n    assert f() == 1\n", "def test_a():\n    assert f() == 2\n"),
        ("def test_a():\n    assert 1\n", "def helper():\n    assert 1\n"),
        ("def test_a():\n    assert 1\n", "@pytest.mark.skip\ndef test_a():\n    assert 1\n"),
        ("self.assertEqual(1, 1)\n", "\n"),
    ],
)
def test_an_existing_test_may_not_check_less(before: str, after: str | None) -> None:
    assert of("tests/test_a.py", before, after)


@pytest.mark.parametrize(
    "after",
    [
        "def test_a():\n    return\n    assert f() == 1\n",
        "def test_a():\n    if False:\n        assert f() == 1\n",
        "pytestmark = []\ndef test_a():\n    assert f() == 1\n",
        "__test__ = False\ndef test_a():\n    assert f() == 1\n",
    ],
)
def test_an_existing_test_may_not_be_switched_off(after: str) -> None:
    assert of("tests/test_a.py", "def test_a():\n    assert f() == 1\n", after)


def test_what_steers_a_whole_test_run_may_not_be_edited_or_made() -> None:
    assert of("tests/conftest.py", None, "collect_ignore_glob = ['*']\n")
    assert of("pytest.ini", None, "[pytest]\naddopts = --co\n")


def test_an_existing_test_may_check_more() -> None:
    assert of("tests/test_a.py", "def test_a():\n    assert 1\n", "def test_a():\n    assert 1\n    assert 2\n") == []


def test_size_and_number_are_limited() -> None:
    assert of("a.py", None, "#" * 500_000)
    assert violations([Edit(path=f"a{i}.py", before=None, after="") for i in range(MAX_EDITS + 1)], OPEN)


def test_one_file_is_edited_once() -> None:
    edits = [Edit(path=path, before=None, after="") for path in ("a.py", "A.py")]
    assert violations(edits, OPEN) == ["a.py: edited twice"]


@pytest.mark.parametrize("text", ["\ud800", "a\0b"])
def test_only_text_is_written(text: str) -> None:
    assert of("a.py", None, text)


def test_stars_stay_within_a_folder_and_two_cross_it() -> None:
    assert matches("a/b/c.py", "a/**/c.py")
    assert matches("a/c.py", "a/**/c.py")
    assert not matches("a/b/c.py", "a/*.py")
    assert not matches("axpy", "a.py")
