"""Turn what each of LangSmith's routes is sent into the one shape in which it is kept. No I/O: bytes in, bytes out."""

from collections import defaultdict
from typing import Any

import orjson

from webhooks.errors import Undecodable
from webhooks.json_body import read_json, read_object
from webhooks.multipart import read_parts

OPERATIONS = ("post", "patch", "feedback")


def from_multipart(body: bytes) -> bytes:
    """Return the runs and feedback of /runs/multipart; files attached to runs are left out.

    A run comes as one part with its small fields and one for each large field: `post.<id>`, `post.<id>.inputs`.
    """
    items: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for name, content in read_parts(body):
        operation, _, rest = name.partition(".")
        item_id, _, field = rest.partition(".")
        if operation == "attachment":
            continue
        if operation not in OPERATIONS or not item_id:
            raise Undecodable(f"a part of a multipart body is not of a run: {name[:80]!r}")
        value = read_json(content, name=f"the part {name[:80]!r}")
        if field:
            items[operation, item_id][field] = value
        elif isinstance(value, dict):
            items[operation, item_id].update(value)
    return _request({name: [item for (op, _), item in items.items() if op == name] for name in OPERATIONS})


def from_batch(body: bytes) -> bytes:
    """Return the runs of /runs/batch, which has the shape already."""
    request = read_object(body, name="a LangSmith batch")
    return _request({name: request.get(name) or [] for name in OPERATIONS})


def from_post(body: bytes) -> bytes:
    """Return the run of POST /runs."""
    return _request({"post": [read_object(body, name="a LangSmith run")]})


def from_patch(body: bytes, run_id: str) -> bytes:
    """Return the run of PATCH /runs/{run_id}."""
    return _request({"patch": [{**read_object(body, name="a LangSmith run"), "id": run_id}]})


def from_feedback(body: bytes) -> bytes:
    """Return the feedback of POST /feedback."""
    return _request({"feedback": [read_object(body, name="LangSmith feedback")]})


def _request(items: dict[str, Any]) -> bytes:
    return orjson.dumps({name: found for name, found in items.items() if found})
