import json

import pytest

from clustering.detect import see
from tests.unit.webhooks.captures import ListInbox, captured, client_of, send, spans_of
from webhooks import semconv
from webhooks.sources import langfuse
from webhooks.trace import ROOT

BASIC = {"authorization": "Basic cGstbGYtc2hvcDp0d19rZXk="}  # pk-lf-shop:tw_key


@pytest.mark.parametrize(
    ("name", "answers"), [("langfuse_3", {200, 207}), ("langfuse_4", {200, 207}), ("langfuse_5", {200, 202})]
)
def test_spans_and_scores_of_every_version_become_one_trace(name: str, answers: set[int]) -> None:
    inbox = ListInbox()
    client = client_of(inbox)
    assert {send(client, request) for request in captured(name)} == answers
    [trace] = inbox.traces().values()
    assert [span.name for span in trace.spans] == ["support", "chat", "get_order"]
    found = {(item.name, item.score, item.label, item.explanation) for item in semconv.evaluations(trace.root)}
    assert found == {("user_feedback", 0.0, "", "useless"), ("helpful", 0.0, "", ""), ("tone", None, "rude", "")}
    assert {"negative_feedback", "tool_error"} <= {failure.detector for failure in see(trace)}


def test_auth_check_finds_a_project_with_the_secret_key_alone() -> None:
    client = client_of(ListInbox())
    assert len(client.get("/api/public/projects", headers=BASIC).json()["data"]) == 1
    assert client.get("/api/public/projects", headers={"authorization": "Basic dHdfa2V5Og=="}).status_code == 401


def test_each_event_of_a_batch_gets_its_answer() -> None:
    time = "2026-11-22T19:00:00Z"
    good = {"id": "e1", "type": "score-create", "timestamp": time, "body": {"traceId": "t", "name": "n", "value": 1}}
    bad = {"id": "e2", "type": "trace-create", "timestamp": time, "body": {}}
    inbox = ListInbox()
    answer = client_of(inbox).post("/api/public/ingestion", json={"batch": [good, bad]}, headers=BASIC)
    assert answer.status_code == 207
    assert answer.json()["successes"] == [{"id": "e1", "status": 201}]
    assert [(error["id"], error["status"]) for error in answer.json()["errors"]] == [("e2", 400)]
    assert [span.completes for span in spans_of(inbox.batches[0])] == [ROOT]


def test_a_score_without_a_time_has_that_of_its_arrival() -> None:
    inbox = ListInbox()
    score = {"id": "s", "traceId": "t", "observationId": "o", "name": "n", "value": "bad"}
    assert client_of(inbox).post("/api/public/scores", json=[score], headers=BASIC).status_code == 202
    [span] = spans_of(inbox.batches[0])
    assert (span.completes, span.start.year) == ("o", 2026)


def test_a_score_sent_again_is_the_same_record() -> None:
    score = json.dumps([{"traceId": "t", "name": "n", "value": 0}]).encode()
    spans = [langfuse.decode(langfuse.stamped(score, f"2026-01-0{day}T00:00:00Z"))[0] for day in (1, 2)]
    assert spans[0].span_id == spans[1].span_id


def test_what_is_no_list_of_scores_is_quarantined() -> None:
    inbox = ListInbox()
    assert client_of(inbox).post("/api/public/scores", json=[1], headers=BASIC).status_code == 400
    assert len(inbox.quarantined) == 1
