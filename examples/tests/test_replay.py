"""The agent's replay command takes its tool results from the recording, and says how it ended by its exit status."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from examples.shop_provider.quirks import Quirk, quirk_of
from examples.shop_provider.server import Server
from examples.tests.sink import Sink
from examples.traffic import CHECKOUT

Answer = tuple[int, dict[str, Any]]
RECORDED: Answer = (
    200,
    {
        "result": json.dumps(
            {"item": "red hat", "quantity": 1, "status": "lost", "total": "1.00 EUR", "placed_on": "2026-01-01"}
        )
    },
)


def question(quirk: Quirk = Quirk.NONE) -> str:
    return next(text for n in range(1002, 1300) if quirk_of(text := f"What is the status of A-{n}?") is quirk)


@pytest.fixture
def replay(provider: Server, tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.CompletedProcess[str], Sink]]]:
    servers = []

    def run(text: str, answer: Answer | None) -> tuple[subprocess.CompletedProcess[str], Sink]:
        recording = tmp_path / "input.json"
        recording.write_text(json.dumps({"input": json.dumps({"turns": [text]})}), encoding="utf-8")
        environment = {
            **os.environ,
            "OPENAI_BASE_URL": provider.base_url,
            "OPENAI_API_KEY": "replay",
            "TRACEWRIGHT_INPUT": str(recording),
        }
        if answer:
            servers.append(_tools_server(*answer))
            environment["TRACEWRIGHT_TOOLS_URL"] = f"http://127.0.0.1:{servers[-1].server_port}/tools"
        with Sink() as sink:
            environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = sink.url
            command = [sys.executable, "-m", "support_agent.replay"]
            done = subprocess.run(  # noqa: S603  # our own module, no shell
                command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False, timeout=60
            )
        return done, sink

    yield run
    for server in servers:
        server.shutdown()
        server.server_close()


def test_tool_results_come_from_the_recording(replay: Callable[..., Any]) -> None:
    done, sink = replay(question(), RECORDED)
    assert done.returncode == 0
    assert "red hat, lost" in done.stdout
    assert {span.kind for span in sink.spans} == {"AGENT", "LLM", "TOOL"}


def test_a_recorded_refusal_is_a_refusal_again(replay: Callable[..., Any]) -> None:
    done, sink = replay(question(), (200, {"error": {"type": "ToolError", "message": "no such thing"}}))
    assert "no such thing" in done.stdout
    assert [span.name for span in sink.spans if span.exceptions] == ["get_order"]


def test_an_unrecorded_call_runs_the_tool_where_that_is_allowed(replay: Callable[..., Any]) -> None:
    done, _ = replay(question(), (404, {"unrecorded": True, "run": True}))
    assert done.returncode == 0
    assert "EUR in total" in done.stdout


def test_an_unrecorded_call_ends_the_run_where_it_is_not(replay: Callable[..., Any]) -> None:
    done, _ = replay(question(), (404, {"unrecorded": True, "run": False}))
    assert done.returncode != 0
    assert "NotRecorded: get_order" in done.stderr


def test_without_a_recording_of_tools_they_run_on_a_new_database(replay: Callable[..., Any]) -> None:
    done, _ = replay(question(), None)
    assert "EUR in total" in done.stdout


def test_a_crash_is_exported_and_ends_with_its_error(replay: Callable[..., Any]) -> None:
    done, sink = replay(question(Quirk.EMPTY_ARGUMENTS), None)
    assert done.returncode != 0
    assert "JSONDecodeError" in done.stderr
    assert any(span.exceptions for span in sink.spans)


def _tools_server(status: int, body: dict[str, Any]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server
