"""What the check run shows beside its summary."""

from dataclasses import replace

import pytest

from bot.checks import ACTIONS, annotations, conclusion
from bot.forge.forge import Commit, Conclusion
from bot.strangers import strangers
from fixers.evidence import Verdict
from fixers.manners import Manners
from fixers.proposal import Edit
from tests.unit.bot.test_submit import EVIDENCE, PROPOSAL

BOT, ADA = ("bot@x", "noreply@github.com"), ("ada@x", "ada@x")


def test_the_buttons_fit_what_github_takes() -> None:
    # https://docs.github.com/en/rest/checks/runs#create-a-check-run
    assert len(ACTIONS) <= 3
    assert all(len(each.label) <= 20 and len(each.identifier) <= 20 for each in ACTIONS)
    assert all(len(each.description) <= 40 for each in ACTIONS)


def test_each_changed_place_has_a_remark_at_its_lines() -> None:
    before = "".join(f"line {n}\n" for n in range(1, 10))
    after = before.replace("line 2\n", "two\nmore\n").replace("line 8\n", "")
    edits = (
        Edit(path="agent.py", before=before, after=after),
        Edit(path=PROPOSAL.regression_test, before=None, after="def test_it():\n    assert True\n"),
        Edit(path="old.py", before="x = 1\n", after=None),
    )
    found = [(each.path, each.start_line, each.end_line) for each in annotations(replace(PROPOSAL, edits=edits))]
    assert found == [("agent.py", 2, 3), ("agent.py", 9, 9), (PROPOSAL.regression_test, 1, 2)]


@pytest.mark.parametrize(
    ("verdict", "block", "expected"),
    [
        (Verdict.VERIFIED, False, Conclusion.NEUTRAL),
        (Verdict.NOT_FIXED, False, Conclusion.NEUTRAL),
        (Verdict.VERIFIED, True, Conclusion.SUCCESS),
        (Verdict.NOT_FIXED, True, Conclusion.FAILURE),
    ],
)
def test_the_check_blocks_only_where_the_owners_ask_for_it(
    verdict: Verdict, *, block: bool, expected: Conclusion
) -> None:
    assert conclusion(replace(EVIDENCE, verdict=verdict), Manners(block_merge=block)) is expected


def commit(sha: str, who: tuple[str, str]) -> Commit:
    return Commit(sha=sha, author=who[0], committer=who[1])


def test_whoever_else_commits_is_a_stranger() -> None:
    first, second, hers = commit("1", BOT), commit("2", BOT), commit("3", ADA)
    assert strangers([first, second], "2") == []
    assert strangers([first, second, hers], "2") == [hers]
    assert strangers([first, hers, second], "2") == [hers]


def test_a_commit_after_our_last_is_not_ours_whatever_it_says() -> None:
    ours, forged = commit("1", BOT), commit("2", BOT)
    assert strangers([ours, forged], "1") == [forged]


def test_a_rewritten_branch_is_not_ours() -> None:
    assert strangers([commit("9", BOT)], "1") == [commit("9", BOT)]
