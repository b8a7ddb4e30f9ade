"""New test: how one test file is run with the repository's own command, and when it is red or green."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

# https://docs.pytest.org/en/stable/reference/exit-codes.html
TESTS_FAILED = 1
NO_TESTS_COLLECTED = 5
PYTEST = frozenset({"pytest", "py.test"})
#: Options of pytest that say how tests run, not which; the next word is their value.
CONFIGURING = frozenset({"-p", "-o", "-c", "-W", "--rootdir", "--confcutdir", "--override-ini", "--import-mode"})
CONFIGURING_WITH_VALUE = ("--rootdir=", "--confcutdir=", "--override-ini=", "--import-mode=", "--asyncio-mode=")
#: pytest's last line, such as "1 failed, 2 passed in 0.03s".
COUNT = re.compile(r"\b(\d+) (failed|passed|errors?)\b")


def one_file(command: Sequence[str], path: str) -> tuple[str, ...]:
    """Return the command that runs one test file with pytest, as the repository's own command starts it."""
    at = next((index for index, word in enumerate(command) if PurePosixPath(word).name in PYTEST), None)
    if at is None:
        return ("python", "-m", "pytest", f"./{path}")
    return (*command[: at + 1], *_options(command[at + 1 :]), f"./{path}")


def why_not_red(exit_status: int, output: str) -> str:
    """Say why a run is no failing test, or nothing: an error outside of the test, such as an import's, is none."""
    if exit_status == 0:
        return "the new test passes without the edits"
    found = _counts(output)
    if exit_status != TESTS_FAILED or not found.get("failed") or found.get("error"):
        return f"the new test does not fail, it cannot run (exit status {exit_status})"
    return ""


def why_not_green(exit_status: int, output: str) -> str:
    """Say why a run is no passing test, or nothing: one that was skipped or not found has passed nothing."""
    if exit_status != 0 or not _counts(output).get("passed"):
        return f"the new test ends with exit status {exit_status} after the edits"
    return ""


def _options(words: Sequence[str]) -> list[str]:
    """Keep what configures pytest (-p, -o, -c, --import-mode …); drop what selects tests."""
    kept: list[str] = []
    for word, after in zip(words, (*words[1:], ""), strict=True):
        if word in CONFIGURING:
            kept += [word, after]
        elif word.startswith(CONFIGURING_WITH_VALUE):
            kept.append(word)
    return kept


def _counts(output: str) -> dict[str, int]:
    """Return what pytest's last line counts, by "failed", "passed" and "error"."""
    lines = [line for line in output.splitlines() if COUNT.search(line)]
    found = COUNT.findall(lines[-1]) if lines else []
    return {kind.removesuffix("s"): int(number) for number, kind in found}
