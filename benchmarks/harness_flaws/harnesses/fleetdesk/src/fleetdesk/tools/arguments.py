"""Arguments of tool calls: from the model's text to checked values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from fleetdesk.errors import BadArguments
from fleetdesk.tools.schema import Parameter

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
}


def parse(name: str, text: str) -> dict[str, Any]:
    """Read what the model wrote as arguments; no text at all means no arguments.

    Raises BadArguments, in words that help the model to do better.
    """
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise BadArguments(f"the arguments of {name} are not JSON ({error}); send them again") from error
    if not isinstance(found, dict):
        raise BadArguments(f"the arguments of {name} are not an object; send them again")
    return found


def check(name: str, parameters: Iterable[Parameter], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments as the tool takes them; BadArguments names the first that does not fit."""
    known = {each.name: each for each in parameters}
    if strange := sorted(set(arguments) - set(known)):
        raise BadArguments(f"{name} takes no {', '.join(strange)}")
    found = {}
    for each in known.values():
        if each.name in arguments:
            found[each.name] = _checked(name, each, arguments[each.name])
        elif each.required:
            raise BadArguments(f"{name} needs {each.name}: {each.description}")
        else:
            found[each.name] = each.default
    return found


def _checked(name: str, parameter: Parameter, value: Any) -> Any:
    where = f"{parameter.name} of {name}"
    if not isinstance(value, TYPES[parameter.type]) or (isinstance(value, bool) and parameter.type != "boolean"):
        raise BadArguments(f"{where} is not of type {parameter.type}: {value!r}")
    if parameter.choices and value not in parameter.choices:
        raise BadArguments(f"{where} is not one of {', '.join(parameter.choices)}: {value!r}")
    if parameter.pattern and not re.search(parameter.pattern, value):
        raise BadArguments(f"{where} does not look like {parameter.description} {value!r}")
    return value
