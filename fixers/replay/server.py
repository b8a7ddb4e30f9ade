"""Serve a recorded run: an OpenAI-compatible endpoint, a tool hook, an HTTP proxy and an OTLP intake on one socket.

Lives outside the sandbox, so everything that arrives comes from a stranger's code.
"""

import socketserver
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import orjson

from fixers.replay.authority import Authority
from fixers.replay.cassette import NO_ANSWER
from fixers.replay.http_tools import is_reporting
from fixers.replay.playback import Playback, tool_wait_s
from fixers.replay.responses import ANSWER_ID, as_chat, as_response, message_of, response_events, said
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

    def __init__(self, path: Path, playback: Playback, authority: Authority | None = None) -> None:
        super().__init__(str(path), ReplayHandler)
        self.playback = playback
        self.authority = authority
        self.spans: list[Span] = []
        #: Set when the run is over: whoever waits need not wait any longer.
        self.is_over = Event()
        self._said: dict[str, list[dict[str, Any]]] = {}
        self._exported_bytes = 0
        self._lock = Lock()

    def said_before(self, answer_id: object) -> list[dict[str, Any]] | None:
        """Return what was said until an answer of /v1/responses; empty without one, None for one never given."""
        return [] if answer_id is None else self._said.get(str(answer_id))

    def keep_thread(self, messages: list[dict[str, Any]]) -> str:
        """Keep what was said so far, for a request that goes on from there; return the answer's id."""
        with self._lock:
            answer_id = f"{ANSWER_ID}_{len(self._said)}"
            self._said[answer_id] = messages
        return answer_id

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
def serving(path: Path, playback: Playback, authority: Authority | None = None) -> Iterator[ReplayServer]:
    """Serve `playback` on the Unix socket `path` until the block ends; HTTPS only with an `authority`."""
    with ReplayServer(path, playback, authority) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.is_over.set()
            server.shutdown()
            thread.join()


class ReplayHandler(BaseHTTPRequestHandler):
    """One connection of a replayed run."""

    server: ReplayServer
    protocol_version = "HTTP/1.1"
    timeout = 300  # seconds that a connection may be idle
    #: Where the client believes that its tunnel leads, such as "https://api.shop.example".
    _tunnel = ""

    def do_POST(self) -> None:
        """Route a call."""
        if self._is_proxied():
            return
        body = self._body()
        if body is None:
            return
        path = self.path.partition("?")[0]
        routes = {"/v1/chat/completions": self._complete, "/v1/responses": self._respond, "/tools": self._tool}
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
        """Answer a tool's request; anything else that is asked with GET was never recorded."""
        if not self._is_proxied():
            self._refuse(f"a call to {self.path[:100]!r} is never recorded")

    do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET  # noqa: N815 - the base class asks for these names

    def do_CONNECT(self) -> None:
        """Open what the client takes for a tunnel; at its other end is the recording."""
        host, _, port = self.path.rpartition(":")
        if self.server.authority is None or not host:
            self._refuse(f"a tunnel to {self.path[:100]!r} is never recorded")
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        try:
            self.connection = self.server.authority.wrap(self.connection, host.strip("[]"))
        except (OSError, ValueError):  # the client does not trust us, or has gone; or it is no host's name
            if not is_reporting("POST", f"https://{host}/"):
                self.server.playback.refuse(f"the client does not speak to {host[:100]!r} through the replay's proxy")
            self.close_connection = True
            return
        self.rfile = self.connection.makefile("rb", -1)
        self.wfile = self.connection.makefile("wb", 0)
        self.close_connection = False  # whatever the version of HTTP that asked for the tunnel
        self._tunnel = f"https://{host}" if port == "443" else f"https://{host}:{port}"

    def finish(self) -> None:
        """End the connection, and the tunnel that it may have become."""
        super().finish()
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Keep no log: what is said there comes from a stranger."""

    def _is_proxied(self) -> bool:
        """Answer a request that a tool makes over HTTP; return whether it was one."""
        url = f"{self._tunnel}{self.path}" if self._tunnel else self.path
        if not url.startswith(("http://", "https://")):
            return False
        body = self._body() if self.headers.get("content-length") else b""
        if body is None:
            return True
        call = self.server.playback.http(self.command, url, body.decode(errors="replace"))
        if call is None:
            message = f"{self.command} {url[:200]} was not recorded"
            self._send_json(UNRECORDED, {"error": {"message": message, "type": "unrecorded"}})
        else:
            self._send(call.status, call.body.encode(errors="replace"), call.content_type)
        return True

    def _complete(self, asked: dict[str, Any]) -> None:
        def send(body: Mapping[str, Any]) -> None:
            whole = completion(body, model=str(asked.get("model", "")))
            if asked.get("stream"):
                options = asked.get("stream_options")
                include_usage = isinstance(options, dict) and bool(options.get("include_usage"))
                self._send(200, events(whole, include_usage=include_usage), "text/event-stream")
            else:
                self._send_json(200, whole)

        self._answer(asked, send)

    def _respond(self, asked: dict[str, Any]) -> None:
        before = self.server.said_before(asked.get("previous_response_id"))
        if before is None:
            message = f"no response {str(asked['previous_response_id'])[:100]!r}"
            self._send_json(404, {"error": {"message": message, "type": "invalid_request_error"}})
            return

        def send(body: Mapping[str, Any]) -> None:
            answer_id = self.server.keep_thread([*said(asked, before=before), message_of(body)])
            whole = as_response(completion(body, model=str(asked.get("model", ""))), asked, answer_id=answer_id)
            if asked.get("stream"):
                self._send(200, response_events(whole), "text/event-stream")
            else:
                self._send_json(200, whole)

        self._answer(as_chat(asked, before=before), send)

    def _answer(self, asked: Mapping[str, Any], send: Callable[[Mapping[str, Any]], None]) -> None:
        """Answer a chat completions request; `send` writes a completion as the client wants it."""
        # https://github.com/openai/openai-python sends the number of its own retry with every request.
        retry = self.headers.get("x-stainless-retry-count", "0")
        answer = self.server.playback.model(asked, retry=int(retry) if retry.isdecimal() else 0)
        if answer is not None:
            self.server.is_over.wait(answer.wait_s)
        if answer is None:
            message = self.server.playback.unrecorded[-1]
            self._send_json(UNRECORDED, {"error": {"message": message, "type": "unrecorded"}})
        elif answer.status == NO_ANSWER:
            self.close_connection = True
        elif answer.status != 200:  # noqa: PLR2004 - HTTP's OK
            self._send(answer.status, orjson.dumps(answer.body), JSON, capped_headers(answer.headers))
        else:
            send(answer.body)

    def _tool(self, asked: dict[str, Any]) -> None:
        playback = self.server.playback
        call = playback.tool(str(asked.get("name", "")), asked.get("arguments"))
        if call is not None:
            self.server.is_over.wait(tool_wait_s(call))
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
        if self.command != "HEAD":
            self.wfile.write(body)


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
