"""A merged fix with which production got worse: proposed to be taken back, with the numbers."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.errors import Refused
from bot.forge.forge import Draft, State
from bot.handlers.means import Means
from bot.handlers.table import handle
from bot.outcome import Decision, Reason
from bot.proof import Basis, Proof
from bot.revert import propose_revert, take_back
from bot.stages import ProductStages
from fixers.aftermath import Answer, Exposure, Score
from fixers.harness import Harness
from fixers.proposal import Edit, Proposal
from tests.unit.bot.recorded_product import DISCRETIONS, LOCAL, NOW, commit, git
from tests.unit.bot.test_prove import HOUR, World, world
from tests.unit.bot.test_queue import run, stages_with
from tests.unit.bot.test_submit import PROPOSAL
from webhooks.github import Delivery

__all__ = ["world"]  # a fixture
PROOF = Proof(
    proposal_id="p",
    merge_sha="a" * 40,
    merged_at=NOW,
    answer=Answer.WORSE,
    before=Exposure(n_runs=100, n_of_mode=10, n_failing=12),
    after=Exposure(n_runs=100, n_of_mode=60, n_failing=62),
    basis=Basis.RELEASE,
    predicted=Score(),
)


class Merged:
    """The one fix of an agent in a folder, merged."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.repository = folder, folder / "shop"
        self.stages: ProductStages = stages_with(folder)
        assert run(self.stages)
        (self.opened,) = self.stages.store.pull_requests(LOCAL)
        git(self.repository, "merge", "-q", "--no-ff", self.opened.pull_request.head_branch)
        self.stages.store.set_pull_request_state(LOCAL, self.opened.pull_request, "merged")

    @property
    def proposal(self) -> Proposal:
        return self.stages.ledger.proposal(LOCAL, self.opened.proposal_id)

    def propose(self) -> None:
        forge = self.stages.forge_of(LOCAL, str(self.repository))
        (mode,) = self.stages.store.failure_modes(LOCAL)
        propose_revert(self.stages.store, LOCAL, self.opened, self.proposal, mode=mode, proof=PROOF, forge=forge)

    def record(self, number: int) -> dict[str, Any]:
        return dict(json.loads((self.folder / "pull-requests" / f"{number}.json").read_text()))

    def file(self, branch: str, path: str) -> str:
        return git(self.repository, "show", f"{branch}:{path}")


@pytest.fixture
def merged(tmp_path: Path) -> Merged:
    return Merged(tmp_path)


def test_it_is_taken_back_with_the_numbers_and_linked_both_ways(merged: Merged) -> None:
    merged.propose()
    merged.propose()  # a repeated step
    (revert,) = merged.stages.store.reverts(LOCAL)
    told = merged.record(2)
    assert (revert.number, revert.proposal_id) == (2, merged.opened.proposal_id)
    assert f"Revert “{merged.opened.pull_request.title}”"[:40] in told["title"]
    assert "takes back pull request 1" in told["body"]
    assert "| 10 of 100 (" in told["body"]
    assert "| 60 of 100 (" in told["body"]
    assert "I propose to take it back: pull request 2" in merged.record(1)["comments"]["answers"]
    assert told["draft"] is True
    parents = git(merged.repository, "diff", "--stat", "main~1", revert.head_branch)
    assert parents == ""  # the very tree of before the merge, the regression test gone too
    message = git(merged.repository, "log", "-1", "--format=%B", revert.head_branch)
    assert f"Evidence-Run: {merged.opened.proposal_id}" in message


def test_what_others_changed_in_the_same_file_stays(merged: Merged) -> None:
    path = merged.proposal.edits[0].path
    commit(merged.repository, {path: merged.file("main", path) + "# Ours.\n"})
    merged.propose()
    (revert,) = merged.stages.store.reverts(LOCAL)
    assert merged.file(revert.head_branch, path) == f"{merged.proposal.edits[0].before}# Ours.\n"


def test_changed_lines_are_left_to_people(merged: Merged) -> None:
    path = merged.proposal.edits[0].path
    commit(merged.repository, {path: merged.file("main", path).replace("2", "5")})
    merged.propose()
    assert merged.stages.store.reverts(LOCAL) == []
    assert "the same lines were changed" in merged.record(1)["comments"]["answers"]


def test_what_is_gone_already_is_not_taken_back_again(merged: Merged) -> None:
    git(merged.repository, "revert", "-m", "1", "--no-edit", "HEAD")
    merged.propose()
    assert merged.stages.store.reverts(LOCAL) == []
    assert "nothing to take back" in merged.record(1)["comments"]["answers"]


def test_a_merged_revert_makes_the_fix_a_refused_one_that_never_comes_again(merged: Merged) -> None:
    merged.propose()
    (revert,) = merged.stages.store.reverts(LOCAL)
    git(merged.repository, "merge", "-q", "--no-ff", revert.head_branch)
    merged.stages.prove(LOCAL)
    (refusal,) = merged.stages.store.refusals(LOCAL)
    assert (refusal.proposal_id, refusal.reason) == (merged.opened.proposal_id, Reason.WRONG_FIX)
    (mode,) = merged.stages.store.failure_modes(LOCAL)
    assert [each.decision for each in merged.stages.store.outcomes_of_mode(LOCAL, mode.id)] == [Decision.REVERTED]
    assert merged.stages.choose(LOCAL) == []
    merged.stages.store.ask_again(LOCAL, mode.id)
    (task,) = merged.stages.choose(LOCAL)
    assert merged.stages.draft(LOCAL, task) == []  # no model, and no recipe drafts what was taken back


def test_a_closed_revert_leaves_the_fix(merged: Merged) -> None:
    merged.propose()
    (revert,) = merged.stages.store.reverts(LOCAL)
    forge = merged.stages.forge_of(LOCAL, str(merged.repository))
    forge.close(revert.pull_request)
    means = Means(
        store=merged.stages.store,
        forge_of=merged.stages.forge_of,
        now=lambda: NOW,
        discretions=DISCRETIONS,
        start=lambda _: None,
        end_work=lambda _: None,
    )
    payload = {"installation": {"id": LOCAL}, "repository": {"full_name": str(merged.repository)}, "number": 2}
    handle(Delivery(delivery_id="d", event="pull_request", action="closed", payload=payload), means)
    assert [each.state for each in merged.stages.store.reverts(LOCAL)] == [State.CLOSED]
    assert merged.stages.store.refusals(LOCAL) == []
    merged.propose()
    assert len(merged.stages.store.reverts(LOCAL)) == 1


def test_a_revert_may_bring_nothing_that_was_not_there(merged: Merged) -> None:
    forge, fix = merged.stages.forge_of(LOCAL, str(merged.repository)), merged.proposal.edits
    now = merged.file("main", fix[0].path)
    harness = Harness(name="none")
    draft = Draft(
        head_branch="tracewright/revert-x",
        base=forge.base(),
        title="t",
        body="b",
        page_html="",
        edits=(Edit(path=fix[0].path, before=now, after=f"{fix[0].before}import os\n"),),
        commit_message="m\n",
        harness=harness,
        takes_back=fix,
    )
    with pytest.raises(Refused, match="were not there before the fix"):
        forge.open_pull_request(draft)
    other = (Edit(path="model.py", before=merged.file("main", "model.py"), after=""),)
    with pytest.raises(Refused, match="did not touch it"):
        forge.open_pull_request(replace(draft, edits=other))


def test_a_new_file_that_was_changed_since_is_not_deleted() -> None:
    assert take_back((Edit(path="a.py", before=None, after="1\n"),), lambda _: "2\n") is None


def test_worse_in_production_leads_to_it(world: World) -> None:
    world.forge.files = {edit.path: edit.after for edit in PROPOSAL.edits}
    world.ran(40, failed=10, at=-HOUR)
    world.ran(40, failed=38, at=HOUR)
    world.prove(at=2 * HOUR)
    world.prove(at=3 * HOUR)
    (draft,) = world.forge.opened
    assert "| 38 of 40 (" in draft.body
    assert "(https://github.com/acme/shop/pull/8)" in world.forge.comments["answers"]
