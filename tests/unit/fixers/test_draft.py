"""From a diagnosis to the proposals worth verifying."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from clustering.failure import Failure
from clustering.failure_mode import FailureMode, Status
from fixers.assignment import Assignment
from fixers.code_index import CodeIndex
from fixers.diagnosis import Layer
from fixers.draft import Drafted, draft, read_sources
from fixers.harness import Harness
from fixers.proposal import Edit, Proposal
from tests.unit.fixers.red_green import DIAGNOSIS, HARNESSES
from webhooks.trace import Span, Trace

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHA = "0" * 40
MODE = FailureMode(
    id="m1", title="", status=Status.NEW, detector="error", key="RateLimitError", centroid=np.zeros(2, np.float32),
    exemplars=(), n_traces=1, n_sessions=1, n_users=1, first_seen=NOW, last_seen=NOW,
)  # fmt: skip
FAILURE = Failure(
    trace_id="t1", span_id="s1", detector="error", key="RateLimitError", message="429", reason="", occurred_at=NOW
)
BY_AGENT = Proposal(
    failure_mode_id="m1", base_sha=SHA, diagnosis=DIAGNOSIS, author="agent", title="Fix it", rationale="", risk="",
    edits=(Edit(path="agent.py", before="", after="x = 1\n"),), regression_test="agent.py",
)  # fmt: skip


def trace(trace_id: str, *names: str) -> Trace:
    spans = [Span(trace_id=trace_id, span_id=f"s{i}", name=name, start=NOW) for i, name in enumerate(names)]
    return Trace.from_spans(spans)


def drafted(failures: Sequence[Failure] = (FAILURE,), harness: Harness | None = None, **options: Any) -> Drafted:  # noqa: ANN401 - draft()'s own
    assignment = Assignment(
        mode=options.pop("mode", MODE), failures=failures, traces={"t1": trace("t1", "chat")},
        healthy=[trace("t2", "chat"), trace("t3", "other")], diagnosis=options.pop("diagnosis", DIAGNOSIS),
        checkout=HARNESSES / "plain", index=CodeIndex({}), harness=harness or Harness(name="agent"), base_sha=SHA,
    )  # fmt: skip
    return draft(assignment, **options)


def test_a_recipe_that_fits_drafts_the_proposal() -> None:
    (proposal,) = drafted().proposals
    assert (proposal.author, proposal.base_sha, proposal.diagnosis.layer) == ("recipe:retry", SHA, Layer.LIFECYCLE)
    assert len(proposal.title) <= 70
    assert proposal.regression_test in {edit.path for edit in proposal.edits}


def test_the_manifest_names_what_should_stop_and_what_might_start() -> None:
    (proposal,) = drafted().proposals
    assert (proposal.predicted_fixes, proposal.at_risk) == (("t1",), ("t2",))


def test_edits_outside_the_scope_are_dropped_with_a_note() -> None:
    found = drafted(harness=Harness(name="agent", deny=("agent.py",)))
    assert found.proposals == ()
    assert "recipe:retry: agent.py: denied by agent.py" in found.notes


def test_the_agent_is_not_asked_when_a_recipe_fits() -> None:
    def agent() -> str:
        raise AssertionError("asked")

    assert drafted(agent=agent).proposals


def test_the_agent_drafts_what_no_recipe_does() -> None:
    (proposal,) = drafted(mode=replace(MODE, detector="policy"), agent=lambda: BY_AGENT).proposals
    assert (proposal.author, proposal.predicted_fixes) == ("agent", ("t1",))


def test_the_agents_edits_are_checked_too() -> None:
    bad = replace(BY_AGENT, edits=(Edit(path=".github/workflows/x.yml", before=None, after=""),))
    found = drafted(mode=replace(MODE, detector="policy"), agent=lambda: bad)
    assert found.proposals == ()
    assert ".github" in found.notes[-1]


def test_the_agents_reason_is_kept() -> None:
    found = drafted(mode=replace(MODE, detector="policy"), agent=lambda: "budget ended")
    assert found.notes[-1] == "agent: budget ended"


def test_without_a_recipe_or_an_agent_the_note_says_so() -> None:
    found = drafted(mode=replace(MODE, detector="policy", key="refund"))
    assert found.notes == ("no recipe fits policy failures of 'refund'",)


def test_links_and_binary_files_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / "b.py").write_bytes(b"\xff\xfe")
    (tmp_path / "c.py").symlink_to(tmp_path / "a.py")
    assert set(read_sources(tmp_path)) == {"a.py"}
