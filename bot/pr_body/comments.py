"""What the bot says below a pull request, each thing once."""

from bot.pr_body import facts
from bot.pr_body.escape import prose
from clustering.failure_mode import FailureMode


def also_mends(mode: FailureMode) -> str:
    """Say that another failure mode has this very fix."""
    return (
        f"The same change would mend another failure mode, so it gets no pull request of its own: "
        f"**{prose(mode.title, limit=200)}**: {facts.for_whom(mode, None)}"
    )
