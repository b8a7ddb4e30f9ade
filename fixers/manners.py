"""Manners: how much a repository's owners want to hear from the bot, read from its configuration file."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """What holds for the pull requests of one repository, whichever agent they mend."""

    #: Open at the same time; what is verified beyond waits in the queue.
    open_per_agent: int = 1
    open_per_repository: int = 3
    #: Opened within 24 hours, in the repository.
    new_per_day: int = 2
    #: Whether an issue shows the queue; asks for `issues: write`.
    dashboard: bool = False
    #: Whether the check run fails, and so can block a merge, when the evidence does not hold.
    block_merge: bool = False
    #: Whether a pull request in a public repository may show what recorded runs said.
    publish_runs: bool = False


DEFAULT_MANNERS = Manners()
