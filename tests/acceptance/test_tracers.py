"""Each tracer's own SDK, connected as its page in docs/connect tells, sends to a running receiver what is then found.

The snippets of the pages are run as they stand but for the host: a page that is wrong fails here.
"""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from bot.store.engine import open_engine
from bot.store.store import Store
from clustering.detect import detect, see
from webhooks import semconv
from webhooks.routes import create_router, install_error_handler
from webhooks.signatures import Secret, Secrets
from webhooks.trace import Trace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PAGES = Path(__file__).parents[2] / "docs" / "connect"
SECRET = b"a secret of ours"
SECRETS = Secrets(standard=[Secret(tenant="acme", key=SECRET)])
CLIENTS = Path(__file__).with_name("tracer_clients.py")
STARTED_WITHIN_S = 30.0
OTEL = [
    "opentelemetry-sdk==1.45.0",
    "opentelemetry-exporter-otlp-proto-http==1.45.0",
    "logfire==5.2.0",
    "openinference-instrumentation-openai==0.1.52",
]
OPENLLMETRY = ["--no-deps", "-r", str(Path(__file__).with_name("openllmetry.txt"))]
#: (client, page that connects it, packages of its venv, whether it can send feedback).
TRACERS = [
    ("langsmith", "langsmith", ["langsmith==0.15.0"], True),
    ("langsmith_slow", "langsmith", ["langsmith==0.15.0"], True),
    ("langsmith_tee", "langsmith", ["langsmith==0.15.0"], False),
    ("langfuse", "langfuse", ["langfuse==3.15.0"], True),
    ("langfuse", "langfuse", ["langfuse==4.18.0"], True),
    ("langfuse", "langfuse", ["langfuse==5.0.4"], True),
    ("openai_agents", "openai-agents", ["openai-agents==0.24.0"], False),
    ("otel", "opentelemetry", OTEL, True),
    ("openinference", "opentelemetry", OTEL, False),
    ("logfire", "logfire", OTEL, False),
    ("mlflow", "mlflow", ["mlflow-tracing==3.17.0", "opentelemetry-exporter-otlp-proto-http==1.45.0"], False),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(open_engine(f"sqlite:///{tmp_path / 'store.db'}"), now=lambda: datetime.now(UTC))
    yield store
    store.close()


@pytest.fixture
def base_url(store: Store) -> Iterator[str]:
    app = FastAPI()
    install_error_handler(app)
    app.include_router(create_router(store, webhook_secret=None, secrets=SECRETS))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + STARTED_WITHIN_S
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    [port] = {item.getsockname()[1] for found in server.servers for item in found.sockets}
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="session")
def venvs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("venvs")


def python_with(packages: list[str], venvs: Path) -> Path:
    """Return the interpreter of a venv that holds these packages; TRACER_VENVS keeps them from run to run."""
    home = Path(os.environ.get("TRACER_VENVS", venvs)) / hashlib.sha256(" ".join(packages).encode()).hexdigest()[:16]
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
        install = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-compile", *packages]
        subprocess.run(install, check=True)
    return python


def blocks(page: str, language: str, base_url: str) -> list[str]:
    """Return the snippets of a page, for another host."""
    text = (PAGES / f"{page}.md").read_text().replace("https://tracewright.example.com", base_url)
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def run_client(  # noqa: PLR0917  # what every test here has
    client: str, page: str, packages: list[str], store: Store, base_url: str, venvs: Path
) -> None:
    """Run a client in a shell that did what the page says; of several snippets, the tee is the last."""
    key = store.create_key("acme")
    shells = blocks(page, "sh", base_url)
    told = (shells[-1].replace("tw-key", key) if client == "langsmith_tee" else shells[0]) if shells else ""
    script = f'{told}\nexec "$@"'
    environ = {"PATH": os.environ["PATH"], "TRACEWRIGHT_KEY": key}
    environ |= {"PAGE_PYTHON": "\n".join(blocks(page, "python", base_url))}
    command = ["bash", "-ec", script, "bash", str(python_with(packages, venvs)), str(CLIENTS), client]
    subprocess.run(command, check=True, timeout=120, env=environ)


def the_trace(store: Store, tenant: str) -> Trace:
    """Return the only trace, with the events that name nothing but its answer: they join once it was examined."""
    [trace_id] = store.traces_to_examine(tenant, quiet_s=0)
    store.save_examined(tenant, store.load_traces(tenant, [trace_id])[trace_id], [])
    store.join_responses(tenant)
    return store.load_traces(tenant, [trace_id])[trace_id]


@pytest.mark.parametrize(("client", "page", "packages", "has_feedback"), TRACERS)
def test_what_a_tracer_sends_is_found(
    client: str, page: str, packages: list[str], *, has_feedback: bool, store: Store, base_url: str, venvs: Path
) -> None:
    run_client(client, page, packages, store, base_url, venvs)
    trace = the_trace(store, "acme")
    spans = {semconv.operation(span).value: span for span in trace.spans}
    assert [message.content for message in semconv.input_messages(spans["chat"])] == ["Where is A1?"]
    assert semconv.output_messages(spans["chat"])[0].tool_calls[0].name == "get_order"
    assert semconv.tool_name(spans["execute_tool"]) == "get_order"
    found = {failure.detector for failure in see(trace)}
    assert "tool_error" in found
    assert ("negative_feedback" in found) is has_feedback
    store.save_examined("acme", trace, [])
    assert store.traces_to_examine("acme", quiet_s=0) == []


def test_what_openllmetry_tells_of_openais_client_is_found(store: Store, base_url: str, venvs: Path) -> None:
    run_client("openllmetry", "openllmetry", OPENLLMETRY, store, base_url, venvs)
    trace = the_trace(store, "acme")
    root, answered, refused, tool = sorted(trace.spans, key=lambda span: span.start)
    assert (trace.root, semconv.service_name(trace)) == (root, "shop")
    assert {semconv.operation(span).value for span in (answered, refused)} == {"chat"}
    assert [(item.role, item.content) for item in semconv.input_messages(answered)] == [("user", "Where is A1?")]
    [call] = semconv.output_messages(answered)[0].tool_calls
    assert (call.id, call.name, json.loads(call.arguments)) == ("call_1", "get_order", {"order_id": "A1"})
    assert (semconv.model(answered), semconv.usage(answered)) == ("gpt-5-mini", semconv.Usage(11, 7))
    assert semconv.exception(answered) is None
    failed = semconv.exception(refused)
    assert failed is not None
    assert (semconv.model(refused), failed.type) == ("gone", "openai.NotFoundError")
    assert "No such model" in str(failed.message)
    assert (semconv.operation(tool).value, semconv.tool_name(tool)) == ("execute_tool", "get_order")
    assert "tool_error" in {failure.detector for failure in see(trace)}


def test_langsmiths_runs_are_found_when_they_come_as_spans_alone(store: Store, base_url: str, venvs: Path) -> None:
    run_client("langsmith_otel", "langsmith", ["langsmith[otel]==0.15.0"], store, base_url, venvs)
    trace = the_trace(store, "acme")
    spans = {span.name: span for span in trace.spans}
    assert (set(spans), trace.root.name) == ({"support", "chat", "get_order"}, "support")
    assert json.loads(semconv.input_value(trace.root) or "") == {"question": "Where is A1?"}
    assert json.loads(semconv.output_value(trace.root) or "") == {"output": "Sorry"}
    assert [item.content for item in semconv.input_messages(spans["chat"])] == ["Where is A1?"]
    assert semconv.output_messages(spans["chat"])[0].tool_calls[0].name == "get_order"
    assert json.loads(semconv.tool_arguments(spans["get_order"]) or "") == {"order_id": "A1"}
    failed = semconv.exception(spans["get_order"])
    assert failed is not None
    assert "KeyError" in f"{failed.type} {failed.message}"
    assert "tool_error" in {failure.detector for failure in detect(trace)}


def test_claude_codes_log_is_a_trace_without_a_span_sent(store: Store, base_url: str, venvs: Path) -> None:
    run_client("claude_code", "claude-code", OTEL, store, base_url, venvs)
    trace = the_trace(store, "acme")
    assert (semconv.input_value(trace.root), semconv.session_id(trace)) == ("Where is A1?", "s")
    assert "tool_error" in {failure.detector for failure in detect(trace)}


def test_the_webhook_of_the_page_is_feedback(store: Store, base_url: str) -> None:
    [snippet] = blocks("webhooks", "python", base_url)
    secret = "whsec_" + base64.b64encode(SECRET).decode()
    environ = {"PATH": os.environ["PATH"], "TRACEWRIGHT_WEBHOOK_SECRETS": secret}
    subprocess.run([sys.executable, "-c", snippet], check=True, timeout=60, env=environ)
    assert {failure.detector for failure in detect(the_trace(store, "acme"))} == {"negative_feedback"}


def test_every_page_with_a_shell_snippet_is_walked() -> None:
    walked = {page for _, page, _, _ in TRACERS} | {"claude-code", "openllmetry"}
    assert {path.stem for path in PAGES.glob("*.md") if blocks(path.stem, "sh", "")} == walked - {"openai-agents"}
