"""A verified proposal with its evidence; every text of it can be replaced by a hostile one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pytest

from clustering.failure_mode import FailureMode, Status
from fixers.diagnosis import Diagnosis, Layer, Location, Quote
from fixers.evidence import Arm, CaseResult, Evidence, Result, Role, TestRun, Verdict
from fixers.proposal import Edit, Proposal

BEFORE = "def ask(client, messages):\n    return client.create(messages=messages)\n"
AFTER = "def ask(client, messages):\n    return with_retry(lambda: client.create(messages=messages))\n"


@dataclass(frozen=True, kw_only=True)
class PullRequestFacts:
    proposal: Proposal
    evidence: Evidence
    mode: FailureMode


def cases(n: int, reason: str) -> tuple[CaseResult, ...]:
    found = []
    for number in range(n):
        trace_id = f"{number:032x}"
        role = Role.FAILING if number % 2 else Role.GUARD
        failed = role is Role.FAILING
        before = Result.FAILED if failed else Result.PASSED
        found.append(
            CaseResult(trace_id=trace_id, role=role, arm=Arm.BEFORE, result=before, reason=reason, n_recorded=4)
        )
        found.append(
            CaseResult(trace_id=trace_id, role=role, arm=Arm.AFTER, result=Result.PASSED, n_recorded=5, n_pooled=1)
        )
    return tuple(found)


@pytest.fixture
def make() -> Callable[..., PullRequestFacts]:
    def make_facts(
        text: str | None = None, *, n_cases: int = 24, isolation: str = "bubblewrap", trace_id: str = "4bf92f3577b34da6"
    ) -> PullRequestFacts:
        def either(ours: str) -> str:
            return ours if text is None else text

        quote = Quote(trace_id=trace_id, span_id="00f067aa0ba902b7", text=either("Error code: 429"))
        diagnosis = Diagnosis(
            failure_mode_id="fm7",
            cause=either("The client gives up on the first 429 although the provider says when to come again."),
            layer=Layer.LIFECYCLE,
            location=Location(path=either("support_agent/client.py"), line=2),
            quotes=(quote,),
        )
        proposal = Proposal(
            failure_mode_id="fm7",
            base_sha="c0ffee" * 6 + "c0ff",
            diagnosis=diagnosis,
            author="recipe:retry_on_429",
            title=either("Retry the model call when the provider asks to wait"),
            rationale=either("Waiting for as long as Retry-After says lets the same request succeed."),
            edits=(
                Edit(path=either("support_agent/client.py"), before=BEFORE, after=either(AFTER)),
                Edit(path="tests/test_retry.py", before=None, after="def test_retry(): ...\n"),
            ),
            regression_test="tests/test_retry.py",
            risk=either("An answer may come later than before."),
            predicted_fixes=(trace_id,),
            at_risk=("a" * 32,),
            tokens=0,
        )
        return PullRequestFacts(
            proposal=proposal,
            evidence=_evidence(proposal, either, isolation=isolation, n_cases=n_cases),
            mode=FailureMode(
                id="fm7",
                title=either("RateLimitError in ask_model"),
                status=Status.ONGOING,
                detector="error",
                key="error:RateLimitError",
                centroid=np.zeros(2, np.float32),
                exemplars=(),
                n_traces=37,
                n_sessions=31,
                n_users=12,
                first_seen=datetime(2026, 10, 1, 8, 30, tzinfo=UTC),
                last_seen=datetime(2026, 11, 2, 17, 5, tzinfo=UTC),
            ),
        )

    return make_facts


def _evidence(proposal: Proposal, either: Callable[[str], str], *, isolation: str, n_cases: int) -> Evidence:
    command = ("python", "-m", "pytest", "-q", "tests/test_retry.py")
    red = TestRun(arm=Arm.BEFORE, command=command, exit_status=1, output=either("1 failed"), duration_s=0.4)
    green = TestRun(arm=Arm.AFTER, command=command, exit_status=0, output=either("1 passed"), duration_s=0.5)
    suite = tuple(
        TestRun(arm=arm, command=command[:4], exit_status=0, output=either("41 passed"), duration_s=2.0) for arm in Arm
    )
    return Evidence(
        proposal_id=proposal.id,
        verdict=Verdict.VERIFIED,
        reason=either("Every failing run passes and no healthy one fails."),
        isolation=isolation,
        suite=suite,
        regression=(red, green),
        cases=cases(n_cases, either("RateLimitError again")),
        p_value=0.000244,
        live_model=None if either("") == "" else either(""),
        duration_s=42.0,
    )
