"""How far the bot goes for one agent: what its owners allow is the ceiling, and its own record may lower it.

The rule, in full. Counted are the agent's pull requests of the last 90 days that people merged or closed; one with
which production got worse, or that was taken back, counts as closed.

* `ready` needs at least 5 of them, and a share of merges that is at least one half with 95 % confidence (the lower end
  of Wilson's interval: 5 of 5, 7 of 8). Else `draft`.
* `draft` becomes `issue` when there are at least 5 and the share is below one half with 95 % confidence (its upper end:
  0 of 5, 1 of 8). What people refused grows old, so that after 90 days the bot may try again.
* Nothing lowers it to `observe`, and nothing raises it above the ceiling.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from bot.store.pull_requests import Opened
from fixers.harness import Autonomy
from fixers.statistics import wilson_interval

WINDOW = timedelta(days=90)
MIN_DECIDED = 5
FAIR_SHARE = 0.5
LEVELS = tuple(Autonomy)


class Standing(NamedTuple):
    """How far the bot goes now, and why."""

    autonomy: Autonomy
    reason: str


def standing(ceiling: Autonomy, opened: Sequence[Opened], *, now: datetime) -> Standing:
    """Return how far the bot goes for the agent whose pull requests are `opened`."""
    states = [each.pull_request.state for each in opened if each.opened_at > now - WINDOW]
    n_merged, n_decided = states.count("merged"), states.count("merged") + states.count("closed")
    record = f"{n_merged} of {n_decided} decided pull requests merged in {WINDOW.days} days"
    if n_decided < MIN_DECIDED:
        record += f" ({MIN_DECIDED} are needed to move)"
    earned = _earned(n_merged, n_decided)
    if LEVELS.index(earned) < LEVELS.index(ceiling):
        return Standing(earned, f"{ceiling} is allowed, {earned} is earned: {record}")
    return Standing(ceiling, f"{ceiling} is allowed: {record}")


def _earned(n_merged: int, n_decided: int) -> Autonomy:
    if n_decided < MIN_DECIDED:
        return Autonomy.DRAFT
    low, high = wilson_interval(n_merged, n_decided)
    if low >= FAIR_SHARE:
        return Autonomy.READY
    return Autonomy.ISSUE if high < FAIR_SHARE else Autonomy.DRAFT
