"""Serve a recorded run: an OpenAI-compatible endpoint, a tool hook, an HTTP proxy and an OTLP intake on one socket.

Lives outside the sandbox, so everything that arrives comes from a stranger's code.
"""

import socketserver
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, TypeVar

import orjson

from fixers.replay.authority import Authority
from fixers.replay.cassette import NO_ANSWER, HttpCall, ToolCall
from fixers.replay.connection import JSON, ProxyConnection
from fixers.replay.http_tools import beside_model, body_of, sent_text
from fixers.replay.playback import Playback, held_s, tool_wait_s
from fixers.replay.responses import ANSWER_ID, as_chat, as_response, message_of, response_events, said
from fixers.replay.wire import capped_headers, completion, events
from webhooks import otlp
from webhooks.errors import TooLarge, WebhookError
from webhooks.trace import Span

MAX_EXPORTED_BYTES = 64 * 1024**2  # of one run, in all
Server = TypeVar("Server", bound="ReplayServer")
OWN_PORT = "/own-port/"
UNRECORDED = 424  # Failed Dependency: a status that no client library retries


class ReplayServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """The server of one run; `spans` is what the run exported."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        path: Path,
        playback: Playback,
        authority: Authority | None = None,
        *,
        handler: "type[ReplayHandler] | None" = None,
    ) -> None:
        super().__init__(str(path), handler or ReplayHandler)
        self.playback = playback
        self.authority = authority
        self.spans: list[Span] = []
        #: Where the run finds it.
        self.own_port = 0
        #: Set when the run is over: whoever waits need not wait any longer.
        self.is_over = Event()
        self._said: dict[str, list[dict[str, Any]]] = {}
        self._exported_bytes = 0
        self._lock = Lock()

    def said_before(self, answer_id: object) -> list[dict[str, Any]] | None:
        """Return what was said until an answer of /v1/responses; empty without one, None for one never given."""
        return [] if answer_id is None else self._said.get(str(answer_id))

    def keep_thread(self, messages: list[dict[str, Any]], given_id: str | None = None) -> str:
        """Keep what was said so far, for a request that goes on from there; return the answer's id."""
        with self._lock:
            answer_id = given_id or f"{ANSWER_ID}_{len(self._said)}"
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
    with running(ReplayServer(path, playback, authority)) as server:
        yield server


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Let the server answer until the block ends."""
    with server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.is_over.set()
            server.shutdown()
            thread.join()


class ReplayHandler(ProxyConnection):
    """One connection of a replayed run."""

    server: ReplayServer

    @property
    def own_port(self) -> int:
        """Where the run finds the server."""
        return self.server.own_port

    @property
    def authority(self) -> Authority | None:
        """What stands in for the hosts of the recording."""
        return self.server.authority

    def do_POST(self) -> None:  # noqa: N802 - the base class asks for this name
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
            self._beside_model(body)

    def do_GET(self) -> None:  # noqa: N802 - the base class asks for this name
        """Answer a tool's request, or one to the model's provider."""
        if not self._is_proxied():
            body = self._body() if self.has_body else b""
            if body is not None:
                self._beside_model(body)

    def do_PUT(self) -> None:  # noqa: N802 - the base class asks for this name
        """Hear from the forwarder where the run finds us; anything else is a request like others."""
        port = self.path.removeprefix(OWN_PORT)
        if self._tunnel or not (self.path.startswith(OWN_PORT) and port.isdecimal()):
            self.do_GET()
            return
        self.server.own_port = int(port)
        self._send(200, b"", JSON)

    do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET  # noqa: N815 - the base class asks for these names

    def _is_proxied(self) -> bool:
        """Answer a request that a tool makes over HTTP; return whether it was one."""
        url = self._proxied_url()
        if url is None:
            return False
        body = self._body() if self.has_body else b""
        if body is not None:
            asked = sent_text(body, self.headers.get("content-type", ""))
            self._answer_http(self.server.playback.http(self.command, url, asked), f"{self.command} {url[:200]}")
        return True

    def _beside_model(self, body: bytes) -> None:
        """Answer a call to the model's provider that is no question to a model, such as one for embeddings."""
        if self.path.startswith("/v1/"):
            url, asked = beside_model(self.path), sent_text(body, self.headers.get("content-type", ""))
            self._answer_http(self.server.playback.http(self.command, url, asked), f"{self.command} {url[:200]}")
        else:
            self._refuse(f"a call to {self.path[:100]!r} is never recorded")

    def _answer_http(self, call: HttpCall | None, what: str) -> None:
        if call is None:
            self._send_json(UNRECORDED, {"error": {"message": f"{what} was not recorded", "type": "unrecorded"}})
        elif call.status == NO_ANSWER:
            self.server.is_over.wait(held_s(call.duration_ms))
            self.close_connection = True
        else:
            self._send(call.status, body_of(call), call.content_type, call.headers | capped_headers(call.headers))

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
            self._unanswered(asked)
        elif answer.status == NO_ANSWER:
            self.close_connection = True
        elif answer.status != 200:  # noqa: PLR2004 - HTTP's OK
            self._send(answer.status, orjson.dumps(answer.body), JSON, capped_headers(answer.headers))
        else:
            send(answer.body)

    def _unanswered(self, _asked: Mapping[str, Any]) -> None:
        message = self.server.playback.unrecorded[-1]
        self._send_json(UNRECORDED, {"error": {"message": message, "type": "unrecorded"}})

    def _tool(self, asked: dict[str, Any]) -> None:
        playback = self.server.playback
        if "result" in asked or "error" in asked:  # told of a tool that ran: only a recording keeps it
            self._send_json(200, {})
            return
        call = playback.tool(str(asked.get("name", "")), asked.get("arguments"))
        if call is None:
            self._send_json(404, {"unrecorded": True, "run": playback.runs_tools})
        else:
            self._answer_tool(call)

    def _answer_tool(self, call: ToolCall) -> None:
        self.server.is_over.wait(tool_wait_s(call))
        if call.error is not None:
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

    def _note(self, what: str) -> None:
        self.server.playback.refuse(what)

    def _refuse(self, what: str) -> None:
        self._note(what)
        self._send_json(UNRECORDED, {"error": {"message": what, "type": "unrecorded"}})


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
