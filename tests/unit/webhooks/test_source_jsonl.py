import json

import pytest

from clustering.detect import detect
from webhooks import semconv
from webhooks.errors import Undecodable
from webhooks.sources import jsonl
from webhooks.trace import Trace

CALL = {"id": "c1", "type": "function", "function": {"name": "get_order", "arguments": '{"id": "A1"}'}}
MESSAGES = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Where is A1?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "Error: no such order"},
    {"role": "assistant", "content": "I do not know."},
]


def read(value: object, received_at: str = "2026-05-01T12:00:00Z") -> Trace:
    return Trace.from_spans(jsonl.decode(jsonl.stamped(json.dumps(value).encode(), received_at)))


def test_a_list_of_messages_becomes_a_conversation() -> None:
    trace = read(MESSAGES)
    root, first, tool, second = trace.spans
    assert [semconv.operation(span).value for span in trace.spans] == ["invoke_agent", "chat", "execute_tool", "chat"]
    assert (semconv.input_value(root), semconv.output_value(root)) == ('{"turns":["Where is A1?"]}', "I do not know.")
    assert [message.role for message in semconv.input_messages(second)] == ["system", "user", "assistant", "tool"]
    assert semconv.output_messages(first)[0].tool_calls[0].name == "get_order"
    assert (semconv.tool_name(tool), semconv.tool_arguments(tool)) == ("get_order", '{"id": "A1"}')
    assert semconv.tool_result(tool) == "Error: no such order"
    assert "tool_error" in {failure.detector for failure in detect(trace)}


@pytest.mark.parametrize("outcome", ["failed", 0, False, {"name": "reward", "score": 0.0, "comment": "wrong order"}])
def test_a_bad_outcome_is_negative_feedback(outcome: object) -> None:
    found = {failure.detector for failure in detect(read({"messages": MESSAGES[:2], "outcome": outcome}))}
    assert "negative_feedback" in found


def test_a_good_outcome_is_not() -> None:
    found = {failure.detector for failure in detect(read({"messages": MESSAGES[:2], "outcome": "passed"}))}
    assert "negative_feedback" not in found


@pytest.mark.parametrize(
    ("mark", "fails"),
    [
        ({"label": "incorrect"}, True),
        ({"success": False}, True),
        ({"passed": "no"}, True),
        ({"reward": 0}, True),
        ({"feedback": {"score": -1, "comment": "wrong order"}}, True),
        ({"score": 0.2}, True),
        ({"error": "KeyError: 'A1'"}, True),
        ({"error": {"type": "KeyError", "message": "A1"}}, True),
        ({"outcome": "passed", "error": "gave up"}, True),
        ({"success": True, "error": None}, False),
        ({"reward": 1.0, "label": "billing"}, False),
        ({"error": ""}, False),
    ],
)
def test_a_mark_beside_the_messages_says_whether_the_run_failed(mark: dict[str, object], *, fails: bool) -> None:
    found = {failure.detector for failure in detect(read({"messages": MESSAGES[:2], **mark}))}
    assert ("negative_feedback" in found) == fails


def test_what_an_error_says_is_kept() -> None:
    failures = detect(read({"messages": MESSAGES[:2], "error": {"type": "KeyError", "message": "A1"}}))
    assert "KeyError: A1" in {failure.message for failure in failures}


def test_fields_beside_the_messages_say_who_and_what() -> None:
    fields = {"session_id": "s", "user_id": "u", "service": "shop", "release": "v2"}
    trace = read({"messages": MESSAGES, **fields})
    assert (semconv.session_id(trace), semconv.user_id(trace)) == ("s", "u")
    assert (semconv.service_name(trace), semconv.release(trace)) == ("shop", "v2")


def test_a_line_read_again_later_has_the_same_ids() -> None:
    first, again = read(MESSAGES), read(MESSAGES, "2026-06-01T12:00:00Z")
    assert [span.span_id for span in first.spans] == [span.span_id for span in again.spans]


def test_a_lines_own_time_wins() -> None:
    assert read({"messages": MESSAGES, "time": "2026-01-01"}).root.start.isoformat() == "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize("line", [b"[]", b"{}", b'"x"', b"[1]", b"nope", b'[{"role": "user", "content": "no time"}]'])
def test_a_line_without_messages_or_a_time_is_undecodable(line: bytes) -> None:
    with pytest.raises(Undecodable):
        jsonl.decode(line)
