"""Run a repository's tests in the sandbox, and tell them apart where some fail before any edit.

pytest's own report says which test passed. Everything in it comes from a stranger's code: it is found without following
links, and bounded.
"""

import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from secrets import token_hex
from typing import NamedTuple
from xml.etree import ElementTree as ET

from fixers.checkout import copy_tree, read_regular
from fixers.evidence import Arm, TestRun
from fixers.sandbox import Completed, Sandbox

OUTPUT_CHARACTERS = 4_000
MAX_REPORT_BYTES = 64 * 1024**2
MAX_NAMED = 3  # tests that a reason names
#: pytest writes it so; with this and without a DOCTYPE there are no entities to expand.
HEAD = b'<?xml version="1.0" encoding="utf-8"?>'
NOT_PASSED = frozenset({"failure", "error", "skipped"})


class Tested(NamedTuple):
    """One run of the tests."""

    run: TestRun
    #: By name, whether it passed; None when the tests were not, or could not be, told apart.
    passed: Mapping[str, bool] | None = None


class Runner(NamedTuple):
    """Where and for how long tests run."""

    sandbox: Sandbox
    timeout_s: float


def run_tests(folder: Path, arm: Arm, command: Sequence[str], runner: Runner, *, apart: bool = False) -> Tested:
    """Run `command` on a copy of `folder`; with `apart`, have pytest tell of each test, and go on past broken files."""
    report = f".tests-{token_hex(8)}.xml"
    with tempfile.TemporaryDirectory(prefix="tracewright-tests-") as temporary:
        work = Path(temporary) / "repo"
        copy_tree(folder, work)
        options = f"--junitxml={report} --continue-on-collection-errors"
        env = {"PYTEST_ADDOPTS": options} if apart else {}
        completed = runner.sandbox.run(command, cwd=work, env=env, timeout_s=runner.timeout_s)
        passed = _read(work, report) if apart and not completed.stopped else None
    run = TestRun(
        arm=arm,
        command=tuple(command),
        exit_status=completed.exit_status,
        output=_shown(completed),
        duration_s=completed.duration_s,
        n_passed=sum(passed.values()) if passed else None,
        n_not_passed=sum(not each for each in passed.values()) if passed else None,
    )
    return Tested(run, passed)


def is_pytest(command: Sequence[str]) -> bool:
    """Whether the command starts pytest, also as a word of a line for a shell."""
    words = (word for part in command for word in part.split())
    return any(PurePosixPath(word).name in {"pytest", "py.test"} for word in words)


def no_longer_passing(before: Iterable[Mapping[str, bool]], after: Mapping[str, bool]) -> list[str]:
    """Return the tests that passed in every run before the edits and do not pass after them, by name."""
    runs = list(before)
    steady = {name for name in runs[0] if all(run.get(name) for run in runs)} if runs else set()
    return sorted(name for name in steady if not after.get(name))


def told(names: Sequence[str]) -> str:
    """Return the first of the names, and how many more there are."""
    shown = ", ".join(name[:120] for name in names[:MAX_NAMED])
    return f"{shown} and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else shown


def _read(work: Path, report: str) -> dict[str, bool] | None:
    """Read the reports; several where a command starts pytest in several folders, with the folder before the name."""
    found: dict[str, bool] = {}
    for parent, folders, names in os.walk(work, followlinks=False):
        folders.sort()
        if report in names:
            place = Path(parent).relative_to(work).as_posix()
            content = read_regular(Path(parent) / report, MAX_REPORT_BYTES)
            read = _outcomes(content or b"")
            if read is None:
                return None
            found |= {name if place == "." else f"{place}: {name}": passed for name, passed in read.items()}
    return found or None


def _outcomes(content: bytes) -> dict[str, bool] | None:
    """Return what a report says of each test, a name that comes twice passing only when both do."""
    if not content.startswith(HEAD) or re.search(rb"<!(DOCTYPE|ENTITY)", content):
        return None
    try:
        root = ET.fromstring(content)  # noqa: S314 - UTF-8 without a DOCTYPE, as checked above
    except ET.ParseError:
        return None
    outcomes: dict[str, bool] = {}
    for case in root.iter("testcase"):
        name = f"{case.get('classname', '')}::{case.get('name', '')}"
        passed = not any(child.tag in NOT_PASSED for child in case)
        outcomes[name] = outcomes.get(name, True) and passed
    return outcomes


def _shown(completed: Completed) -> str:
    # pytest counts on the last line of stdout, so that comes last.
    stopped = f"\nstopped: {completed.stopped}" if completed.stopped else ""
    return f"{completed.stderr}{completed.stdout}{stopped}".strip()[-OUTPUT_CHARACTERS:]
