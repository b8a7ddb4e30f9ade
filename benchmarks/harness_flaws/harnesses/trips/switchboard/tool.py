"""Tools: functions whose schema is read from their signature and docstring."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
PARAMETER = re.compile(r"^\s{4,}(\w+): (.+)$", re.MULTILINE)


class ToolError(Exception):
    """The tool could not do what was asked; the words are for the model."""


@dataclass(frozen=True)
class Tool:
    """A function that a model may call."""

    name: str
    description: str
    parameters: dict[str, Any]
    function: Callable[..., Any]

    @property
    def schema(self) -> dict[str, Any]:
        function = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": function}


def tool(function: Callable[..., Any]) -> Tool:
    """Make a tool of a function: the docstring's first paragraph describes it, its `name: text` lines the parameters."""
    head, _, rest = inspect.cleandoc(function.__doc__ or "").partition("\n\n")
    told = dict(PARAMETER.findall(inspect.getdoc(function) and function.__doc__ or ""))
    properties = {}
    required = []
    for parameter in list(inspect.signature(function).parameters.values()):
        if parameter.name == "context":
            continue
        kind = getattr(parameter.annotation, "__name__", str(parameter.annotation))
        properties[parameter.name] = {"type": TYPES.get(kind, "string")}
        if parameter.name in told:
            properties[parameter.name]["description"] = told[parameter.name]
        if parameter.default is inspect.Parameter.empty:
            required.append(parameter.name)
    parameters = {"type": "object", "properties": properties, "required": required}
    return Tool(function.__name__, " ".join(head.split()), parameters, function)
