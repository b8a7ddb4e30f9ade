"""Agent: instructions, tools and settings, declared once."""

from __future__ import annotations

from dataclasses import dataclass, field

from switchboard.guard import Guard
from switchboard.middleware import Middleware
from switchboard.tool import Tool


@dataclass(frozen=True)
class Settings:
    """What every request to the model carries."""

    model: str = "scripted-1"
    temperature: float = 0.0
    max_tokens: int = 800
    max_turns: int = 8


@dataclass(frozen=True)
class Agent:
    name: str
    instructions: str
    tools: list[Tool] = field(default_factory=list)
    middleware: list[Middleware] = field(default_factory=list)
    guards: list[Guard] = field(default_factory=list)
    settings: Settings = Settings()

    def tool(self, name: str) -> Tool | None:
        return next((each for each in self.tools if each.name == name), None)
