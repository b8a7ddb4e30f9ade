"""Registry: the tools by name, each with its schema and the function that does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fleetdesk.errors import NotFound
from fleetdesk.store.depot import Depot
from fleetdesk.tools.arguments import check
from fleetdesk.tools.schema import Parameter, object_schema

Function = Callable[..., Awaitable[Any]]


@dataclass(frozen=True)
class Tool:
    """One thing that the model may do."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    function: Function
    #: Whether it changes something.
    writes: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """The tool as chat completions take it."""
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": self.description,
                "parameters": object_schema(self.parameters),
            },
        }


@dataclass
class Registry:
    """The tools of one depot."""

    depot: Depot
    tools: dict[str, Tool] = field(default_factory=dict)

    def add(self, tools: Iterable[Tool]) -> Registry:
        for tool in tools:
            if tool.name in self.tools:
                raise ValueError(f"there are two tools {tool.name}")
            self.tools[tool.name] = tool
        return self

    def schemas(self) -> list[dict[str, Any]]:
        return [tool.schema for tool in self.tools.values()]

    def get(self, name: str) -> Tool:
        if name not in self.tools:
            raise NotFound("tool", name)
        return self.tools[name]

    async def run(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Run a tool; its arguments are checked first."""
        tool = self.get(name)
        return await tool.function(self.depot, **check(tool.name, tool.parameters, arguments))


def tool(name: str, description: str, *parameters: Parameter, writes: bool = False) -> Callable[[Function], Tool]:
    """Make a tool of the function below."""

    def make(function: Function) -> Tool:
        return Tool(name, description, parameters, function, writes)

    return make
