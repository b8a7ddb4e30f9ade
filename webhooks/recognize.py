"""Tell which dialect a JSON value from a file is in, and give it the shape in which that dialect is kept. No I/O."""

from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from webhooks.errors import Undecodable
from webhooks.json_body import read_json
from webhooks.sources import jsonl, langfuse, langfuse_export, langsmith_requests, openai_agents

AGENTS_OBJECTS = frozenset({"trace", "trace.span"})
METRICS = "otlp-json-metrics"


class Recognized(NamedTuple):
    """A body, and which parser reads it; METRICS for what is accepted and dropped."""

    dialect: str
    body: bytes


def recognize(line: bytes, *, received_at: str) -> Recognized:
    """Return a line or a whole file as a body that can be kept.

    Parameters
    ----------
    line
        One JSON value: an OTLP request, LangSmith runs or feedback, an export or scores of Langfuse, items of the
        OpenAI Agents SDK, or a list of messages.
    received_at
        The time, ISO 8601, of what says none.

    Raises
    ------
    Undecodable
        When it is not JSON, or none of these.

    """
    value = read_json(line, name="a line of JSON")
    found = next((reader for matches, reader in DIALECTS if matches(value)), None)
    if found is None:
        raise Undecodable("a JSON value of no dialect that is read here")
    return found(line, value, received_at)


def _all(value: object, matches: Callable[[dict[str, Any]], bool]) -> bool:
    items = value if isinstance(value, list) else [value]
    return bool(items) and all(isinstance(item, dict) and matches(item) for item in items)


def _has(*keys: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, dict) and any(key in value for key in keys)


def _each_has(*keys: str) -> Callable[[object], bool]:
    return lambda value: _all(value, lambda item: all(key in item for key in keys))


def _is_agents(value: object) -> bool:
    items = value.get("data") if isinstance(value, dict) and "data" in value else value
    return _all(items, lambda item: item.get("object") in AGENTS_OBJECTS)


def _plain(dialect: str) -> Callable[[bytes, Any, str], Recognized]:
    return lambda line, _, __: Recognized(dialect, line)


def _listed(value: Any) -> list[Any]:  # noqa: ANN401  # any JSON value
    return value if isinstance(value, list) else [value]


def _agents(_: bytes, value: Any, received_at: str) -> Recognized:  # noqa: ANN401  # any JSON value
    export = value if isinstance(value, dict) and "data" in value else {"data": _listed(value)}
    return Recognized("openai-agents", openai_agents.stamped(orjson.dumps(export), received_at))


def _langsmith(key: str) -> Callable[[bytes, Any, str], Recognized]:
    return lambda _, value, __: Recognized(
        "langsmith", langsmith_requests.from_batch(orjson.dumps({key: _listed(value)}))
    )


#: What a value must look like -> how it is kept; the first that fits decides.
DIALECTS: tuple[tuple[Callable[[object], bool], Callable[[bytes, Any, str], Recognized]], ...] = (
    (_has("resourceSpans"), _plain("otlp-json")),
    (_has("resourceLogs"), _plain("otlp-json-logs")),
    (_has("resourceMetrics"), _plain(METRICS)),
    (_has("post", "patch"), lambda line, _, __: Recognized("langsmith", langsmith_requests.from_batch(line))),
    (_is_agents, _agents),
    (langfuse_export.is_export, _plain("langfuse-export")),
    (_each_has("run_type", "id"), _langsmith("post")),
    (_each_has("run_id", "key"), _langsmith("feedback")),
    (_has("batch"), lambda line, _, at: Recognized("langfuse-scores", langfuse.stamped(line, at))),
    (
        _each_has("traceId", "name", "value"),
        lambda line, _, at: Recognized("langfuse-scores", langfuse.stamped(line, at)),
    ),
    (_has("messages"), lambda line, _, at: Recognized("messages", jsonl.stamped(line, at))),
    (_each_has("role"), lambda line, _, at: Recognized("messages", jsonl.stamped(line, at))),
    (lambda value: value == {}, _plain("otlp-json")),  # an empty request
)
