"""The same fix is the same, whatever it was drafted for."""

from dataclasses import replace

from bot.same_fix import applies, is_there, patch_id
from fixers.proposal import Edit, Proposal
from tests.unit.bot.test_submit import PROPOSAL

TEST = Edit(path="tests/test_retry.py", before=None, after="def test_retry(): ...\n")
FIX = Edit(path="agent.py", before="a = 1\nb = 2\n", after="a = 9\nb = 2\n")


def proposal(*edits: Edit, mode: str = "fm7") -> Proposal:
    return replace(PROPOSAL, edits=edits, failure_mode_id=mode, regression_test=TEST.path)


def test_another_failure_mode_base_and_test_make_no_other_fix() -> None:
    moved = Edit(path="agent.py", before="import os\n\na = 1\nb = 2\n", after="import os\n\n\na = 9  \nb = 2\n")
    other_test = replace(TEST, after="def test_other(): ...\n")
    assert proposal(FIX, TEST).id != proposal(moved, other_test, mode="fm8").id
    assert patch_id(proposal(FIX, TEST)) == patch_id(proposal(moved, other_test, mode="fm8"))


def test_another_line_or_another_file_is_another_fix() -> None:
    ids = {patch_id(proposal(each)) for each in (FIX, replace(FIX, after="a = 8\nb = 2\n"), replace(FIX, path="b.py"))}
    assert len(ids) == 3


def test_a_fix_is_there_when_every_file_is_as_it_would_leave_it() -> None:
    files = {"agent.py": "a = 9\n\nb = 2\n"}
    assert is_there(proposal(FIX, TEST), files.get)
    assert not is_there(proposal(FIX, TEST), {"agent.py": "a = 1\nb = 2\n"}.get)


def test_a_fix_applies_where_every_file_is_as_it_found_it() -> None:
    assert applies(proposal(FIX, TEST), {"agent.py": FIX.before, "new.py": "x"}.get)
    assert not applies(proposal(FIX, TEST), {"agent.py": FIX.before, TEST.path: "x"}.get)
    assert not applies(proposal(FIX, TEST), {"agent.py": "other"}.get)
