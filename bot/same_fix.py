"""Tell whether two fixes are the same, whatever failure mode they were drafted for and whatever they start from."""

import difflib
import hashlib
import json
from collections.abc import Callable

from fixers.proposal import Edit, Proposal


def patch_id(proposal: Proposal) -> str:
    """Return what equal fixes share: the lines that each file gains and loses, without blanks and without the new test.

    The test and the case for the eval set are left out: they are named and filled after the failure mode.
    """
    changes = sorted([edit.path, *_lines(edit)] for edit in _of_the_fix(proposal))
    return hashlib.sha256(json.dumps(changes).encode()).hexdigest()


def is_there(proposal: Proposal, read: Callable[[str], str | None]) -> bool:
    """Tell whether every file already is as the fix would leave it; `read` returns a file's text by path."""
    return all(_plain(read(edit.path)) == _plain(edit.after) for edit in _of_the_fix(proposal))


def applies(proposal: Proposal, read: Callable[[str], str | None]) -> bool:
    """Tell whether every file still is as the fix found it."""
    return all(read(edit.path) == edit.before for edit in proposal.edits)


def _of_the_fix(proposal: Proposal) -> list[Edit]:
    beside = {proposal.regression_test, proposal.eval_set}
    fix = [edit for edit in proposal.edits if edit.path not in beside]
    return fix or list(proposal.edits)


def _lines(edit: Edit) -> list[list[str]]:
    """Return the lines that go and the lines that come, in order."""
    before, after = _plain(edit.before), _plain(edit.after)
    diff = [line for line in difflib.ndiff(before, after) if line[:2] in {"- ", "+ "}]
    return [[line[2:] for line in diff if line[0] == sign] for sign in "-+"]


def _plain(text: str | None) -> list[str]:
    return [line.rstrip() for line in (text or "").splitlines() if line.strip()]
