"""Turn what each of LangSmith's routes is sent into the one shape in which it is kept. No I/O: bytes in, bytes out."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from webhooks.attributes import mapping, number
from webhooks.errors import Undecodable
from webhooks.iso_time import RECEIVED_AT
from webhooks.json_body import objects, read_json, read_object, write_json
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


def from_feedback(body: bytes, received_at: str) -> bytes:
    """Return the feedback of POST /feedback, with the time of its arrival where it says none, as one sent by hand."""
    return _request({"feedback": [{RECEIVED_AT: received_at, **read_object(body, name="LangSmith feedback")}]})


def from_rule(body: bytes) -> bytes:
    """Return the runs that an automation rule chose, as if they had been sent now, with what people said of them.

    Inputs and outputs may be named by URLs instead; those are not fetched.
    """
    rule = read_object(body, name="the webhook of a LangSmith rule")
    runs = objects(rule.get("runs"), name="runs")
    if not runs:
        raise Undecodable("the webhook of a LangSmith rule holds no runs")
    if len(runs) == 1:
        runs = [{"feedback_stats": rule.get("feedback_stats"), **runs[0]}]
    return _request({"post": runs, "feedback": [item for run in runs for item in _feedback(run)]})


def _feedback(run: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what a run's statistics say of each key: the mean of its scores, once, however many there were."""
    for key, stats in mapping(run.get("feedback_stats")).items():
        mean = number(mapping(stats).get("avg"))
        if mean is not None:
            about = {"run_id": run.get("id"), "trace_id": run.get("trace_id") or run.get("id")}
            yield {**about, "key": key, "score": mean, "created_at": run.get("end_time") or run.get("start_time")}


def _request(items: dict[str, Any]) -> bytes:
    return write_json({name: found for name, found in items.items() if found})
