from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from bot.operator_routes import create_operator_router
from tests.unit.bot.grouped_store import BALANCE, ENCODER, METHOD, TENANT, Grouped

MODES = f"/api/tenants/{TENANT}/failure-modes"
OPERATOR = {"Authorization": "Bearer let-me-in"}


@pytest.fixture
def grouped(tmp_path: Path) -> Grouped:
    grouped = Grouped(tmp_path)
    grouped.fail(BALANCE, 3), grouped.fail(METHOD, 2)
    grouped.group()
    return grouped


def client_of(grouped: Grouped, token: str = "let-me-in") -> TestClient:
    app = FastAPI()
    app.include_router(create_operator_router(grouped.store, encoder=ENCODER, token=token))
    return TestClient(app)


def test_merging_and_splitting_over_http(grouped: Grouped) -> None:
    client = client_of(grouped)
    one, other = (mode["id"] for mode in client.get(MODES, headers=OPERATOR).json())
    merged = client.post(f"{MODES}/{one}/merge", json={"other": other}, headers=OPERATOR)
    assert (merged.status_code, merged.json()["traces"]) == (200, 5)
    parts = client.post(f"{MODES}/{one}/split", json={"by": "message"}, headers=OPERATOR)
    assert [part["traces"] for part in parts.json()] == [3, 2]


def test_the_most_severe_is_listed_first_with_what_the_command_says_of_it(grouped: Grouped) -> None:
    grouped.fail("a seat is taken already", 9, user_id="one", session_id="chat")
    grouped.group()
    listed = client_of(grouped).get(MODES, headers=OPERATOR).json()
    assert listed[0]["traces"] < max(mode["traces"] for mode in listed)
    assert [mode["severity"] for mode in listed] == sorted((mode["severity"] for mode in listed), reverse=True)
    assert {"service", "trend", "growth", "pull_request"} <= listed[0].keys()


def test_where_a_failure_mode_stands_is_set_over_http(grouped: Grouped) -> None:
    client, mode = client_of(grouped), grouped.modes[0]
    set_to = client.post(f"{MODES}/{mode.id}/status", json={"status": "archived"}, headers=OPERATOR)
    assert (set_to.json()["status"], grouped.modes[0].status) == ("archived", "archived")
    assert client.post(f"{MODES}/{mode.id}/status", json={"status": "new"}, headers=OPERATOR).status_code == 422


@pytest.mark.parametrize(("token", "given", "status"), [("let-me-in", "Bearer x", 401), ("", "Bearer ", 403)])
def test_nobody_else_may(grouped: Grouped, token: str, given: str, status: int) -> None:
    client = client_of(grouped, token)
    assert client.get(MODES, headers={"Authorization": given}).status_code == status
    assert client.post(f"{MODES}/{grouped.modes[0].id}/split", json={"by": "key"}).status_code == status


def test_what_cannot_be_done_is_answered_with_the_reason(grouped: Grouped) -> None:
    client, mode = client_of(grouped), grouped.modes[0]
    unknown = client.post(f"{MODES}/ffff/merge", json={"other": mode.id}, headers=OPERATOR)
    alike = client.post(f"{MODES}/{mode.id}/split", json={"by": "service"}, headers=OPERATOR)
    assert (unknown.status_code, alike.status_code) == (404, 409)
    assert "alike in 'service'" in alike.json()["detail"]
