"""The command line as a stranger uses it: each call is a fresh start over a folder."""

import gzip
import json
import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot import cli
from bot.store.engine import open_engine
from fixers.replay.cassette import Cassette
from tests.unit.bot.recorded_product import make_repository
from tests.unit.fixers.recorded_runs import failing

SPAN = {
    "traceId": "a" * 32,
    "spanId": "b" * 16,
    "name": "chat",
    "startTimeUnixNano": "1700000000000000000",
    "endTimeUnixNano": "1700000001000000000",
}
REQUEST = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [SPAN]}]}]})

PULL_REQUESTS = ("opened", "open", "merged", "refused")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Return what runs one command: exit status, stdout and stderr."""
    for name in [name for name in os.environ if name.startswith(("TRACEWRIGHT_", "OPENAI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TRACEWRIGHT_DATA", str(tmp_path / "data"))

    def command(*words: str, **environ: str) -> tuple[int, str, str]:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["tracewright", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        written = capfd.readouterr()
        return int(ended.value.code or 0), written.out, written.err

    return command


def is_one_line(status: int, out: str, err: str, *, told: str) -> bool:
    return (status, out, err.count("\n"), told in err, err.startswith("tracewright: ")) == (1, "", 1, True, True)


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"TRACEWRIGHT_DATABASE_URL": "foo"}, "TRACEWRIGHT_DATABASE_URL is not a URL of SQLite or PostgreSQL"),
        ({"TRACEWRIGHT_DATABASE_URL": "oracle9://x"}, "TRACEWRIGHT_DATABASE_URL is not a URL"),
        ({"TRACEWRIGHT_DATABASE_URL": "sqlite:////proc/none/x.db"}, "TRACEWRIGHT_DATABASE_URL cannot be used"),
        ({"TRACEWRIGHT_DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/x"}, "the database: connection failed"),
        ({"TRACEWRIGHT_DATA": "/proc/none"}, "TRACEWRIGHT_DATA='/proc/none' cannot be used"),
        ({"TRACEWRIGHT_PORT": "eighty"}, "TRACEWRIGHT_PORT='eighty' is not a whole number"),
        ({"TRACEWRIGHT_GITHUB_APP_ID": "1"}, "TRACEWRIGHT_GITHUB_PRIVATE_KEY_FILE='' cannot be read"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_line(run: Run, environ: dict[str, str], told: str) -> None:
    status, out, err = run("modes", "--json", **environ)
    assert is_one_line(status, out, err, told=told), err
    assert "secret" not in err


def test_a_key_that_is_no_key_is_named(run: Run, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text("-----BEGIN NOTHING-----\n")
    environ = {"TRACEWRIGHT_GITHUB_APP_ID": "1", "TRACEWRIGHT_GITHUB_PRIVATE_KEY_FILE": str(key)}
    assert is_one_line(*run("modes", **environ), told="key.pem' is not a private key in PEM")


@pytest.mark.parametrize("words", [("show", "nope"), ("show", "nope", "--json"), ("fix", "nope"), ("fix", "n\x1b[2J")])
def test_an_unknown_failure_mode_is_one_line(run: Run, words: tuple[str, ...]) -> None:
    status, out, err = run(*words)
    assert is_one_line(status, out, err, told="tenant 'local' has no failure mode 'n"), err
    assert "\x1b[2J" not in err


def test_a_locked_database_is_one_line(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("modes")
    monkeypatch.setitem(open_engine.__kwdefaults__, "busy_timeout_s", 0.05)  # nobody waits for the other one here
    with sqlite3.connect(tmp_path / "data" / "tracewright.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        (tmp_path / "t.json").write_text(REQUEST)
        status, out, err = run("ingest", str(tmp_path / "t.json"))
        other.execute("ROLLBACK")
    other.close()
    assert (status, "database is locked" in err, "Traceback" in out + err) == (1, True, False), err


@pytest.mark.parametrize(("name", "packed"), [("t.json", False), ("t.json.gz", True), ("t.jsonl", False)])
def test_a_file_is_kept_once_however_often_it_is_given(run: Run, tmp_path: Path, name: str, *, packed: bool) -> None:
    file = tmp_path / name
    file.write_bytes(gzip.compress(REQUEST.encode()) if packed else REQUEST.encode())
    for _ in range(2):
        status, out, _ = run("ingest", str(file))
        assert (status, "1 spans kept" in out) == (0, True)
    findings = json.loads(run("doctor", "--json")[1])
    assert any("1 traces, 1 spans" in finding["fact"] for finding in findings)


def test_lost_rows_are_read_again_from_the_batches(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(REQUEST)
    run("ingest", str(tmp_path / "t.json"))
    with sqlite3.connect(tmp_path / "data" / "tracewright.db") as connection:
        connection.execute("DELETE FROM traces")
        connection.execute("DELETE FROM spans")
    connection.close()
    status, out, _ = run("reindex")
    assert (status, "local: 1 batches read again" in out) == (0, True)
    assert "1 traces, 1 spans" in run("doctor", "--json")[1]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("gone.json", None, "gone.json: No such file or directory"),
        ("t.csv", b"", "'.csv' is not .json, .jsonl or .pb"),
        ("t.jsonl", f"{REQUEST}\n\nnot JSON".encode(), "t.jsonl, line 3: "),
        ("t.pb", b"\xff\xff", "t.pb: "),
        ("t.json.gz", b"not gzip", "t.json.gz: "),
        ("t.json.gz", gzip.compress(REQUEST.encode())[:-9], "t.json.gz: "),
    ],
)
def test_a_file_that_is_not_what_it_says_is_named(
    run: Run, tmp_path: Path, name: str, content: bytes | None, told: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    status, out, err = run("ingest", str(tmp_path / name))
    assert (status, told in err, "Traceback" in out + err) == (1, True, False), err


def test_every_list_is_json_when_asked(run: Run) -> None:
    assert json.loads(run("modes", "--json")[1]) == []
    assert {"failure_modes", "not_fixed"} <= json.loads(run("run", "--json")[1]).keys()
    assert json.loads(run("report", "--json")[1])["pull_requests"] == dict.fromkeys(PULL_REQUESTS, 0)
    assert run("modes")[1].startswith("No failure modes.")


def test_a_folder_is_connected_and_its_key_is_shown(run: Run, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "shop", {"a.py": ""})
    status, out, _ = run("connect", str(repository))
    assert (status, "OTEL_EXPORTER_OTLP_HEADERS" in out, str(repository) in out) == (0, True, True)
    findings = json.loads(run("doctor", "--json")[1])
    assert {"subject": str(repository), "state": "ok", "fact": "agents: shop (draft)", "mend": ""} in findings


@pytest.mark.parametrize(
    ("repository", "told"),
    [
        ("nowhere", "'nowhere' is neither a folder nor owner/name on GitHub"),
        (
            "octocat/hello-world",
            "octocat/hello-world is on GitHub, but no GitHub App is set up: `tracewright serve` shows how",
        ),
    ],
)
def test_what_cannot_be_connected_is_one_line(run: Run, repository: str, told: str) -> None:
    assert is_one_line(*run("connect", repository), told=told)


def test_a_folder_without_git_is_not_connected(run: Run, tmp_path: Path) -> None:
    assert is_one_line(*run("connect", str(tmp_path)), told=str(tmp_path))


def test_the_doctor_says_what_mends_each_line(run: Run) -> None:
    status, out, _ = run("doctor", "--json", TRACEWRIGHT_PYTHON="/nowhere/python")
    findings = {finding["subject"]: finding for finding in json.loads(out)}
    assert status == 1
    assert findings["interpreter for your agent"]["state"] == "broken"
    assert findings["repositories"]["mend"] == "tracewright connect OWNER/NAME, or a folder"
    assert all(finding["mend"] for finding in findings.values() if finding["state"] != "ok")


def test_keys_are_made_scoped_rotated_and_revoked_and_never_shown_again(run: Run) -> None:
    assert run("keys", "list")[1].startswith("No keys.")
    key = json.loads(run("keys", "create", "--label", "web", "--service", "shop-*", "--json")[1])["key"]
    (listed,) = json.loads(run("keys", "list", "--json")[1])
    assert (listed["label"], listed["services"], listed["state"]) == ("web", ["shop-*"], "valid")
    status, out, _ = run("keys", "rotate", listed["id"][:6], "--overlap-hours", "1")
    assert (status, out.startswith("tw_")) == (0, True)
    assert json.loads(run("keys", "revoke", listed["id"], "--json")[1]) == {"revoked": True}
    shown, records = run("keys", "list")[1], json.loads(run("keys", "list", "--json")[1])
    assert [record["state"] for record in records] == ["revoked", "valid"]
    assert not any(secret[3:] in shown + str(records) for secret in (key, out.split()[0]))


def test_a_key_of_nobody_and_a_label_that_a_terminal_would_obey_are_one_line(run: Run) -> None:
    assert is_one_line(*run("keys", "revoke", "abc"), told="tenant 'local' has 0 keys whose id begins with 'abc'")
    assert is_one_line(*run("keys", "create", "--label", "a\x1b[2J"), told="a label has at most 100 characters")


def test_a_kept_trace_becomes_a_cassette_that_reads_back(run: Run, tmp_path: Path) -> None:
    kept = failing(7)
    spans = [
        {
            "traceId": kept.trace_id,
            "spanId": span.span_id,
            "parentSpanId": span.parent_span_id or "",
            "name": span.name,
            "startTimeUnixNano": "1700000000000000000",
            "endTimeUnixNano": "1700000001000000000",
            "status": {"code": 2, "message": "Error code: 429 - slow down, try again in 20s"},
            "attributes": [
                {"key": key, "value": {"stringValue": value}}
                for key, value in {**span.attributes, "error.type": "openai.RateLimitError"}.items()
            ],
        }
        for span in kept.spans
    ]
    (tmp_path / "run.json").write_text(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}))
    assert run("ingest", str(tmp_path / "run.json"))[0] == 0
    status, out, _ = run("record", kept.trace_id)
    assert run("record", kept.trace_id, "--output", str(tmp_path / "cassette.json"))[0] == status == 0
    assert (tmp_path / "cassette.json").read_text() == out
    cassette = Cassette.from_json(json.loads(out))
    assert cassette.input == '{"turns": ["Where is order 7?"]}'
    assert [call.error and call.error.status for call in cassette.model_calls] == [429]
    assert json.loads(json.dumps(cassette.to_json())) == json.loads(out)
    assert run("record", "0" * 32)[0] != 0


def test_blind_spots_are_told_without_a_model_too(run: Run) -> None:
    status, out, _ = run("modes", "--blind-spots", "--json")
    assert (status, json.loads(out)["audited"], json.loads(out)["model"]) == (0, 0, None)
    assert "No model is configured" in run("modes", "--blind-spots")[1]
