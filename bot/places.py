"""Whether one more pull request may be opened now. Values in, a reason to wait out."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.store.pull_requests import Opened
from bot.store.taken_places import Place
from fixers.manners import Manners

DAY = timedelta(days=1)


def why_wait(
    opened: Sequence[Opened],
    *,
    repository: str,
    agent: str,
    manners: Manners,
    now: datetime,
    taken: Sequence[Place] = (),
) -> str | None:
    """Return why another pull request for `agent` has to wait, or None when there is a place for it.

    Parameters
    ----------
    opened
        Every pull request of the tenant, whatever became of it.
    taken
        Places for pull requests that may be open, though nobody noted that: they count as open.

    """
    here = [each for each in opened if each.pull_request.repository == repository]
    still_open = [each.agent for each in here if each.pull_request.state == "open"]
    about_to = [place for place in taken if place.repository == repository]
    still_open += [place.agent for place in about_to]
    times = [each.opened_at for each in here] + [place.taken_at for place in about_to]
    counts = (
        (still_open.count(agent), manners.open_per_agent, f"open for the agent {agent!r}"),
        (len(still_open), manners.open_per_repository, "open in the repository"),
        (sum(time > now - DAY for time in times), manners.new_per_day, "opened within 24 hours"),
    )
    full = next(((n, most, what) for n, most, what in counts if n >= most), None)
    return None if full is None else "{} of at most {} pull requests are {}".format(*full)
