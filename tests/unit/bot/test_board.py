"""The dashboard issue shows what waits, and a checked box lets it go out."""

from pathlib import Path

from bot.board import read_boards, write_boards
from bot.pr_body.dashboard_issue import MARKER, checked
from bot.stages import ProductStages
from tests.unit.bot.recorded_product import DISCRETIONS, LOCAL
from tests.unit.bot.test_queue import occupy, run, stages_with


def board(stages: ProductStages) -> str:
    """Write the dashboard and return what it says."""
    agents = stages.agents(LOCAL)
    write_boards(stages.store, LOCAL, agents, stages.ledger.queue, DISCRETIONS.of(LOCAL))
    (agent,) = agents.readable
    return agent.forge.read_issue(MARKER) or ""


def check_box(stages: ProductStages, body: str) -> None:
    (agent,) = stages.agents(LOCAL).readable
    agent.forge.keep_issue(MARKER, "Tracewright dashboard", body.replace("- [ ]", "- [x]"))


def test_a_fix_that_waits_goes_out_when_its_box_is_checked(tmp_path: Path) -> None:
    stages = stages_with(tmp_path, dashboard=True)
    occupy(stages)
    assert run(stages) == []
    told = board(stages)
    (mode,) = stages.store.failure_modes(LOCAL)
    assert f"- [ ] <!-- tracewright:go:{mode.id} -->" in told
    assert "1 of at most 1 pull requests are open for the agent" in told
    check_box(stages, told)
    assert len(run(stages)) == 1
    assert "Nothing waits." in board(stages)


def test_findings_are_listed_where_nothing_is_drafted_unasked(tmp_path: Path) -> None:
    stages = stages_with(tmp_path, autonomy="issue", dashboard=True)
    assert run(stages) == []
    told = board(stages)
    assert "Nothing waits." in told
    assert "- [ ] <!-- tracewright:go:" in told.split("## Findings")[1]
    check_box(stages, told)
    assert len(run(stages)) == 1


def test_a_box_that_was_checked_meanwhile_stays_checked(tmp_path: Path) -> None:
    stages = stages_with(tmp_path, autonomy="issue", dashboard=True)
    run(stages)
    check_box(stages, board(stages))
    assert "- [x]" in board(stages)


def test_the_record_of_the_agent_is_shown_with_the_rule_s_numbers(tmp_path: Path) -> None:
    stages = stages_with(tmp_path, dashboard=True)
    assert "shop: draft is allowed: 0 of 0 decided pull requests merged in 90 days" in board(stages)


def test_without_the_owners_wish_there_is_no_issue(tmp_path: Path) -> None:
    stages = stages_with(tmp_path)
    occupy(stages)
    run(stages)
    read_boards(stages.store, LOCAL, stages.agents(LOCAL))
    assert not board(stages)


def test_a_box_for_something_else_asks_for_nothing() -> None:
    body = "- [x] <!-- tracewright:go:abc --> a\n- [ ] <!-- tracewright:go:def --> b\n- [x] <!-- tracewright:go:ghi -->"
    assert checked(body, {"abc", "def"}) == ["abc"]
