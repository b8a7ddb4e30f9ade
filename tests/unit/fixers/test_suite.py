"""A repository's own tests, told apart where some of them fail before any edit."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from clustering.detect import DETECTORS
from fixers.evidence import Arm, Evidence, Verdict
from fixers.sandbox import Completed
from fixers.suite import Runner, is_pytest, no_longer_passing, run_tests
from fixers.verify import verify
from tests.unit.fixers.recorded_runs import (
    HARNESS,
    REPOSITORY,
    edit,
    failing,
    healthy,
    proposal,
    rate_limit,
    settings,
    unisolated,
    write_repository,
)

PYTEST = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider")
RED = "import settings\ndef test_red():\n    assert 0\ndef test_small():\n    assert settings.ATTEMPTS < 9\n"
BROKEN = "import no_such_module\n"
REPORT = '<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite>{}</testsuite></testsuites>'


def tried(folder: Path, files: Mapping[str, str], attempts: int) -> Evidence:
    run = failing(1)
    return verify(
        proposal(edit("settings.py", settings(attempts))),
        checkout=write_repository(folder / "checkout", {**REPOSITORY, **files}),
        harness=replace(HARNESS, test=PYTEST, replay=None),
        sandbox=unisolated(),
        failing=[run],
        guard=[healthy(1)],
        pool=[],
        failures={run.trace_id: [rate_limit(run)]},
        detectors=DETECTORS,
        tests_suffice=True,
    )


def test_tests_that_fail_before_any_edit_are_not_held_against_it(tmp_path: Path) -> None:
    evidence = tried(tmp_path, {"test_agent.py": RED, "test_broken.py": BROKEN}, 2)
    assert evidence.verdict is Verdict.UNREPLAYED, evidence.reason
    told = [(run.arm, run.n_passed, run.n_not_passed) for run in evidence.suite]
    assert told == [(Arm.BEFORE, 1, 2), (Arm.AFTER, 2, 2)]  # the new test is one of those that pass


def test_a_test_that_newly_fails_among_red_ones_breaks_tests(tmp_path: Path) -> None:
    evidence = tried(tmp_path, {"test_agent.py": RED}, 9)
    assert evidence.verdict is Verdict.BREAKS_TESTS
    assert evidence.reason == "1 tests no longer pass after the edits: test_agent::test_small"


def test_where_nothing_passes_there_is_nothing_to_compare(tmp_path: Path) -> None:
    evidence = tried(tmp_path, {"test_agent.py": BROKEN}, 2)
    assert evidence.verdict is Verdict.TESTS_ALREADY_FAIL


class Writes(NamedTuple):
    """Stands in for a sandbox: a command that leaves this report behind, or a link to it."""

    content: str
    link_to: Path | None = None
    name = "none"

    def run(self, command: object, *, cwd: Path, env: Mapping[str, str], timeout_s: float, **_: object) -> Completed:  # noqa: ARG002
        name = env["PYTEST_ADDOPTS"].split()[0].removeprefix("--junitxml=")
        if self.link_to:
            self.link_to.write_text(self.content)
            (cwd / name).symlink_to(self.link_to)
        else:
            (cwd / name).write_text(self.content)
        return Completed(exit_status=1, stdout="", stderr="", timed_out=False, duration_s=0.0)


def read(folder: Path, sandbox: Writes) -> Mapping[str, bool] | None:
    (folder / "checkout").mkdir()
    return run_tests(folder / "checkout", Arm.BEFORE, PYTEST, Runner(sandbox, 9.0), apart=True).passed


def test_a_report_says_of_each_test_whether_it_passed(tmp_path: Path) -> None:
    cases = (
        '<testcase classname="a" name="good"/><testcase classname="a" name="bad"><failure message="no"/></testcase>'
        '<testcase classname="a" name="twice"/><testcase classname="a" name="twice"><error/></testcase>'
        '<testcase classname="a" name="out"><skipped/></testcase>'
    )
    found = read(tmp_path, Writes(REPORT.format(cases)))
    assert found == {"a::good": True, "a::bad": False, "a::twice": False, "a::out": False}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<testsuites/>",
        REPORT.format("")[:-5],
        REPORT.format("").replace("?><", '?><!DOCTYPE t [<!ENTITY a "aa">]><'),
        REPORT.format("").replace("utf-8", "utf-16"),
    ],
)
def test_a_strange_report_tells_nothing(tmp_path: Path, content: str) -> None:
    assert read(tmp_path, Writes(content)) is None


def test_a_report_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    good = REPORT.format('<testcase classname="a" name="good"/>')
    assert read(tmp_path, Writes(good, link_to=tmp_path / "elsewhere.xml")) is None


def test_only_what_always_passed_before_counts() -> None:
    before = [{"a": True, "b": True, "c": False}, {"a": True, "b": False, "c": False}]
    assert no_longer_passing(before, {"a": True, "b": False, "c": False}) == []
    assert no_longer_passing(before, {"b": True}) == ["a"]


def test_pytest_is_known_by_its_name_also_in_a_shells_line() -> None:
    assert is_pytest(PYTEST)
    assert is_pytest(("sh", "-c", "cd x && /opt/bin/pytest -q"))
    assert not is_pytest(("tox", "-e", "py"))
