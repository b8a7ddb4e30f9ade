"""Harness: what the fixer knows of the user's agent, read from `.github/tracewright.yml`."""

from dataclasses import dataclass
from enum import StrEnum

CONFIGURATION_PATH = ".github/tracewright.yml"


class Autonomy(StrEnum):
    """How far the bot may go by itself."""

    OBSERVE = "observe"
    DRAFT = "draft"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one failure mode may cost the agent fixer."""

    tokens: int = 200_000
    cost_usd: float = 2.0
    steps: int = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A rule of the user's own: before `tool` runs, `requires` must have succeeded in the same trace."""

    name: str
    tool: str
    requires: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Harness:
    """One agent of a repository and what may be done with it."""

    name: str
    #: Glob patterns of the service.name values whose traces belong to this agent.
    services: tuple[str, ...] = ("*",)
    #: Glob patterns of the paths that may be edited, relative to the repository's root; `**` crosses folders.
    allow: tuple[str, ...] = ("**/*.py", "**/*.md", "**/*.txt", "**/*.j2", "**/*.yaml", "**/*.json")
    #: Patterns that may not be edited, whatever `allow` says; added to the ones that never may be.
    deny: tuple[str, ...] = ()
    #: The repository's own test command.
    test: tuple[str, ...] = ("python", "-m", "pytest", "-q")
    #: Runs one recorded input through the harness; None when it has no such command.
    replay: tuple[str, ...] | None = None
    #: Seconds that one run of `test` or `replay` may take.
    timeout_s: float = 120.0
    policies: tuple[Policy, ...] = ()
    budget: Budget = Budget()
    autonomy: Autonomy = Autonomy.DRAFT
