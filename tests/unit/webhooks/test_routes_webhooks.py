import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import httpx2 as httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from clustering.detect import detect, see
from tests.unit.webhooks.captures import NOON, ListInbox, spans_of
from webhooks import semconv
from webhooks.routes import create_router, install_error_handler
from webhooks.signatures import WINDOW_S, Secret, Secrets, standard_key
from webhooks.trace import RESPONSE, SIGNAL, Span, Trace

OLD, NEW = b"an old secret of ours", b"a new secret of ours!"
RUN, ROOT_RUN = "0190a0a0-0000-7000-8000-000000000002", "0190a0a0-0000-7000-8000-000000000001"
TRACE = "0a" * 16


def secrets(*keys: bytes, tenant: str = "acme") -> list[Secret]:
    return [Secret(tenant=tenant, key=key) for key in keys]


@pytest.fixture
def inbox() -> ListInbox:
    return ListInbox()


def client_of(inbox: ListInbox, given: Secrets | None = None) -> TestClient:
    app = FastAPI()
    install_error_handler(app)
    ours = Secrets(standard=secrets(NEW, OLD), langsmith=secrets(OLD), langfuse=secrets(OLD))
    app.include_router(create_router(inbox, webhook_secret=None, secrets=given or ours, now=lambda: NOON))
    return TestClient(app)


def standard(  # anything of the request may be changed
    inbox: ListInbox,
    data: Mapping[str, Any],
    *,
    key: bytes = NEW,
    at: int = 0,
    name: str = "msg_1",
    **changed: Any,  # noqa: ANN401
) -> httpx.Response:
    body = json.dumps({"type": "feedback.created", "data": data} | changed.pop("event", {})).encode()
    sent_at = str(int(NOON.timestamp()) + at)
    digest = hmac.new(key, f"{name}.{sent_at}.".encode() + body, hashlib.sha256).digest()
    signed = {"webhook-id": name, "webhook-timestamp": sent_at, "webhook-signature": f"v1,{b64encode(digest).decode()}"}
    headers = signed | changed.pop("headers", {})
    return client_of(inbox, changed.pop("secrets", None)).post("/webhooks/standard", content=body, headers=headers)


def kept(inbox: ListInbox) -> Span:
    [span] = spans_of(inbox.batches[-1])
    return span


THUMB = {"trace_id": TRACE, "name": "thumb", "score": 0, "comment": "wrong order"}


def test_feedback_by_webhook_is_a_failure_of_its_trace(inbox: ListInbox) -> None:
    assert standard(inbox, THUMB).status_code == 202
    root = Span(trace_id=TRACE, span_id="0b" * 8, name="agent", start=NOON)
    [failure] = detect(Trace.from_spans([root, kept(inbox)]))
    assert (failure.detector, failure.span_id, failure.message) == ("negative_feedback", "0b" * 8, "wrong order")


@pytest.mark.parametrize(
    ("data", "trace_id", "completes"),
    [
        ({"trace_id": TRACE, "span_id": "0b" * 8, "score": 1}, TRACE, "0b" * 8),
        ({"response_id": "resp-1", "score": 1}, f"{RESPONSE}resp-1", f"{RESPONSE}resp-1"),
        ({"trace_id": TRACE, "response_id": "resp-1"}, TRACE, f"{RESPONSE}resp-1"),
        ({"name": "cost"}, f"{SIGNAL}standard", None),
    ],
)
def test_a_signal_is_about_what_it_names(
    inbox: ListInbox, data: dict[str, Any], trace_id: str, completes: str | None
) -> None:
    standard(inbox, data)
    assert (kept(inbox).trace_id, kept(inbox).completes) == (trace_id, completes)


def test_an_alert_without_a_score_is_negative(inbox: ListInbox) -> None:
    standard(inbox, {"trace_id": TRACE}, event={"type": "alert.fired"})
    [evaluation] = semconv.evaluations(kept(inbox))
    assert (evaluation.name, evaluation.label) == ("alert.fired", "fail")


def test_a_delivery_that_is_repeated_is_the_same_record(inbox: ListInbox) -> None:
    first, again = (standard(inbox, THUMB, at=at) and kept(inbox).span_id for at in (0, 5))
    standard(inbox, THUMB, name="msg_2")
    assert first == again != kept(inbox).span_id


def test_a_secret_is_changed_without_losing_a_delivery(inbox: ListInbox) -> None:
    assert standard(inbox, THUMB, key=OLD).status_code == 202
    unknown = {"secrets": Secrets(standard=secrets(NEW))}
    assert standard(inbox, THUMB, key=OLD, **unknown).status_code == 401
    both = "v1a,other v1,AAAA v1," + b64encode(b"x").decode()
    assert standard(inbox, THUMB, headers={"webhook-signature": both}).status_code == 401


@pytest.mark.parametrize("at", [-WINDOW_S - 1, WINDOW_S + 1])
def test_a_delivery_is_signed_within_five_minutes(inbox: ListInbox, at: int) -> None:
    assert standard(inbox, THUMB, at=at).status_code == 401
    assert standard(inbox, THUMB, at=at // 2).status_code == 202


@pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("value", ["", "9", "v1,", "x y"])
def test_a_forged_header_is_refused(inbox: ListInbox, header: str, value: str) -> None:
    assert standard(inbox, THUMB, headers={header: value}).status_code == 401
    assert inbox.batches == []


def test_the_tenant_is_that_of_the_secret(inbox: ListInbox) -> None:
    theirs = Secrets(standard=[*secrets(NEW), *secrets(OLD, tenant="globex")])
    assert standard(inbox, THUMB, secrets=theirs).status_code == 202
    with pytest.raises(AssertionError):  # the inbox knows acme only
        standard(inbox, THUMB, key=OLD, secrets=theirs)


@pytest.mark.parametrize("path", ["standard", "langfuse", "langsmith/engine"])
def test_without_a_secret_nothing_is_taken(inbox: ListInbox, path: str) -> None:
    answer = client_of(inbox, Secrets(standard=())).post(
        f"/webhooks/{path}", content=b"{}", headers={"webhook-id": "a"}
    )
    assert (answer.status_code, "no secret is configured" in answer.json()["error"]) == (503, True)


def test_a_signed_body_that_is_not_json_is_quarantined(inbox: ListInbox) -> None:
    signature = "sha256=" + hmac.new(OLD, b"[", hashlib.sha256).hexdigest()
    answer = client_of(inbox).post(
        "/webhooks/langsmith/engine", content=b"[", headers={"x-langsmith-signature": signature}
    )
    assert (answer.status_code, len(inbox.quarantined)) == (400, 1)


def engine(inbox: ListInbox, event: Mapping[str, Any], key: bytes = OLD) -> int:
    body = json.dumps(event).encode()
    signature = "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()
    headers = {"x-langsmith-signature": signature}
    return client_of(inbox).post("/webhooks/langsmith/engine", content=body, headers=headers).status_code


ISSUE = {"id": "i-1", "name": "Refunds twice", "description": "It refunds again.", "severity": 2}


def test_an_issue_of_langsmith_marks_the_run_that_shows_it(inbox: ListInbox) -> None:
    trace = {"run_id": RUN, "trace_id": ROOT_RUN, "comment": "two refunds"}
    event = {"id": "e-1", "type": "issue.trace.added", "data": {"object": ISSUE, "trace": trace}}
    assert (engine(inbox, event), engine(inbox, event, key=NEW)) == (202, 401)
    assert (kept(inbox).trace_id, kept(inbox).completes) == (ROOT_RUN.replace("-", ""), RUN.replace("-", ""))
    [failure] = detect(Trace.from_spans([kept(inbox)]))
    assert (failure.key, failure.message) == ("Refunds twice", "two refunds")


def test_an_issue_without_a_run_is_kept_apart(inbox: ListInbox) -> None:
    engine(inbox, {"id": "e-2", "type": "issue.created", "data": {"object": ISSUE}})
    assert (kept(inbox).trace_id, kept(inbox).name) == (f"{SIGNAL}langsmith", "Refunds twice")


def langfuse(inbox: ListInbox, key: bytes = OLD, at: int = 0) -> int:
    body = json.dumps({"id": "e", "type": "monitor-alert", "data": {"name": "Cost above 5 USD"}}).encode()
    sent_at = int(NOON.timestamp()) + at
    signature = hmac.new(key, f"{sent_at}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"x-langfuse-signature": f"t={sent_at},v1={signature}"}
    return client_of(inbox).post("/webhooks/langfuse", content=body, headers=headers).status_code


def test_an_alert_of_langfuse_is_kept_apart(inbox: ListInbox) -> None:
    assert (langfuse(inbox), langfuse(inbox, key=NEW), langfuse(inbox, at=-WINDOW_S - 1)) == (202, 401, 401)
    assert (kept(inbox).trace_id, kept(inbox).name) == (f"{SIGNAL}langfuse", "monitor-alert: Cost above 5 USD")


def rule(inbox: ListInbox, body: Mapping[str, Any], key: str = "tw_key") -> int:
    return client_of(inbox).post("/webhooks/langsmith/rule", json=body, headers={"x-api-key": key}).status_code


def test_the_runs_of_a_langsmith_rule_come_with_their_feedback(inbox: ListInbox) -> None:
    run = {"id": ROOT_RUN, "trace_id": ROOT_RUN, "name": "support", "run_type": "chain", "inputs": {"q": "Where?"}}
    run |= {"start_time": "2026-11-22T22:00:00Z", "end_time": "2026-11-22T22:00:01Z", "error": "KeyError('A1')"}
    body = {"rule_id": "r", "runs": [run], "feedback_stats": {"thumb": {"n": 1, "avg": 0.0}, "odd": {"n": 0}}}
    assert (rule(inbox, body), rule(inbox, body, key="tw_kez")) == (202, 401)
    [trace] = inbox.traces().values()
    assert {failure.detector for failure in see(trace)} == {"error", "negative_feedback"}
    assert (trace.root.name, semconv.input_value(trace.root)) == ("support", '{"q":"Where?"}')


@pytest.mark.parametrize("runs", [[], None, [3], [{"id": "no uuid"}]])
def test_a_rule_without_runs_is_quarantined(inbox: ListInbox, runs: object) -> None:
    assert rule(inbox, {"rule_id": "r", "runs": runs}) == 400
    assert len(inbox.quarantined) == 1


def test_a_standard_secret_is_base64_after_its_prefix() -> None:
    # Of the specification's own example.
    assert len(standard_key("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")) == 24
    with pytest.raises(ValueError, match="base64"):
        standard_key("whsec_not base64")
