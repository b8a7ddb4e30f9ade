"""A process that ends between opening a pull request and noting it lets no other one past the limit."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.forge.forge import Draft
from bot.forge.local import LocalForge
from bot.pull_request import PullRequest
from bot.stages import ProductStages
from fixers.evidence import Verdict
from tests.unit.bot.recorded_product import LOCAL, commit
from tests.unit.bot.test_queue import for_mode, hold, last_verdict, run, stages_with


class Killed(BaseException):
    """The process ends here."""


class Deadly(LocalForge):
    """Ends the process before or after a pull request is there."""

    opens = True

    def open_pull_request(self, draft: Draft) -> PullRequest:
        """Open it, or not, and be gone."""
        if self.opens:
            super().open_pull_request(draft)
        raise Killed


@pytest.fixture
def stages(tmp_path: Path) -> Iterator[ProductStages]:
    made = stages_with(tmp_path, new_per_day=9)
    yield made
    made.store.close()


def kill(stages: ProductStages, folder: Path, proposal_id: str, *, opens: bool) -> None:
    """Let a worker open a fix and end before it can note that."""
    forge = Deadly(folder / "shop", folder=folder / "pull-requests")
    forge.opens = opens
    with pytest.raises(Killed):
        replace(stages, forge_of=lambda *_: forge).submit(LOCAL, proposal_id, asked=True)
    assert stages.store.pull_requests(LOCAL) == []


def another(stages: ProductStages) -> str:
    """Verify a fix of another failure mode; return its id."""
    (mode,) = stages.store.failure_modes(LOCAL)
    stages.store.save_modes(LOCAL, [replace(mode, id="another")], {})
    other = for_mode(stages, "another", attempts=7)
    stages.store.save_proposal(LOCAL, other)
    hold(stages, other.id)
    return other.id


def test_what_was_opened_and_not_noted_keeps_its_place(stages: ProductStages, tmp_path: Path) -> None:
    (mode,) = stages.store.failure_modes(LOCAL)
    mine, other = for_mode(stages, mode.id).id, another(stages)
    hold(stages, mine)
    kill(stages, tmp_path, other, opens=True)
    assert stages.submit(LOCAL, mine) is None
    assert [entry.failure_mode_id for entry in stages.store.waiting(LOCAL)] == [mode.id]
    assert stages.submit(LOCAL, other) is not None  # the repeated step finds its own
    (opened,) = stages.store.pull_requests(LOCAL)
    assert (opened.proposal_id, stages.store.taken_places(LOCAL)) == (other, [])


def test_it_is_found_again_although_the_base_moved_meanwhile(stages: ProductStages, tmp_path: Path) -> None:
    other = another(stages)
    kill(stages, tmp_path, other, opens=True)
    commit(tmp_path / "shop", {"README.md": "New.\n"})
    assert stages.submit(LOCAL, other) is not None


def test_the_next_run_notes_what_nobody_goes_on_with(stages: ProductStages, tmp_path: Path) -> None:
    other = another(stages)
    kill(stages, tmp_path, other, opens=True)
    assert run(stages) == []
    (opened,) = stages.store.pull_requests(LOCAL)
    assert (opened.proposal_id, opened.agent) == (other, "shop")
    assert opened.pull_request.number == 1


def test_a_place_of_nothing_is_given_back(stages: ProductStages, tmp_path: Path) -> None:
    kill(stages, tmp_path, another(stages), opens=False)
    assert len(run(stages)) == 1
    assert stages.store.taken_places(LOCAL) == []


def test_what_the_gate_refuses_takes_no_place(stages: ProductStages) -> None:
    (mode,) = stages.store.failure_modes(LOCAL)
    mine = for_mode(stages, mode.id)
    (edit, *rest) = mine.edits
    bad = replace(mine, edits=(replace(edit, after="ATTEMPTS = 2  # \u202e\n"), *rest))
    stages.store.save_proposal(LOCAL, bad)
    hold(stages, bad.id)
    assert stages.submit(LOCAL, bad.id) is None
    assert last_verdict(stages)[0] is Verdict.OUT_OF_SCOPE
    assert stages.store.taken_places(LOCAL) == []
