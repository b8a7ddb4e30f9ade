"""Pull requests as the store returns them."""

from datetime import UTC, datetime, timedelta

from bot.pull_request import PullRequest
from bot.store.pull_requests import Opened

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def opened(state: str = "open", *, agent: str = "shop", repository: str = "acme/shop", days_ago: float = 0.0) -> Opened:
    """Return a pull request that was opened so many days before `NOW`."""
    pull_request = PullRequest(
        repository=repository, number=1, head_branch="tracewright/1", head_sha="f" * 40, url="", title="", state=state
    )
    return Opened(pull_request, "p1", agent, NOW - timedelta(days=days_ago))
