"""Hold the emulator's answers and deliveries against GitHub's own schemas: @octokit/openapi and webhooks-schemas.

Every answer that the forge reads is exact, and so are the deliveries of `RELIED_ON`. The emulator's other deliveries
(`push`, `create`, `issues`, `check_run`, `check_suite`) still lack fields; nothing of ours reads them.
"""

import functools
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
from referencing import Registry
from referencing.jsonschema import DRAFT7

NODE_MODULES = Path(__file__).parents[2] / "node_modules" / "@octokit"
OPENAPI = NODE_MODULES / "openapi" / "generated" / "api.github.com.json"
WEBHOOKS = NODE_MODULES / "webhooks-schemas" / "schema.json"
RELIED_ON = (
    "deployment_status",
    "installation",
    "installation_repositories",
    "issue_comment",
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "repository",
)
SAMPLES = 3  # of each operation: the schemas are large


def deviations_of_answers(log: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Return, for each operation in the log, what its successful answers lack."""
    found: dict[str, set[str]] = {}
    seen: Counter[str] = Counter()
    for entry in reversed(log):
        template = _template(entry["method"].lower(), entry["path"])
        if template is None or entry["status"] >= 300 or entry["response"] is None:
            continue
        key = f"{entry['method']} {template}"
        seen[key] += 1
        if seen[key] > SAMPLES:
            continue
        found.setdefault(key, set()).update(
            _problems(_answer_schema(entry["method"].lower(), template), entry["response"])
        )
    return found


def deviations_of_deliveries(deliveries: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Return, for each event and action, what the payloads that we read lack."""
    found: dict[str, set[str]] = {}
    for delivery in deliveries:
        if delivery["event"] not in RELIED_ON:
            continue
        name = delivery["event"] + ("$" + delivery["action"] if delivery["action"] else "$event")
        schema = _pointer(WEBHOOKS, "definitions", name)
        found.setdefault(name, set()).update(_problems(schema, json.loads(delivery["body"])))
    return found


def _problems(schema: dict[str, Any], value: object) -> Iterator[str]:
    validator = jsonschema.Draft7Validator(schema, registry=_registry())
    for error in validator.iter_errors(value):
        for leaf in _leaves(error):
            where = re.sub(r"\[\d+\]", "[]", leaf.json_path)
            yield f"{where}: {leaf.message[:90]}" if leaf.validator == "required" else f"{where}: not {leaf.validator}"


def _leaves(error: jsonschema.ValidationError) -> Iterator[jsonschema.ValidationError]:
    """Of alternatives, explain the one that is nearest."""
    if not error.context:
        yield error
        return
    branches: dict[Any, list[jsonschema.ValidationError]] = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)
    for inner in min(branches.values(), key=lambda errors: (any(e.validator == "type" for e in errors), len(errors))):
        yield from _leaves(inner)


def _answer_schema(method: str, template: str) -> dict[str, Any]:
    place = ("paths", template, method, "responses")
    responses = _openapi()["paths"][template][method]["responses"]
    status = next(status for status in responses if status.startswith("2"))
    success, place = responses[status], (*place, status)
    if "$ref" in success:
        place = ("components", "responses", success["$ref"].rsplit("/", 1)[1])
        success = _openapi()["components"]["responses"][place[-1]]
    if "schema" not in success.get("content", {}).get("application/json", {}):
        return {}
    return _pointer(OPENAPI, *place, "content", "application/json", "schema")


def _pointer(document: Path, *place: str) -> dict[str, Any]:
    """Return a schema that stands at a place of a document."""
    steps = (step.replace("~", "~0").replace("/", "~1") for step in place)
    return {"$ref": f"{document.as_uri()}#/{'/'.join(quote(step, safe='~') for step in steps)}"}


@functools.cache
def _registry() -> Registry[Any]:
    """Both documents, looked through once: they are large, and a validator does so for whatever it is given."""
    documents = {OPENAPI: _openapi(), WEBHOOKS: _webhooks()}
    resources = ((path.as_uri(), DRAFT7.create_resource(document)) for path, document in documents.items())
    return Registry[Any]().with_resources(resources).crawl()


@functools.cache
def _template(method: str, path: str) -> str | None:
    """Return the most specific path of the description that fits; {ref} alone may hold slashes."""
    fitting = [
        template
        for template, operations in _openapi()["paths"].items()
        if method in operations and _pattern(template).fullmatch(path)
    ]
    return min(fitting, key=lambda template: (template.count("{"), -len(template)), default=None)


@functools.cache
def _pattern(template: str) -> re.Pattern[str]:
    slashes = re.sub(r"\{(ref|path|basehead)\}", "(.+)", template)
    return re.compile(re.sub(r"\{[^}]+\}", "([^/]+)", slashes))


@functools.cache
def _openapi() -> dict[str, Any]:
    return _nullable(json.loads(OPENAPI.read_text()))


@functools.cache
def _webhooks() -> dict[str, Any]:
    return dict(json.loads(WEBHOOKS.read_text()))


def _nullable(value: Any) -> Any:  # noqa: ANN401 - JSON comes in
    """Say OpenAPI 3.0's `nullable` as JSON Schema does."""
    if isinstance(value, list):
        return [_nullable(item) for item in value]
    if not isinstance(value, dict):
        return value
    plain = {key: _nullable(item) for key, item in value.items() if key not in {"examples", "example", "description"}}
    if plain.pop("nullable", None) is not True:
        return plain
    return {"anyOf": [plain, {"type": "null"}]}
