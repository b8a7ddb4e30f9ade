"""Agent: one harness in one repository, on the commit that its default branch points to now."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from bot.errors import BadSetting, ForgeError
from bot.forge.forge import Base, Forge
from fixers.errors import ConfigurationError
from fixers.harness import CONFIGURATION_PATH, Autonomy, Harness, read_harnesses

EVERYTHING = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """An agent that traces can belong to, and where its code lives."""

    forge: Forge
    base: Base
    harness: Harness
    #: A person asked for a fix of a plain checkout: nothing is guessed, and without a replay command the tests decide.
    plain: bool = False

    def read_file(self, path: str) -> str | None:
        """Return a file's text on the base commit; None when there is none."""
        return self.forge.read_file(path, self.base.sha)

    def in_public(self) -> bool:
        """Ask whether strangers read what is proposed, and may not read what recorded runs said."""
        return not self.harness.manners.publish_runs and self.forge.is_public()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """What is known of a tenant's agents now."""

    readable: tuple[Agent, ...] = ()
    #: Why a repository's agents are not known, by repository.
    unreadable: Mapping[str, str] = field(default_factory=dict)

    def owner_of(self, service: str) -> Agent | None:
        """Return the first agent whose patterns match this service.name, or None.

        As long as a repository cannot be read, the pattern `*` matches nothing: the service may belong to that one.
        """
        return next((agent for agent in self.readable if self._owns(agent, service)), None)

    def _owns(self, agent: Agent, service: str) -> bool:
        patterns = (p for p in agent.harness.services if not (self.unreadable and p == EVERYTHING))
        return any(fnmatchcase(service, pattern) for pattern in patterns)


def read_agents(repositories: Iterable[str], forge_of: Callable[[str], Forge]) -> Agents:
    """Read the agents of these repositories from the configuration on each default branch.

    A repository that does not answer, or whose configuration is wrong, takes none of the others with it.
    """
    readable: list[Agent] = []
    unreadable: dict[str, str] = {}
    for repository in repositories:
        try:
            readable += _agents_of(forge_of(repository))
        except ConfigurationError as error:
            unreadable[repository] = f"{CONFIGURATION_PATH}: {error}"
        except (BadSetting, ForgeError) as error:
            unreadable[repository] = str(error)
    return Agents(readable=tuple(readable), unreadable=unreadable)


def _agents_of(forge: Forge) -> list[Agent]:
    base = forge.base()
    text = forge.read_file(CONFIGURATION_PATH, base.sha)
    name = forge.repository.rstrip("/").rsplit("/", 1)[-1]
    harnesses = read_harnesses(text or "", repository=name)
    if forge.opt_in and text is None:  # nobody has said yes yet
        harnesses = [replace(harness, autonomy=Autonomy.OBSERVE) for harness in harnesses]
    return [Agent(forge=forge, base=base, harness=harness) for harness in harnesses]
