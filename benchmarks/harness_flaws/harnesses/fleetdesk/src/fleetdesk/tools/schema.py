"""Parameters of tools, and the JSON schema of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Parameter:
    """One parameter of a tool."""

    name: str
    #: JSON's word for its type.
    type: str
    description: str
    required: bool = True
    choices: tuple[str, ...] = ()
    pattern: str = ""
    default: Any = None

    @property
    def schema(self) -> dict[str, Any]:
        found: dict[str, Any] = {"type": self.type, "description": self.description}
        if self.choices:
            found["enum"] = list(self.choices)
        if self.pattern:
            found["pattern"] = self.pattern
        if self.type == "array":
            found["items"] = {"type": "string"}
        return found


def object_schema(parameters: Iterable[Parameter]) -> dict[str, Any]:
    """Return the schema of an object with these fields."""
    known = list(parameters)
    return {
        "type": "object",
        "properties": {each.name: each.schema for each in known},
        "required": [each.name for each in known if each.required],
        "additionalProperties": False,
    }


def text(name: str, description: str, **more: Any) -> Parameter:
    return Parameter(name, "string", description, **more)


def whole(name: str, description: str, **more: Any) -> Parameter:
    return Parameter(name, "integer", description, **more)


def flag(name: str, description: str) -> Parameter:
    return Parameter(name, "boolean", description, required=False, default=False)


VEHICLE = text("vehicle_id", "Such as V-101.", pattern=r"^V-\d{3}$")
ORDER = text("order_id", "Such as WO-11.", pattern=r"^WO-\d+$")
PART = text("part_id", "Such as P-119.", pattern=r"^P-\d{3}$")
