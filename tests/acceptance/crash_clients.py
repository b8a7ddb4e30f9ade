"""A receiver that is killed, and clients that send to it as tracers and GitHub do: again and again until accepted."""

import hmac
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bot.settings import Settings

ROOT = Path(__file__).parents[2]
SECRET = "a secret of the tests"
TENANT = "100"
REPOSITORY = "acme/shop-agent"
STARTUP_S = 60.0
PAUSE_S = 0.2
# A client that fails this often in a row will never be served.
MAX_ATTEMPTS = 2_000
SPANS_IN_A_BATCH = 3
PROTOBUF = "application/x-protobuf"


class Server:
    """`tracewright serve` on a fixed port of loopback, started and killed at will."""

    def __init__(self, settings: Settings, *, log: Path) -> None:
        self._port = _free_port()
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(ROOT),
            "TRACEWRIGHT_DATA": str(settings.data),
            "TRACEWRIGHT_DATABASE_URL": settings.database_url,
            "TRACEWRIGHT_PORT": str(self._port),
            "TRACEWRIGHT_INTERVAL_S": "0",
            "TRACEWRIGHT_GITHUB_WEBHOOK_SECRET": SECRET,
        }
        self._log: IO[bytes] = log.open("ab")
        self._lives = subprocess.Popen(
            [sys.executable, "-m", "tests.acceptance.crash_server"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        # One client: each `httpx.get` would read the system's certificates again.
        self._http = httpx.Client(base_url=self.url)
        self._life: int | None = None
        self.n_kills = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start a process and wait until it answers."""
        assert self._lives.stdin is not None
        self._lives.stdin.write("start\n")
        self._lives.stdin.flush()
        self._life = int(self._said())
        deadline = time.monotonic() + STARTUP_S
        while time.monotonic() < deadline:
            try:
                if self._http.get("/healthz").status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pause(PAUSE_S)
        raise AssertionError(f"the server did not answer within {STARTUP_S} s")

    def kill(self) -> None:
        """End the process as nothing else can."""
        if self._life is not None:
            os.kill(self._life, signal.SIGKILL)
            assert self._said() == "ended"
            self._life = None
            self.n_kills += 1

    def close(self) -> None:
        self.kill()
        self._http.close()
        self._lives.communicate(timeout=STARTUP_S)
        self._log.close()

    def _said(self) -> str:
        assert self._lives.stdout is not None
        return self._lives.stdout.readline().strip()


@dataclass
class Accepted:
    """What clients were promised, shared by them."""

    #: The number that each span carries, by (trace id, span id).
    spans: dict[tuple[str, str], int] = field(default_factory=dict)
    #: The words of each delivery by its id.
    deliveries: dict[str, str] = field(default_factory=dict)
    n_repeats: int = 0
    n_retries: int = 0

    def __len__(self) -> int:
        return len(self.spans) // SPANS_IN_A_BATCH + len(self.deliveries)


class Client(threading.Thread):
    """Sends batches and deliveries in turn, some of them twice, until it is stopped."""

    def __init__(self, url: str, *, key: str, seed: int, accepted: Accepted) -> None:
        super().__init__(daemon=True)
        self._http = httpx.Client(base_url=url, timeout=10.0)
        self._key = key
        self._random = random.Random(seed)
        self._accepted = accepted
        self._stopped = threading.Event()
        self._last_spans: list[tuple[str, str, int]] = []
        #: What went wrong, for the test to see.
        self.error: BaseException | None = None

    def stop(self) -> None:
        """Finish what is being sent, and end."""
        self._stopped.set()
        self.join(STARTUP_S)
        assert not self.is_alive(), "the client is not served"

    def run(self) -> None:
        try:
            while not self._stopped.is_set():
                self._send_batch()
                self._send_delivery()
        except BaseException as error:  # noqa: BLE001  # a thread's failure is the test's
            self.error = error
        finally:
            self._http.close()

    def _send_batch(self) -> None:
        trace_id = f"{self._random.getrandbits(128):032x}"
        spans = [(trace_id, f"{self._random.getrandbits(64):016x}", self._random.getrandbits(62)) for _ in range(3)]
        # Exporters also send a span again in another batch.
        again = self._last_spans[:1] if self._random.random() < 0.1 else []
        headers = {"authorization": f"Bearer {self._key}", "content-type": PROTOBUF}
        for _ in range(self._times(0.1)):
            self._post("/v1/traces", _batch(spans + again), headers, expected=httpx.codes.OK)
        self._accepted.spans.update({(trace, span): nonce for trace, span, nonce in spans})
        self._last_spans = spans

    def _send_delivery(self) -> None:
        delivery_id = f"{self._random.getrandbits(128):032x}"
        body = _review(words=f"remark {delivery_id}", number=self._random.randint(1, 5))
        headers = {
            "content-type": "application/json",
            "x-github-event": "pull_request_review",
            "x-github-delivery": delivery_id,
            "x-hub-signature-256": "sha256=" + hmac.new(SECRET.encode(), body, "sha256").hexdigest(),
        }
        for _ in range(self._times(0.3)):
            self._post("/github/webhook", body, headers, expected=httpx.codes.ACCEPTED)
        self._accepted.deliveries[delivery_id] = f"remark {delivery_id}"

    def _times(self, repeated: float) -> int:
        if self._random.random() >= repeated:
            return 1
        self._accepted.n_repeats += 1
        return 2

    def _post(self, path: str, body: bytes, headers: Mapping[str, str], *, expected: int) -> None:
        for _ in range(MAX_ATTEMPTS):
            try:
                status = self._http.post(path, content=body, headers=dict(headers)).status_code
            except httpx.TransportError:
                status = httpx.codes.BAD_GATEWAY
            if status == expected:
                return
            assert status >= httpx.codes.INTERNAL_SERVER_ERROR, f"{path} answered {status}"
            self._accepted.n_retries += 1
            pause(PAUSE_S)
        raise AssertionError(f"{path} was tried {MAX_ATTEMPTS} times")


def pause(seconds: float) -> None:
    """Let another process go on: what is waited for here happens outside of Python."""
    threading.Event().wait(seconds)


def _batch(spans: list[tuple[str, str, int]]) -> bytes:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    service = resource_spans.resource.attributes.add(key="service.name")
    service.value.string_value = "support-agent"
    scope_spans = resource_spans.scope_spans.add()
    for trace_id, span_id, nonce in spans:
        span = scope_spans.spans.add(trace_id=bytes.fromhex(trace_id), span_id=bytes.fromhex(span_id), name="chat")
        span.start_time_unix_nano = 1_793_620_800_000_000_000
        span.end_time_unix_nano = 1_793_620_801_000_000_000
        span.attributes.add(key="nonce").value.int_value = nonce
    return request.SerializeToString()


def _review(*, words: str, number: int) -> bytes:
    return json.dumps(
        {
            "action": "submitted",
            "review": {"state": "commented", "body": words, "submitted_at": "2026-11-02T12:00:00Z"},
            "pull_request": {"number": number},
            "repository": {"full_name": REPOSITORY},
            "installation": {"id": int(TENANT)},
            "sender": {"login": "reviewer", "type": "User"},
        }
    ).encode()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
