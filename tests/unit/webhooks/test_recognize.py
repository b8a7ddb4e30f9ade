import json
import re
from pathlib import Path
from typing import Any

import pytest

from clustering.detect import see
from tests.unit.webhooks.captures import captured, traces_of
from webhooks import semconv
from webhooks.dialects import decode
from webhooks.errors import Undecodable
from webhooks.recognize import METRICS, recognize

NOW = "2026-11-22T23:00:00+00:00"
RUN = {"id": "0190a0a0-0000-7000-8000-000000000001", "run_type": "chain", "start_time": NOW}
SPAN = {
    "object": "trace.span",
    "id": "span_1",
    "trace_id": "trace_1",
    "parent_id": "span_0",
    "started_at": NOW,
    "span_data": {"type": "agent"},
}
SCORE = {"traceId": "t", "name": "thumb", "value": 0}
OBSERVATION = {
    "id": "o1",
    "traceId": "t",
    "type": "GENERATION",
    "startTime": NOW,
    "model": "gpt",
    "input": [{"role": "user", "content": "Where?"}],
    "output": "Here.",
    "usageDetails": {"input": 3, "output": 2},
    "metadata": {"thread_id": "s", "resourceAttributes": {"service.name": "shop"}},
}
MESSAGE = {"role": "user", "content": "Where?"}


@pytest.mark.parametrize(
    ("value", "dialect", "n_spans"),
    [
        ({"resourceSpans": []}, "otlp-json", 0),
        ({"resourceLogs": []}, "otlp-json-logs", 0),
        (RUN, "langsmith", 1),
        ([RUN, RUN], "langsmith", 2),
        ({"post": [RUN], "patch": [RUN]}, "langsmith", 2),
        ({"run_id": RUN["id"], "key": "thumb", "score": 0}, "langsmith", 1),
        (OBSERVATION, "langfuse-export", 1),
        ([OBSERVATION], "langfuse-export", 1),
        ({"trace": {"id": "t"}, "observations": [OBSERVATION]}, "langfuse-export", 1),
        ({"id": "t", "observations": [OBSERVATION], "scores": [SCORE]}, "langfuse-export", 2),
        (SCORE, "langfuse-scores", 1),
        ({"batch": [{"id": "e", "type": "score-create", "timestamp": NOW, "body": SCORE}]}, "langfuse-scores", 1),
        (SPAN, "openai-agents", 1),
        ([SPAN], "openai-agents", 1),
        ({"data": [{"object": "trace", "id": "trace_1"}, SPAN]}, "openai-agents", 2),
        ([MESSAGE], "messages", 1),
        ({"messages": [MESSAGE], "outcome": "failed"}, "messages", 1),
    ],
)
def test_a_value_is_told_by_its_shape(value: object, dialect: str, n_spans: int) -> None:
    found = recognize(json.dumps(value).encode(), received_at=NOW)
    assert (found.dialect, len(decode(found.dialect, found.body))) == (dialect, n_spans)


def test_metrics_are_known_and_dropped() -> None:
    assert recognize(b'{"resourceMetrics": []}', received_at=NOW).dialect == METRICS


@pytest.mark.parametrize("line", [b"", b"3", b"[]", b'{"a": 1}', b"[[]]", b'[{"role": "user"}, 3]', b"nope"])
def test_what_is_of_no_dialect_is_undecodable(line: bytes) -> None:
    with pytest.raises(Undecodable):
        recognize(line, received_at=NOW)


@pytest.mark.parametrize("name", ["langsmith_batch", "openai_agents"])
def test_what_an_sdk_posts_as_json_is_recognized(name: str) -> None:
    dialects = {recognize(item.body, received_at=NOW).dialect for item in captured(name) if item.body[:1] == b"{"}
    assert dialects == {name.partition("_")[0] if name.startswith("langsmith") else "openai-agents"}


def test_an_exported_observation_says_all_that_it_knows() -> None:
    trace: dict[str, Any] = {"id": "t", "userId": "u", "release": "v2", "scores": [SCORE]}
    failed = {**OBSERVATION, "id": "o2", "type": "TOOL", "name": "get_order", "level": "ERROR", "statusMessage": "gone"}
    body = json.dumps({"trace": trace, "observations": [OBSERVATION, failed]}).encode()
    [found] = traces_of(decode("langfuse-export", body)).values()
    spans = {span.span_id: span for span in found.spans}
    assert [message.content for message in semconv.input_messages(spans["o1"])] == ["Where?"]
    assert [message.content for message in semconv.output_messages(spans["o1"])] == ["Here."]
    assert (semconv.model(spans["o1"]), semconv.usage(spans["o1"])) == ("gpt", (3, 2))
    assert (semconv.session_id(found), semconv.user_id(found), semconv.release(found)) == ("s", "u", "v2")
    assert semconv.service_name(found) == "shop"
    assert {failure.detector for failure in see(found)} >= {"tool_error", "negative_feedback"}


def test_the_lines_of_the_page_are_conversations() -> None:
    text = (Path(__file__).parents[3] / "docs/connect/jsonl.md").read_text()
    [block] = re.findall(r"^```json\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    found = [recognize(line.encode(), received_at=NOW) for line in block.splitlines()]
    assert [item.dialect for item in found] == ["messages"] * 2
    assert [len(traces_of(decode(*item))) for item in found] == [1, 1]
