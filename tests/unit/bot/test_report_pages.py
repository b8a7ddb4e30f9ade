"""The report as a page, on the command line and over HTTP; and the thresholds that it shows."""

import base64
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from bot.agents import Agent, Agents
from bot.cli import app
from bot.forge.forge import Base
from bot.guard_runs import guard_runs
from bot.outcome import Reason
from bot.queue import Queue
from bot.report import report
from bot.report_html import list_pull_requests, report_html
from bot.report_page import report_record
from bot.report_routes import create_report_router
from bot.store.engine import open_engine
from bot.store.store import Store
from bot.thresholds import note_thresholds
from fixers.aftermath import Answer
from fixers.cases import choose_cases
from fixers.harness import Harness
from tests.unit.bot.opened import NOW as TODAY
from tests.unit.bot.opened import opened
from tests.unit.bot.test_learn import prove
from tests.unit.bot.test_prove import FakeForge
from tests.unit.bot.test_report import NOW, TENANT, propose, refuse, store
from tests.unit.bot.test_submit import MODE
from tests.unit.fixers.recorded_runs import failing, healthy

__all__ = ["store"]  # a fixture
TOKEN = "operator"


def client(store: Store, token: str = TOKEN) -> TestClient:
    web = FastAPI()
    web.include_router(create_report_router(store, token=token, now=lambda: NOW))
    return TestClient(web)


def basic(token: str) -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(f'ada:{token}'.encode()).decode()}"}


def fill(store: Store) -> None:
    refuse(store, propose(store, 1, "closed"), Reason.WRONG_DIAGNOSIS)
    prove(store, Answer.WORSE, proposal_id=propose(store, 2, "merged"))
    propose(store, 3, "open")


def test_the_page_says_what_the_table_says(store: Store) -> None:
    fill(store)
    html = report_html(report(store, TENANT), list_pull_requests(store, TENANT), tenant="<b>42", now=NOW)
    assert "&lt;b&gt;42" in html
    assert '<td>wrong diagnosis</td><td class="n">1</td>' in html
    assert '<td class="alarm">worse</td>' in html
    assert "<script" not in html


def test_titles_and_addresses_cannot_leave_their_place(store: Store) -> None:
    propose(store, 1, "open")
    (one,) = list_pull_requests(store, TENANT)
    assert one.url == ""  # "u" is no web address
    hostile = one._replace(title="<img src=x onerror=alert(1)>\u202e", agent="<script>")
    html = report_html(report(store, TENANT), [hostile], tenant=TENANT, now=NOW)
    assert "<img" not in html
    assert "<script" not in html
    assert "\u202e" not in html


@pytest.mark.parametrize("headers", [basic(TOKEN), {"authorization": f"Bearer {TOKEN}"}])
def test_who_has_the_operators_token_reads_it_over_http(tmp_path: Path, headers: dict[str, str]) -> None:
    store = Store(open_engine(f"sqlite:///{tmp_path / 'x.db'}"), now=lambda: NOW)  # routes run in threads
    store.connect_repository(TENANT, "acme/shop")
    store.save_modes(TENANT, [MODE], {})
    fill(store)
    page = client(store).get(f"/tenants/{TENANT}/report", headers=headers)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "wrong diagnosis" in page.text
    numbers = client(store).get(f"/tenants/{TENANT}/report.json", headers=headers)
    assert numbers.json() == report_record(report(store, TENANT))
    assert client(store).get("/tenants/nobody/report", headers=headers).status_code == 404
    store.close()


@pytest.mark.parametrize(
    "headers", [{}, basic("wrong"), basic(""), {"authorization": "Basic %"}, {"authorization": "Bearer"}]
)
def test_nobody_else_does(store: Store, headers: dict[str, str]) -> None:
    answer = client(store).get(f"/tenants/{TENANT}/report", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert client(store, token="").get(f"/tenants/{TENANT}/report", headers=headers).status_code == 403


def test_the_command_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEWRIGHT_DATA", str(tmp_path))
    done = CliRunner().invoke(app, ["report", "--page", str(tmp_path / "report.html")])
    assert (done.exit_code, "What became of" in (tmp_path / "report.html").read_text()) == (0, True)
    assert CliRunner().invoke(app, ["report", "--page", str(tmp_path / "no" / "x.html")]).exit_code == 1


@pytest.mark.parametrize(("n_bad", "n_more"), [(0, 0), (1, 8), (2, 16), (3, 24), (9, 24)])
def test_harm_asks_for_more_healthy_runs_within_bounds(n_bad: int, n_more: int) -> None:
    its = [opened("merged")._replace(proposal_id=f"p{number}") for number in range(10)]
    assert guard_runs(its, {f"p{number}" for number in range(n_bad)}, now=TODAY).n_more == n_more


def test_a_fix_that_did_harm_speaks_against_its_agent_though_people_merged_it(store: Store) -> None:
    agent = Agent(forge=FakeForge(), base=Base(branch="main", sha="b" * 40), harness=Harness(name=""))  # type: ignore[arg-type]
    queue = Queue(store=store, now=lambda: NOW)
    for number in range(5):
        prove(store, Answer.WORSE, proposal_id=propose(store, number, "merged"))
    assert "0 of 5 decided pull requests merged" in queue.standing(TENANT, agent).reason


def test_old_harm_is_forgotten() -> None:
    its = [opened("merged", days_ago=91)]
    assert guard_runs(its, {"p1"}, now=TODAY).n_more == 0


def test_more_healthy_runs_are_tried_when_they_are_asked_for() -> None:
    bad, good = [failing(1), failing(2)], [healthy(number) for number in range(1, 20)]
    assert [len(part) for part in choose_cases(bad, good)] == [2, 2]
    assert [len(part) for part in choose_cases(bad, good, n_more_healthy=8)] == [2, 10]


def test_every_move_of_a_threshold_is_kept_with_its_reason_and_shown(store: Store) -> None:
    forge = FakeForge()
    agent = Agent(forge=forge, base=Base(branch="main", sha="b" * 40), harness=Harness(name=""))  # type: ignore[arg-type]
    moments = iter([NOW, NOW + timedelta(hours=1), NOW + timedelta(hours=2)])
    queue = Queue(store=store, now=lambda: NOW)
    for worse in (False, False, True):
        if worse:
            prove(store, Answer.WORSE, proposal_id=propose(store, 2, "merged"))
        moment = next(moments)
        note_thresholds(store, TENANT, Agents(readable=(agent,)), replace(queue, now=lambda at=moment: at))
    moves = [(each.name, each.value) for each in store.thresholds(TENANT)]
    assert moves == [("autonomy", "draft"), ("guard runs", "+0"), ("guard runs", "+8")]
    record = report_record(report(store, TENANT))["thresholds"][-1]
    assert record["since"] == (NOW + timedelta(hours=2)).isoformat()
    html = report_html(report(store, TENANT), [], tenant=TENANT, now=NOW)
    assert "1 of its fixes of 90 days did harm" in html
