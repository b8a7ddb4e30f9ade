"""Each tracer's own SDK, unchanged, is pointed at a running receiver; what it sent is found in the store."""

import os
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
from clustering.detect import detect
from webhooks import semconv
from webhooks.routes import create_router, install_error_handler
from webhooks.trace import Trace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CLIENTS = Path(__file__).with_name("tracer_clients.py")
STARTED_WITHIN_S = 30.0
#: (client, packages of its venv, whether it can send feedback).
TRACERS = [
    ("langsmith", ["langsmith==0.15.0"], True),
    ("langsmith_slow", ["langsmith==0.15.0"], True),
    ("langfuse", ["langfuse==3.15.0"], True),
    ("langfuse", ["langfuse==4.18.0"], True),
    ("langfuse", ["langfuse==5.0.4"], True),
    ("openai_agents", ["openai-agents==0.24.0"], False),
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
    app.include_router(create_router(store, webhook_secret=None))
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
    home = Path(os.environ.get("TRACER_VENVS", venvs)) / "-".join(packages)
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *packages], check=True)
    return python


def the_trace(store: Store, tenant: str) -> Trace:
    [trace_id] = store.traces_to_examine(tenant, quiet_s=0)
    return store.load_traces(tenant, [trace_id])[trace_id]


@pytest.mark.parametrize(("client", "packages", "has_feedback"), TRACERS)
def test_what_a_tracer_sends_is_found(
    client: str, packages: list[str], *, has_feedback: bool, store: Store, base_url: str, venvs: Path
) -> None:
    key = store.create_key("acme")
    command = [str(python_with(packages, venvs)), str(CLIENTS), client, base_url, key]
    subprocess.run(command, check=True, timeout=120, env={"PATH": os.environ["PATH"]})
    trace = the_trace(store, "acme")
    spans = {semconv.operation(span).value: span for span in trace.spans}
    assert [message.content for message in semconv.input_messages(spans["chat"])] == ["Where is A1?"]
    assert semconv.output_messages(spans["chat"])[0].tool_calls[0].name == "get_order"
    assert semconv.tool_name(spans["execute_tool"]) == "get_order"
    found = {failure.detector for failure in detect(trace)}
    assert "tool_error" in found
    assert ("negative_feedback" in found) is has_feedback
    store.save_examined("acme", trace, [])
    assert store.traces_to_examine("acme", quiet_s=0) == []
