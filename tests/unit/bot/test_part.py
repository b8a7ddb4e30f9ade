"""`/tracewright split` parts a failure mode, or says what would."""

from pathlib import Path

import pytest

from bot.errand import Errand, Kind
from bot.part import part
from tests.unit.bot.grouped_store import BALANCE, ENCODER, TENANT, Grouped
from tests.unit.bot.recorded_product import DISCRETIONS, LOCAL
from tests.unit.bot.test_handlers_checks import PROPOSAL, World, world
from tests.unit.bot.test_handlers_checks import TENANT as ACME
from tests.unit.bot.test_handlers_commands import comment
from tests.unit.bot.test_queue import comments, run, stages_with

__all__ = ["world"]  # a fixture


@pytest.fixture
def grouped(tmp_path: Path) -> Grouped:
    made = Grouped(tmp_path)
    made.fail(f"{BALANCE} this morning", 3)
    made.fail(f"{BALANCE} this evening", 2)
    return made


def test_the_command_is_a_workers_errand_with_its_words(world: World) -> None:
    comment(world, "/tracewright split has: morning")
    assert world.forge.acknowledged == [5]
    assert world.started == [Errand(Kind.SPLIT, ACME, PROPOSAL.id, words="has: morning")]


@pytest.mark.parametrize("times", [1, 2])
def test_the_parts_are_told_with_the_one_that_the_pull_request_is_for(grouped: Grouped, times: int) -> None:
    (mode,) = grouped.group()
    for _ in range(times):
        done, told = part(
            grouped.store, TENANT, mode, "has:morning", encoder=ENCODER, discretion=DISCRETIONS.of(TENANT)
        )
    assert done
    assert "into 2 failure modes" in told
    assert f"`{mode.id}` " in told
    assert "3 traces, **this pull request**" in told
    assert "2 traces\n" in told


@pytest.mark.parametrize("by", ["", "colour", "service", "has:"])
def test_what_would_part_it_is_told_when_the_words_do_not(grouped: Grouped, by: str) -> None:
    (mode,) = grouped.group()
    done, told = part(grouped.store, TENANT, mode, by, encoder=ENCODER, discretion=DISCRETIONS.of(TENANT))
    assert (done, grouped.store.wishes(TENANT)) == (False, [])
    assert "`/tracewright split message`: 2 parts" in told
    assert "split service" not in told


def test_a_split_that_cannot_be_is_answered_below_the_pull_request(tmp_path: Path) -> None:
    stages = stages_with(tmp_path)
    assert run(stages)
    (opened,) = stages.store.pull_requests(LOCAL)
    stages.do(Errand(Kind.SPLIT, LOCAL, opened.proposal_id, words="colour"))
    assert "What would part it" in comments(tmp_path)["answers"]
