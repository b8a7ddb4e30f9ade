"""Evidence: what happened when a proposal was tried, case by case."""

from dataclasses import dataclass
from enum import StrEnum

from fixers.expected import Expected


class Arm(StrEnum):
    """Which version of the repository ran."""

    BEFORE = "before"
    AFTER = "after"


class Result(StrEnum):
    """How one run of one case ended."""

    PASSED = "passed"
    FAILED = "failed"
    #: The run needed an answer that was never recorded, or could not be judged: neither a pass nor a failure.
    INCONCLUSIVE = "inconclusive"


class Role(StrEnum):
    """Why a case is in the evidence."""

    #: A trace of the failure mode.
    FAILING = "failing"
    #: A healthy trace that must stay healthy.
    GUARD = "guard"


class Verdict(StrEnum):
    """What the evidence says of a proposal; only VERIFIED opens a pull request."""

    VERIFIED = "verified"
    #: The new test is red before and green after, and the repository's own tests pass; but there is no replay command,
    #: so nothing shows that the recorded runs would no longer fail. Never opens a pull request by itself.
    UNREPLAYED = "tested, not replayed"
    #: The repository has no tests, or no replay command.
    NOT_TESTABLE = "not testable"
    #: The repository's own tests fail before any edit, and cannot be told apart.
    TESTS_ALREADY_FAIL = "tests already fail"
    #: The edits do not apply to the base commit.
    DOES_NOT_APPLY = "does not apply"
    #: An edit lies outside the allowed paths, or is of a forbidden kind.
    OUT_OF_SCOPE = "out of scope"
    #: The repository's own tests pass before the edits and fail after them.
    BREAKS_TESTS = "breaks tests"
    #: The regression test is not red before the edits and green after them.
    TEST_PROVES_NOTHING = "test proves nothing"
    #: The failure shows again when the failing runs are replayed on the edited code.
    NOT_FIXED = "not fixed"
    #: A healthy run fails when replayed on the edited code.
    REGRESSION = "regression"
    #: Too few conclusive cases to tell a difference from chance.
    TOO_NOISY = "too noisy to say"
    #: No isolation on this machine, and the repository is not our own example.
    NO_SANDBOX = "no sandbox"
    #: No recipe fits, and no model is configured or the model did not submit a proposal.
    NO_PROPOSAL = "no proposal"
    #: The same fix is in another pull request, or on the default branch already.
    DUPLICATE = "duplicate"
    #: Something around the proposal failed: the configuration, the forge, the sandbox, the disk. Tried again later.
    FAULT = "fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """One case replayed once on one arm."""

    trace_id: str
    role: Role
    arm: Arm
    result: Result
    #: Why, in a sentence: what failed again, or which call was not recorded.
    reason: str = ""
    #: Calls answered from this trace's own recording, from another recorded run, and by the live model or tool.
    n_recorded: int = 0
    n_pooled: int = 0
    n_live: int = 0
    #: Of a failing run: the drafter could not read it.
    held_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRun:
    """One run of a test command in the sandbox."""

    #: Not a test itself, whatever pytest thinks of the name.
    __test__ = False

    arm: Arm
    command: tuple[str, ...]
    exit_status: int
    #: Last lines of its output, at most 4,000 characters.
    output: str
    duration_s: float
    #: Tests that passed, and tests that failed, could not run or were skipped; None where they were not told apart.
    n_passed: int | None = None
    n_not_passed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that was tried on one proposal."""

    proposal_id: str
    verdict: Verdict
    #: One sentence that says why this verdict.
    reason: str
    #: How the code was isolated: "bubblewrap", or "none" for our own example only.
    isolation: str
    suite: tuple[TestRun, ...] = ()
    regression: tuple[TestRun, ...] = ()
    cases: tuple[CaseResult, ...] = ()
    #: One-sided exact p-value of the paired comparison; None when nothing could be paired.
    p_value: float | None = None
    #: The live model that answered unrecorded calls; None when none did.
    live_model: str | None = None
    duration_s: float = 0.0
    #: How often the failure should still show after a merge; None where nothing tells.
    expected: Expected | None = None
