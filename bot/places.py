"""Whether one more pull request may be opened now. Values in, a reason to wait out."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.store.pull_requests import Opened
from fixers.manners import Manners

DAY = timedelta(days=1)


def why_wait(opened: Sequence[Opened], *, repository: str, agent: str, manners: Manners, now: datetime) -> str | None:
    """Return why another pull request for `agent` has to wait, or None when there is a place for it.

    Parameters
    ----------
    opened
        Every pull request of the tenant, whatever became of it.

    """
    here = [each for each in opened if each.pull_request.repository == repository]
    still_open = [each for each in here if each.pull_request.state == "open"]
    counts = (
        (sum(each.agent == agent for each in still_open), manners.open_per_agent, f"open for the agent {agent!r}"),
        (len(still_open), manners.open_per_repository, "open in the repository"),
        (sum(each.opened_at > now - DAY for each in here), manners.new_per_day, "opened within 24 hours"),
    )
    full = next(((n, most, what) for n, most, what in counts if n >= most), None)
    return None if full is None else "{} of at most {} pull requests are {}".format(*full)
