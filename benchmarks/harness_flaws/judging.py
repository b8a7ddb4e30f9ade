"""Judge a branch by what the fixer never saw: the flaw's hidden test, the hidden healthy visits, and the own tests."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness_flaws.flaw import FLAWS, Flaw
from fixers.sandbox import Completed, Sandbox

ROOT = Path(__file__).parents[2]
# The harnesses need no plugin, and looking for all that are installed takes longer than most suites.
PLAIN = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
TIMEOUT_S = 240.0
OWN_TESTS = ("python", "-m", "pytest", "-q")
HIDDEN_TESTS = (*OWN_TESTS, "-c", "/dev/null", "-p", "no:cacheprovider")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the tests say of a checkout."""

    hidden_passes: bool
    own_pass: bool
    healthy_pass: bool
    #: The end of the output of the first of them that is red.
    output: str

    @property
    def regresses(self) -> bool:
        """Whether something that worked is broken."""
        return not (self.own_pass and self.healthy_pass)


def judge(flaw: Flaw, checkout: Path, *, sandbox: Sandbox) -> Judgement:
    """Run the three suites on a checkout."""
    hidden = _run((*HIDDEN_TESTS, str(flaw.hidden_test)), flaw, checkout, sandbox)
    healthy = _run((*HIDDEN_TESTS, str(FLAWS / "healthy" / f"test_{flaw.harness}.py")), flaw, checkout, sandbox)
    own = sandbox.run(OWN_TESTS, cwd=checkout, env=PLAIN, timeout_s=TIMEOUT_S)
    red = next((run for run in (hidden, own, healthy) if run.exit_status), None)
    return Judgement(
        hidden_passes=hidden.exit_status == 0,
        own_pass=own.exit_status == 0,
        healthy_pass=healthy.exit_status == 0,
        output=red.stdout[-1500:] + red.stderr[-500:] if red else "",
    )


def hidden_test_passes(flaw: Flaw, checkout: Path, *, sandbox: Sandbox) -> bool:
    """Run the flaw's hidden test alone."""
    return _run((*HIDDEN_TESTS, str(flaw.hidden_test)), flaw, checkout, sandbox).exit_status == 0


def clone(repository: Path, branch: str, folder: Path) -> Path:
    """Check a branch out into a new folder."""
    subprocess.run(["git", "clone", "-q", "-b", branch, str(repository), str(folder)], check=True)
    return folder


def _run(command: tuple[str, ...], flaw: Flaw, checkout: Path, sandbox: Sandbox) -> Completed:
    env = {**PLAIN, "PYTHONPATH": str(ROOT), "HARNESS_FLAWS_FAILS": ",".join(flaw.fails)}
    return sandbox.run(command, cwd=checkout, env=env, timeout_s=TIMEOUT_S, readable=(ROOT / "benchmarks",))
