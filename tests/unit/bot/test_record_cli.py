"""`tracewright record --run`: a live run becomes a file that `tracewright replay` plays."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli import app
from tests.unit.fixers.live_hosts import live
from tests.unit.fixers.recorded_runs import write_repository

needs_bwrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")


def tracewright(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return write_repository(tmp_path / "repository")


@needs_bwrap
def test_an_agent_that_ran_once_live_is_replayed_with_its_tools(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "asked.json").write_text('{"turns": ["Where is order 7?"]}')
    with live() as hosts:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{hosts.url}/v1")
        run = ("--run", "python agent.py", "--repo", repo, "--input", tmp_path / "asked.json")
        done = tracewright("record", *run, "--output", tmp_path / "run.json")
    assert (done.exit_code, "2 model calls, 1 tool calls, 0 HTTP calls recorded" in done.stderr) == (0, True)
    written = json.loads((tmp_path / "run.json").read_text())
    assert (written["input"], written["tool_calls"][0]["result"]) == (
        '{"turns": ["Where is order 7?"]}',
        "real get_order",
    )
    replayed = tracewright("replay", tmp_path / "run.json", "--repo", repo, "--command", "python agent.py", "--json")
    told = json.loads(replayed.stdout)
    assert (replayed.exit_code, told["unrecorded"], told["answered_from_the_recording"]) == (0, [], 3)


def test_a_cassette_is_completed_with_the_answers_that_it_lacks(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"trace_id": "t", "service": "shop", "input": '{"turns": ["Where is order 7?"]}', "http_calls": []}
    (tmp_path / "run.json").write_text(json.dumps(known))
    with live() as hosts:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{hosts.url}/v1")
        files = ("--complete", tmp_path / "run.json", "--output", tmp_path / "run.json")
        assert tracewright("record", "--run", "python agent.py", "--repo", repo, *files).exit_code == 0
    whole = json.loads((tmp_path / "run.json").read_text())
    assert (whole["trace_id"], whole["input"], len(whole["model_calls"])) == ("t", known["input"], 2)


def test_what_the_command_was_given_names_what_is_missing(tmp_path: Path) -> None:
    words: list[tuple[tuple[object, ...], str]] = [
        ((), "give a TRACE_ID"),
        (("--run", "true", "--output", "x.json"), "needs the run's input"),
        (("--run", "true", "--input", tmp_path), "needs --output"),
        (("--run", "true", "--input", tmp_path, "--output", "gone/x.json"), "gone/x.json: there is no such folder"),
        (("t", "--run", "true", "--complete", "x.json", "--output", "x.json"), "not both"),
    ]
    for given, reason in words:
        done = tracewright("record", *given)
        told = " ".join(done.stderr.replace("│", " ").split())
        assert (done.exit_code, reason in told) == (2, True), told
