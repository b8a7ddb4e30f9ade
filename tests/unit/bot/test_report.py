"""What became of proposals, counted."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from bot.outcome import Reason
from bot.pipeline import Task
from bot.proof import Basis, Proof
from bot.pull_request import PullRequest
from bot.refusal import Refusal
from bot.report import NOT_COMPARED, NOT_SAID, report
from bot.report_page import report_record, report_table
from bot.store.engine import open_engine
from bot.store.spending import Spent
from bot.store.store import Store
from bot.store.verdicts import RecordedVerdict
from clustering.failure_mode import Status
from fixers.aftermath import Answer, Exposure, Score
from fixers.evidence import Arm, CaseResult, Evidence, Result, Role, Verdict
from fixers.expected import expect
from fixers.proposal import Edit
from tests.unit.bot.recorded_product import LOCAL, make_stages
from tests.unit.bot.test_submit import EVIDENCE, MODE, PROPOSAL
from tests.unit.fixers.scripted_model import ScriptedModel, calls

TENANT = "42"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store(open_engine("sqlite://"), now=lambda: NOW)
    opened.connect_repository(TENANT, "acme/shop")
    opened.save_modes(TENANT, [MODE, replace(MODE, id="fm8", status=Status.REGRESSED)], {})
    yield opened
    opened.close()


def propose(store: Store, number: int, state: str, *, failure_mode_id: str = "fm7") -> str:
    """Keep a pull request that stands there now, and return its proposal's id."""
    edit = Edit(path="agent.py", before="", after=str(number))
    proposal = replace(PROPOSAL, failure_mode_id=failure_mode_id, edits=(edit,))
    store.save_proposal(TENANT, proposal)
    pull_request = PullRequest(
        repository="acme/shop",
        number=number,
        head_branch=f"tracewright/{proposal.id}",
        head_sha="1" * 40,
        url="u",
        title="t",
        state=state,
    )
    store.save_pull_request(TENANT, pull_request, proposal_id=proposal.id)
    return proposal.id


def refuse(store: Store, proposal_id: str, reason: Reason | None) -> None:
    refusal = Refusal(
        proposal_id=proposal_id,
        failure_mode_id="fm7",
        base_sha="a" * 40,
        n_sessions=8,
        refused_at=NOW,
        reason=reason,
    )
    store.keep_refusal(TENANT, refusal)


def compare(store: Store, proposal_id: str, answer: Answer, after: Exposure = Exposure()) -> None:  # noqa: B008 - frozen
    proof = Proof(
        proposal_id=proposal_id,
        merge_sha="a" * 40,
        merged_at=NOW,
        answer=answer,
        before=Exposure(),
        after=after,
        basis=Basis.MERGE,
        predicted=Score(),
        expected=expect(Exposure(n_runs=100, n_of_mode=50), n_replayed=10, n_unmended=0),
    )
    store.save_proof(TENANT, proof)


def counted(counts: object) -> dict[str, int]:
    assert isinstance(counts, dict)
    return {kind: count for kind, count in counts.items() if count}


def test_refusals_are_told_apart_by_the_reason_that_people_gave(store: Store) -> None:
    propose(store, 1, "open")
    for number, reason in enumerate([Reason.WRONG_FIX, Reason.WRONG_FIX, Reason.SILENCE, None], 2):
        refuse(store, propose(store, number, "closed"), reason)
    propose(store, 6, "closed")  # closed before anybody was asked
    refuse(store, propose(store, 7, "merged"), Reason.UNWANTED)  # somebody merged it after all
    found = report(store, TENANT)
    assert (found.n_opened, found.n_open, found.n_merged, found.n_refused) == (7, 1, 1, 5)
    assert counted(found.refused) == {Reason.WRONG_FIX: 2, Reason.SILENCE: 1, NOT_SAID: 2}
    assert set(found.refused) == {*Reason, NOT_SAID}


def test_merged_fixes_are_told_apart_by_what_production_says(store: Store) -> None:
    for number, answer in enumerate(Answer, 1):
        compare(store, propose(store, number, "merged"), answer)
    compare(store, propose(store, 10, "merged", failure_mode_id="fm8"), Answer.FIXED)
    propose(store, 11, "merged")
    propose(store, 12, "closed", failure_mode_id="fm8")  # what was refused cannot regress
    found = report(store, TENANT)
    assert found.after_merge == {"fixed": 2, "not fixed": 1, "worse": 1, "too little traffic": 1, NOT_COMPARED: 1}
    assert found.n_regressed == 1


def test_rates_that_were_foretold_are_counted_once_there_is_traffic(store: Store) -> None:
    for number, n_of_mode in enumerate([0, 5, 90], 1):
        after = Exposure(n_runs=100, n_of_mode=n_of_mode)
        compare(store, propose(store, number, "merged"), Answer.FIXED, after)
    compare(store, propose(store, 4, "merged"), Answer.TOO_LITTLE)
    assert report_record(report(store, TENANT))["expected_rates"] == {"seen": 3, "within_the_interval": 2}


def test_predictions_of_what_was_never_opened_count_too(store: Store) -> None:
    for number, fixes in enumerate([("a", "b"), ("b", "c")]):
        edit = Edit(path="agent.py", before="", after=str(number))
        proposal = replace(PROPOSAL, edits=(edit,), predicted_fixes=fixes)
        case = CaseResult(trace_id="a", role=Role.FAILING, arm=Arm.AFTER, result=Result.PASSED)
        cases = (case, replace(case, trace_id="b", result=Result.FAILED), replace(case, trace_id="c"))
        evidence = Evidence(proposal_id=proposal.id, verdict=Verdict.NOT_FIXED, reason="", isolation="", cases=cases)
        store.save_proposal(TENANT, proposal)
        store.save_evidence(TENANT, evidence)
        for reason in ("first", "again"):  # two verdicts on one proposal are one prediction
            recorded = RecordedVerdict(
                failure_mode_id="fm7",
                proposal_id=proposal.id,
                base_sha="a" * 40,
                n_traces=3,
                verdict=Verdict.NOT_FIXED,
                reason=reason,
                decided_at=NOW,
            )
            store.save_verdict(TENANT, recorded)
    found = report(store, TENANT)
    assert found.predictions == Score(n_predicted=4, n_happened=4, n_both=2)
    assert report_record(found)["predictions"]["precision"] == 0.5


def test_what_was_said_to_be_at_risk_is_scored_on_the_healthy_runs(store: Store) -> None:
    proposal = replace(PROPOSAL, at_risk=("a", "b", "never replayed"))
    case = CaseResult(trace_id="a", role=Role.GUARD, arm=Arm.AFTER, result=Result.FAILED)
    cases = (case, replace(case, trace_id="b", result=Result.PASSED), replace(case, trace_id="c"))
    evidence = Evidence(proposal_id=proposal.id, verdict=Verdict.REGRESSION, reason="", isolation="", cases=cases)
    store.save_proposal(TENANT, proposal)
    store.save_evidence(TENANT, evidence)
    recorded = RecordedVerdict(
        failure_mode_id="fm7",
        proposal_id=proposal.id,
        base_sha="a" * 40,
        n_traces=3,
        verdict=Verdict.REGRESSION,
        reason="",
        decided_at=NOW,
    )
    store.save_verdict(TENANT, recorded)
    assert report(store, TENANT).risks == Score(n_predicted=2, n_happened=2, n_both=1)


def test_the_cost_of_a_merged_fix_holds_the_attempts_that_came_to_nothing(store: Store) -> None:
    store.add_spent(TENANT, "fm7", tokens=1_000, cost_usd=0.25)
    store.add_spent(TENANT, "fm8", tokens=2_001, cost_usd=0.5)
    assert (report(store, TENANT).tokens_per_merged, report(store, TENANT).usd_per_merged) == (None, None)
    for number in (1, 2):
        propose(store, number, "merged")
    cost = report_record(report(store, TENANT))["cost"]
    assert cost == {
        "model_runs": 2,
        "tokens": 3_001,
        "usd": 0.75,
        "tokens_per_merged_fix": 1500.5,
        "usd_per_merged_fix": 0.375,
    }


def test_a_run_of_the_agent_is_paid_for_though_nothing_was_submitted(tmp_path: Path) -> None:
    model = ScriptedModel([calls(("list_files", {}), tokens=70, cost_usd=0.125)])  # then the provider fails
    stages = make_stages(tmp_path, n=1, model=model)
    (mode,) = stages.store.failure_modes(LOCAL)
    stages.store.save_proposal(LOCAL, PROPOSAL)  # of a recipe, and it did not hold: the model is asked next
    stages.store.save_evidence(LOCAL, replace(EVIDENCE, verdict=Verdict.NOT_FIXED))
    assert stages.draft(LOCAL, Task(mode.id, "attempt", tried=(PROPOSAL.id,))) == []
    assert stages.store.spent(LOCAL) == Spent(n_runs=1, tokens=70, cost_usd=0.125)


def test_the_table_says_what_the_record_says_and_what_is_not_known_yet(store: Store) -> None:
    refuse(store, propose(store, 1, "closed"), Reason.WRONG_DIAGNOSIS)
    store.add_spent(TENANT, "fm7", tokens=1_234_567, cost_usd=2.5)
    found = report(store, TENANT)
    record = report_record(found)
    console = Console(file=io.StringIO(), width=80)
    console.print(report_table(found))
    lines = [" ".join(line.split()) for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]  # a StringIO
    assert {"wrong diagnosis 1", "silence 0", "tokens 1,234,567", "usd 2.50"} <= set(lines)
    assert "usd per merged fix not known yet" in lines
    assert json.loads(json.dumps(record)) == record
    assert (record["refused"]["wrong_diagnosis"], record["predictions"]["recall"]) == (1, None)
