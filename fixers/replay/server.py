"""Serve a recorded run: an OpenAI-compatible endpoint, a tool hook and an OTLP intake on one Unix socket.

Lives outside the sandbox, so everything that arrives comes from a stranger's code.
"""

import socketserver
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import orjson

from fixers.replay.cassette import NO_ANSWER
from fixers.replay.playback import Answer, Playback
from fixers.replay.wire import capped_headers, completion, events
from webhooks import otlp
from webhooks.decompress import decompress
from webhooks.errors import TooLarge, WebhookError
from webhooks.trace import Span

MAX_BODY_BYTES = 16 * 1024**2
MAX_EXPORTED_BYTES = 64 * 1024**2  # of one run, in all
UNRECORDED = 424  # Failed Dependency: a status that no client library retries
JSON = "application/json"


class ReplayServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """The server of one run; `spans` is what the run exported."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: Path, playback: Playback) -> None:
        super().__init__(str(path), ReplayHandler)
        self.playback = playback
        self.spans: list[Span] = []
        self._exported_bytes = 0
        self._lock = Lock()

    def keep_spans(self, body: bytes, content_type: str) -> None:
        """Decode an export and keep its spans.

        Raises
        ------
        WebhookError
            When the body cannot be decoded, or the run has exported too much.

        """
        with self._lock:
            self._exported_bytes += len(body)
            if self._exported_bytes > MAX_EXPORTED_BYTES:
                raise TooLarge(f"the run exported more than {MAX_EXPORTED_BYTES} bytes")
            self.spans.extend(otlp.decode(body, content_type))

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a run that is killed drops its connections in the middle."""


@contextmanager
def serving(path: Path, playback: Playback) -> Iterator[ReplayServer]:
    """Serve `playback` on the Unix socket `path` until the block ends."""
    with ReplayServer(path, playback) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class ReplayHandler(BaseHTTPRequestHandler):
    """One connection of a replayed run."""

    server: ReplayServer
    protocol_version = "HTTP/1.1"
    timeout = 300  # seconds that a connection may be idle

    def do_POST(self) -> None:
        """Route a call."""
        body = self._body()
        if body is None:
            return
        path = self.path.partition("?")[0]
        routes = {"/v1/chat/completions": self._complete, "/tools": self._tool}
        if path == "/v1/traces":
            self._traces(body)
        elif path in {"/v1/metrics", "/v1/logs"}:
            self._send(200, b"", self._content_type())
        elif path in routes:
            asked = _json_object(body)
            if asked is None:
                self._send_json(400, {"error": {"message": "the body is not a JSON object", "type": "replay"}})
            else:
                routes[path](asked)
        else:
            self._refuse(f"a call to {path[:100]!r} is never recorded")

    def do_GET(self) -> None:
        """Refuse: nothing that is asked with GET was recorded."""
        self._refuse(f"a call to {self.path[:100]!r} is never recorded")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Keep no log: what is said there comes from a stranger."""

    def _complete(self, asked: dict[str, Any]) -> None:
        # https://github.com/openai/openai-python sends the number of its own retry with every request.
        retry = self.headers.get("x-stainless-retry-count", "0")
        answer = self.server.playback.model(asked, retry=int(retry) if retry.isdecimal() else 0)
        if answer is None:
            message = self.server.playback.unrecorded[-1]
            self._send_json(UNRECORDED, {"error": {"message": message, "type": "unrecorded"}})
        elif answer.status == NO_ANSWER:
            self.close_connection = True
        elif answer.status != 200:  # noqa: PLR2004 - HTTP's OK
            self._send(answer.status, orjson.dumps(answer.body), JSON, capped_headers(answer.headers))
        else:
            self._send_completion(answer, asked)

    def _send_completion(self, answer: Answer, asked: Mapping[str, Any]) -> None:
        whole = completion(answer.body, model=str(asked.get("model", "")))
        if asked.get("stream"):
            options = asked.get("stream_options")
            include_usage = isinstance(options, dict) and bool(options.get("include_usage"))
            self._send(200, events(whole, include_usage=include_usage), "text/event-stream")
        else:
            self._send_json(200, whole)

    def _tool(self, asked: dict[str, Any]) -> None:
        playback = self.server.playback
        call = playback.tool(str(asked.get("name", "")), asked.get("arguments"))
        if call is None:
            self._send_json(404, {"unrecorded": True, "run": playback.runs_tools})
        elif call.error is not None:
            self._send_json(200, {"error": {"type": call.error.type, "message": call.error.message}})
        else:
            self._send_json(200, {"result": call.result})

    def _traces(self, body: bytes) -> None:
        content_type = self._content_type()
        try:
            self.server.keep_spans(body, content_type)
        except WebhookError as error:
            self._send_json(error.status, {"message": str(error)})
        else:
            self._send(200, b"{}" if content_type == JSON else b"", content_type)

    def _refuse(self, what: str) -> None:
        self.server.playback.refuse(what)
        self._send_json(UNRECORDED, {"error": {"message": what, "type": "unrecorded"}})

    def _content_type(self) -> str:
        return self.headers.get("content-type", JSON).partition(";")[0].strip().lower()

    def _body(self) -> bytes | None:
        """Read the body, decompressed; answer and return None when it is too long or has no length."""
        length = self.headers.get("content-length", "")
        if not length.isdecimal():
            self.close_connection = True
            self._send_json(411, {"error": {"message": "send a Content-Length", "type": "replay"}})
            return None
        if int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            self._send_json(413, {"error": {"message": f"more than {MAX_BODY_BYTES} bytes", "type": "replay"}})
            return None
        body = self.rfile.read(int(length))
        try:
            return decompress(body, self.headers.get("content-encoding", ""), limit=MAX_BODY_BYTES)
        except WebhookError as error:
            self._send_json(error.status, {"error": {"message": str(error), "type": "replay"}})
            return None

    def _send_json(self, status: int, value: Mapping[str, Any]) -> None:
        self._send(status, orjson.dumps(value), JSON)

    def _send(self, status: int, body: bytes, content_type: str, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"content-type": content_type, "content-length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
