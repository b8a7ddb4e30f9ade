"""What happens to a failure mode whose pull request was closed."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.errand import Errand, Kind
from bot.forge.forge import State
from bot.outcome import Reason
from bot.stages import ProductStages
from clustering.failure_mode import Status
from tests.unit.bot.recorded_product import LOCAL
from tests.unit.bot.test_queue import comments, run, stages_with


def refused(folder: Path) -> ProductStages:
    """Return the stages after their one pull request was closed and the next run has noticed."""
    stages = stages_with(folder)
    assert len(run(stages)) == 1
    (opened,) = stages.store.pull_requests(LOCAL)
    stages.forge_of(LOCAL, opened.pull_request.repository).close(opened.pull_request)
    assert stages.choose(LOCAL) == []
    return stages


def test_a_closed_pull_request_that_nobody_told_of_is_asked_about(tmp_path: Path) -> None:
    stages = refused(tmp_path)
    (refusal,) = stages.store.refusals(LOCAL)
    assert refusal.n_sessions == stages.store.failure_modes(LOCAL)[0].n_sessions
    assert "May I ask why it was closed?" in comments(tmp_path)["why-closed"]


def test_silence_is_taken_for_an_answer_by_a_later_run(tmp_path: Path) -> None:
    stages = refused(tmp_path)
    later = replace(stages, now=lambda: stages.now() + timedelta(days=7))
    assert later.choose(LOCAL) == []
    assert stages.store.refusals(LOCAL)[0].reason is Reason.SILENCE


def test_who_asks_for_it_gets_another_attempt_with_another_fix(tmp_path: Path) -> None:
    stages = refused(tmp_path)
    (opened,) = stages.store.pull_requests(LOCAL)
    stages.store.ask_again(LOCAL, stages.store.failure_modes(LOCAL)[0].id)
    (task,) = stages.choose(LOCAL)
    assert opened.proposal_id not in stages.draft(LOCAL, task)


def test_reopen_opens_the_same_pull_request_with_new_evidence(tmp_path: Path) -> None:
    stages = refused(tmp_path)
    (before,) = stages.store.pull_requests(LOCAL)
    stages.do(Errand(Kind.REOPEN, LOCAL, before.proposal_id))
    (after,) = stages.store.pull_requests(LOCAL)
    assert after.pull_request.state == State.OPEN
    assert (stages.store.refusals(LOCAL), stages.store.failure_modes(LOCAL)[0].status) == ([], Status.ONGOING)
    assert "Open again" in comments(tmp_path)["answers"]
    assert stages.store.evidence_of(LOCAL, before.proposal_id) is not None
