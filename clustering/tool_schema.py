"""Check a model's tool calls against the tools that the same request declared. No I/O: references are not followed."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match

from clustering.conversation import chat_calls
from webhooks import semconv
from webhooks.semconv import ToolCall
from webhooks.trace import Span, Trace

MAX_JSON = 20_000
NAMED = frozenset({"properties", "dependentSchemas"})  # keywords that hold schemas by name
LISTED = frozenset({"anyOf", "allOf", "prefixItems"})
NESTED = frozenset({"items", "additionalProperties", "contains"})
# A hostile pattern or reference would cost exponential time; a condition on what was left out would misjudge.
VALUES = frozenset(
    {"type", "enum", "const", "required", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
    | {"minLength", "maxLength", "minItems", "maxItems"}
)


class DeclaredCall(NamedTuple):
    """A tool call of the model, at the chat span that made it; `parameters` is None for a tool not declared there."""

    span: Span
    call: ToolCall
    parameters: Mapping[str, Any] | None


def declared_calls(trace: Trace) -> Iterator[DeclaredCall]:
    """Yield the tool calls of every request that declared its tools, oldest first."""
    for span in chat_calls(trace):
        calls = [call for message in semconv.output_messages(span) for call in message.tool_calls if call.name]
        tools = semconv.tool_definitions(span) if calls else []
        declared = {tool["function"]["name"]: tool["function"]["parameters"] for tool in tools}
        if declared:
            yield from (DeclaredCall(span, call, declared.get(call.name)) for call in calls)


def arguments_violation(declared: DeclaredCall) -> str | None:
    """Say how a call's arguments break the schema of their tool; None when they do not, or cannot be judged."""
    if declared.parameters is None or len(declared.call.arguments) > MAX_JSON:
        return None
    try:
        arguments = json.loads(declared.call.arguments or "{}")
    except (ValueError, RecursionError):
        return "the arguments are not JSON"
    return schema_violation(arguments, declared.parameters) if declared.parameters else None


def schema_violation(value: object, schema: Mapping[str, Any]) -> str | None:
    """Say where `value` breaks `schema`, without quoting the value; None when it fits or the schema is none."""
    try:
        if len(json.dumps(schema)) > MAX_JSON:
            return None
        checked = _harmless(schema)
        Draft202012Validator.check_schema(checked)
        error = best_match(Draft202012Validator(checked).iter_errors(value))
    except (SchemaError, RecursionError, TypeError, ValueError, OverflowError):
        return None
    if error is None:
        return None
    where = ".".join("*" if isinstance(part, int) else str(part) for part in error.absolute_path)
    return f"{where or 'the arguments'}: {_broken(error.validator, error.validator_value, error.instance)}"


def _broken(keyword: object, expected: object, found: object) -> str:
    if keyword == "required" and isinstance(expected, list) and isinstance(found, dict):
        return f"{', '.join(str(name) for name in expected if name not in found)} is missing"
    if keyword == "type":
        return f"{_kind(found)} instead of {expected if isinstance(expected, str) else json.dumps(expected)}"
    if keyword == "additionalProperties":
        return "a field that the schema does not have"
    return f"breaks the schema's {keyword}"


def _kind(value: object) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return kinds.get(type(value), "null")


def _harmless(schema: object) -> Any:  # noqa: ANN401 - a schema is a mapping or a boolean
    """Return the part of a schema that is checked in time proportional to its size and the value's."""
    if not isinstance(schema, Mapping) or schema.get("nullable") is True:  # the latter: OpenAPI's word
        return {} if isinstance(schema, Mapping) else schema
    kept: dict[str, Any] = {key: schema[key] for key in VALUES & schema.keys()}
    for key in NAMED & schema.keys():
        kept[key] = {name: _harmless(item) for name, item in _mapping(schema[key]).items()}
    for key in LISTED & schema.keys():
        kept[key] = [_harmless(item) for item in schema[key]]
    for key in NESTED & schema.keys():
        kept[key] = _harmless(schema[key])
    if "patternProperties" in schema or "$ref" in schema or "allOf" in schema:
        kept.pop("additionalProperties", None)
    return kept


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
