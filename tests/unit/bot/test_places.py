"""How many pull requests people are asked to read."""

import pytest

from bot.places import why_wait
from bot.store.pull_requests import Opened
from fixers.manners import Manners
from tests.unit.bot.opened import NOW, opened


def reason(*there: Opened, manners: Manners | None = None) -> str | None:
    return why_wait(there, repository="acme/shop", agent="shop", manners=manners or Manners(), now=NOW)


def test_an_agent_has_one_open_at_a_time() -> None:
    assert reason(opened(days_ago=9)) == "1 of at most 1 pull requests are open for the agent 'shop'"
    assert reason(opened("merged", days_ago=9), opened("closed", days_ago=9)) is None


def test_a_repository_has_three() -> None:
    others = [opened(agent=name, days_ago=9) for name in "abc"]
    assert reason(*others[:2]) is None
    assert reason(*others) == "3 of at most 3 pull requests are open in the repository"


def test_two_a_day_are_new_whatever_became_of_them() -> None:
    assert reason(opened("merged"), opened("closed")) == "2 of at most 2 pull requests are opened within 24 hours"
    assert reason(opened("merged"), opened("closed", days_ago=1.1)) is None


def test_another_repository_takes_no_place() -> None:
    assert reason(*[opened(repository="acme/other")] * 9) is None


@pytest.mark.parametrize("manners", [Manners(open_per_agent=2), Manners(open_per_agent=5, new_per_day=9)])
def test_the_owners_may_allow_more(manners: Manners) -> None:
    assert reason(opened(), manners=manners) is None
