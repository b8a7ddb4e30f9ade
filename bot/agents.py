"""Agent: one harness in one repository, on the commit that its default branch points to now."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from bot.forge.forge import Base, Forge
from fixers.harness import CONFIGURATION_PATH, Harness, read_harnesses


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """An agent that traces can belong to, and where its code lives."""

    forge: Forge
    base: Base
    harness: Harness

    def owns(self, service: str) -> bool:
        """Whether traces of this service.name come from this agent."""
        return any(fnmatchcase(service, pattern) for pattern in self.harness.services)


def read_agents(repositories: Iterable[str], forge_of: Callable[[str], Forge]) -> list[Agent]:
    """Read the agents of these repositories from the configuration on each default branch.

    Raises
    ------
    fixers.harness.ConfigurationError
        When a configuration file is wrong, naming line and key.
    bot.errors.ForgeError
        When a repository cannot be read.

    """
    return [agent for repository in repositories for agent in _agents_of(forge_of(repository))]


def owner_of(service: str, agents: Iterable[Agent]) -> Agent | None:
    """Return the first agent that owns this service, or None."""
    return next((agent for agent in agents if agent.owns(service)), None)


def _agents_of(forge: Forge) -> list[Agent]:
    base = forge.base()
    text = forge.read_file(CONFIGURATION_PATH, base.sha) or ""
    name = forge.repository.rstrip("/").rsplit("/", 1)[-1]
    return [Agent(forge=forge, base=base, harness=harness) for harness in read_harnesses(text, repository=name)]
