"""No personal data in what people are shown; code, ids and numbers stay."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.discretion import Discretions
from bot.handlers.means import Means
from bot.handlers.requests import explain
from bot.pr_body.comments import also_mends
from bot.pr_body.dashboard_issue import MARKER
from bot.redaction import build_discretions
from bot.settings import read_settings
from bot.stages import ProductStages
from fixers.diagnosis import Quote
from fixers.evidence import Arm, CaseResult, Evidence, Result, Role, TestRun, Verdict
from fixers.proposal import Proposal
from tests.unit.bot.recorded_product import CONFIGURATION, DISCRETIONS, FILES, LOCAL, git, make_stages
from tests.unit.bot.test_queue import for_mode
from tests.unit.bot.test_submit import MODE, PROPOSAL

VALUES = ("ann.lee@example.com", "+49 30 9018 2030", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00")
SAID = f"{VALUES[0]} called from {VALUES[1]}, paid with {VALUES[2]} or {VALUES[3]}."
KINDS = ("email", "phone", "card", "iban")
ASKING = f"{CONFIGURATION}    autonomy: issue\npull_requests: {{dashboard: true}}\n"
TRACE = "4111111111111111" * 2  # sixteen digits of a card, twice
#: What is code, an id, or our own word.
KEPT = {"failure_mode_id", "base_sha", "author", "edits", "regression_test", "predicted_fixes", "at_risk"}
KEPT |= {"proposal_id", "isolation", "live_model", "command", "trace_id", "span_id", "path"}


def said(proposal: Proposal) -> Proposal:
    quote = Quote(trace_id=TRACE, span_id="b" * 16, text=f"the user said: {SAID}")
    diagnosis = replace(proposal.diagnosis, cause=SAID, quotes=(quote,))
    return replace(proposal, diagnosis=diagnosis, title=f"Call {VALUES[1]}", rationale=SAID, risk=SAID)


def evidence_on(proposal: Proposal) -> Evidence:
    run = TestRun(arm=Arm.BEFORE, command=("pytest", "-q"), exit_status=1, output=SAID, duration_s=1.0)
    case = CaseResult(trace_id=TRACE, role=Role.FAILING, arm=Arm.BEFORE, result=Result.FAILED, reason=SAID)
    return Evidence(
        proposal_id=proposal.id,
        verdict=Verdict.VERIFIED,
        reason=SAID,
        isolation="none",
        suite=(run,),
        regression=(run,),
        cases=(case,),
    )


def shown_everywhere(folder: Path, *, on: bool) -> str:
    """Return all that is written to a repository's forge about one fix: bodies, pages, checks, comments, the issue."""
    text = f"{CONFIGURATION}pull_requests: {{dashboard: true}}\n"
    discretions = Discretions(on=on, master_key=b"master")
    stages = make_stages(folder, files={**FILES, ".github/tracewright.yml": text}, discretions=discretions)
    with stages.store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE failure_modes SET title = :title"), {"title": json.dumps(SAID)})
    (mode,) = stages.store.failure_modes(LOCAL)
    proposal = said(for_mode(stages, mode.id))
    stages.store.save_proposal(LOCAL, proposal)
    stages.ledger.settle(LOCAL, mode, proposal, evidence_on(proposal))
    stages.show(LOCAL)
    assert stages.submit(LOCAL, proposal.id, asked=True)
    stages.report(LOCAL, proposal.id)
    [opened] = stages.store.pull_requests(LOCAL)
    explain(means_of(stages), LOCAL, opened)
    written = [path.read_text() for path in sorted((folder / "pull-requests").rglob("*")) if path.is_file()]
    return plain("\n".join([*written, git(folder / "shop", "log", "--format=%B", opened.pull_request.head_branch)]))


def means_of(stages: ProductStages) -> Means:
    return Means(
        store=stages.store,
        forge_of=stages.forge_of,
        now=stages.now,
        discretions=stages.discretions,
        start=lambda _: None,
        end_work=lambda _: None,
    )


def test_no_personal_data_reaches_the_repository(tmp_path: Path) -> None:
    told = shown_everywhere(tmp_path, on=True)
    assert [value for value in VALUES if value in told] == []
    assert [kind for kind in KINDS if f"redacted:{kind}:" not in told] == []
    assert TRACE in told


def test_an_operator_may_show_it(tmp_path: Path) -> None:
    told = shown_everywhere(tmp_path, on=False)
    assert [value for value in VALUES if value not in told] == []
    assert "redacted:" not in told


def test_what_the_dashboard_issue_lists_is_discreet(tmp_path: Path) -> None:
    stages = make_stages(tmp_path, files={**FILES, ".github/tracewright.yml": ASKING})
    with stages.store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE failure_modes SET title = :title"), {"title": json.dumps(SAID)})
    (mode,) = stages.store.failure_modes(LOCAL)
    stages.choose(LOCAL)
    proposal = said(for_mode(stages, mode.id))
    stages.store.save_proposal(LOCAL, proposal)
    stages.ledger.settle(LOCAL, mode, proposal, replace(evidence_on(proposal), verdict=Verdict.NOT_FIXED))
    stages.show(LOCAL)
    (agent,) = stages.agents(LOCAL).readable
    told = plain(agent.forge.read_issue(MARKER) or "")
    assert told.count("redacted:email:") == 2  # the title, and why the last attempt failed
    assert [value for value in VALUES if value in told] == []


def test_every_text_that_is_neither_code_nor_an_id_is_looked_at() -> None:
    discretion = DISCRETIONS.of(LOCAL)
    proposal = said(PROPOSAL)
    shown = {"": asdict(discretion.proposal(proposal)), "e": asdict(discretion.evidence(evidence_on(proposal)))}
    left = {name for name, text in texts(shown) if discretion.text(text) != text}
    assert left <= KEPT
    assert {name for name, text in texts(asdict(proposal)) if discretion.text(text) != text} - KEPT == {
        "cause",
        "text",
        "title",
        "rationale",
        "risk",
    }


def test_equal_values_stay_equal_within_a_tenant_only(tmp_path: Path) -> None:
    discretions = build_discretions(read_settings({"TRACEWRIGHT_DATA": str(tmp_path)}))
    ours, again, theirs = (discretions.of(tenant).text(VALUES[0]) for tenant in ("7", "7", "8"))
    assert ours == again != theirs
    off = read_settings({"TRACEWRIGHT_DATA": str(tmp_path), "TRACEWRIGHT_HIDE_PERSONAL_DATA": "0"})
    assert build_discretions(off).of("7").text(VALUES[0]) == VALUES[0]


def test_the_note_on_a_twin_is_discreet() -> None:
    assert VALUES[0] not in also_mends(DISCRETIONS.of(LOCAL).mode(replace(MODE, title=SAID)))


def plain(text: str) -> str:
    """Return what a reader sees of Markdown whose mentions and links were made inert."""
    return re.sub(r"&#8203;|\\*u200b|\u200b|\\", "", text)


def texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401  # what `asdict` makes
    """Yield each text with the field that it stands in."""
    if isinstance(value, dict):
        for key, found in value.items():
            yield from texts(found, key)
    elif isinstance(value, list | tuple):
        for found in value:
            yield from texts(found, name)
    elif isinstance(value, str):
        yield name, value
