"""How many more healthy runs than failing ones each fix of an agent is tried on: a rule, and nothing else.

Counted are the agent's fixes of the last 90 days with which production got worse, or that were taken back. Each asks
for 8 more healthy runs; there are never more than 24. What went wrong grows old: after 90 days the number falls again.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from bot.autonomy import WINDOW
from bot.store.pull_requests import Opened

STEP, MOST = 8, 24


class GuardRuns(NamedTuple):
    """How many more healthy runs there are, and why."""

    n_more: int
    reason: str


def guard_runs(opened: Sequence[Opened], did_harm: Collection[str], *, now: datetime) -> GuardRuns:
    """Return how many more healthy runs the fixes of an agent are tried on.

    Parameters
    ----------
    opened
        The agent's pull requests.
    did_harm
        Ids of the proposals with which production got worse, or that were taken back.

    """
    n_bad = sum(each.proposal_id in did_harm and each.opened_at > now - WINDOW for each in opened)
    reason = (
        f"{n_bad} of its fixes of {WINDOW.days} days did harm after the merge: {STEP} more runs each, at most {MOST}"
    )
    return GuardRuns(min(STEP * n_bad, MOST), reason)
