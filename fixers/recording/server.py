"""Serve a live run: what its cassette holds is answered from it, everything else is asked for real and recorded."""

import select
import socket
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import orjson

from fixers.errors import NotRecordable
from fixers.recording.exchange import MAX_KEPT_BYTES, Exchange, answer_id, http_call, model_call
from fixers.recording.recorder import Recorder
from fixers.recording.upstream import ClientGone, Head, fetched
from fixers.replay.authority import Authority
from fixers.replay.cassette import NO_ANSWER, HttpCall, ModelCall, ToolCall, ToolError
from fixers.replay.http_tools import MODEL_SIDE, beside_model, is_reporting, sent_text
from fixers.replay.playback import Playback
from fixers.replay.responses import message_of, said
from fixers.replay.server import ReplayHandler, ReplayServer

MAX_SENT_BYTES = 64 * 1024**2
# https://datatracker.ietf.org/doc/html/rfc9110#section-7.6.1, and what the client library writes itself.
HOP_BY_HOP = frozenset(
    {
        *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"),
        *("proxy-authenticate", "proxy-authorization", "proxy-connection"),
    }
)
REWRITTEN = frozenset({"host", "content-length", "accept-encoding"})
BODILESS = frozenset({204, 304})  # and every answer to HEAD
GONE = "the client did not wait for it"

Keep = Callable[[int, Exchange], None]


class RecordingServer(ReplayServer):
    """The server of one live run; see `Recorder` for what it collects."""

    def __init__(
        self,
        path: Path,
        playback: Playback,
        authority: Authority,
        *,
        recorder: Recorder,
        client: httpx.Client,
        model_url: str,
    ) -> None:
        super().__init__(path, playback, authority, handler=RecordingHandler)
        self.recorder = recorder
        self.began = monotonic()
        self.client = client
        #: Where the model is, such as "https://api.openai.com/v1".
        self.model_url = model_url.rstrip("/")

    def said_before(self, answer_id: object) -> list[dict[str, Any]]:
        """Return what was said until an answer of /v1/responses; one that was given before the run began is noted."""
        known = super().said_before(answer_id)
        if known is None:
            self.recorder.left_out.append(f"what was said before the response {str(answer_id)[:100]!r}")
        return known or []


class RecordingHandler(ReplayHandler):
    """One connection of a live run."""

    server: RecordingServer
    max_body_bytes = MAX_SENT_BYTES
    #: The body of the request that is being answered, as it was sent.
    _raw = b""
    #: The last request to /v1/responses.
    _asked: Mapping[str, Any] = {}
    #: Whether the body of the answer goes out in chunks.
    _is_chunked = False

    def _raw_body(self) -> bytes | None:
        raw = super()._raw_body()
        self._raw = raw or b""
        return raw

    def _note(self, what: str) -> None:
        self.server.recorder.left_out.append(what)

    def _is_proxied(self) -> bool:
        self._raw = b""
        url = self._proxied_url()
        if url is None:
            return False
        if not self.has_body or self._raw_body() is not None:
            if is_reporting(self.command, url):
                self._pass_on(url, lambda _place, _exchange: None)
            else:
                self._answer_http(self._recorded(url), url)
        return True

    def _beside_model(self, body: bytes) -> None:
        if self.path.startswith("/v1/"):
            self._answer_http(self._recorded(beside_model(self.path)), beside_model(self.path))
        else:
            super()._beside_model(body)

    def _answer_http(self, call: HttpCall | None, what: str) -> None:
        if call is not None:
            super()._answer_http(call, what)
            return

        def keep(place: int, exchange: Exchange) -> None:
            self.server.recorder.keep(place, http_call(exchange))

        self._pass_on(what, keep)

    def _recorded(self, url: str) -> HttpCall | None:
        sent = sent_text(self._raw, self.headers.get("content-type", ""))
        return self.server.playback.http(self.command, url, sent)

    def _respond(self, asked: dict[str, Any]) -> None:
        self._asked = asked
        super()._respond(asked)

    def _unanswered(self, chat: Mapping[str, Any]) -> None:
        def keep(place: int, exchange: Exchange) -> None:
            call = model_call(exchange, chat)
            self.server.recorder.keep(place, call)
            self._keep_thread(answer_id(exchange), call)

        self._pass_on(beside_model(self.path), keep)

    def _keep_thread(self, given_id: str | None, call: ModelCall) -> None:
        if given_id is None or call.response is None or not self.path.startswith("/v1/responses"):
            return
        before = self.server.said_before(self._asked.get("previous_response_id"))
        self.server.keep_thread([*said(self._asked, before=before), message_of(call.response)], given_id)

    def _tool(self, asked: dict[str, Any]) -> None:
        """Answer a recorded run of a tool; let others run, and keep what the harness then tells of them."""
        name, arguments = str(asked.get("name", "")), asked.get("arguments")
        if "result" in asked or "error" in asked:
            with self.server.recorder.call() as place:
                self.server.recorder.keep(place, _told(name, arguments, asked))
            self._send_json(200, {})
        elif (call := self.server.playback.tool(name, arguments)) is not None:
            self._answer_tool(call)
        else:
            self._send_json(404, {"unrecorded": True, "run": True})

    def _pass_on(self, url: str, keep: Keep) -> None:
        """Ask the real host, hand the answer on as it comes, and have the exchange kept."""
        for name, value in self.headers.items():
            self.server.recorder.know_header(name, value)
        with self.server.recorder.call() as place:
            try:
                request = self._request(url)
            except (httpx.InvalidURL, ValueError) as error:
                self._send_json(400, {"error": {"message": str(error), "type": "recording"}})
                raise NotRecordable(f"{self.command} {url[:100]}: {error}") from error
            keep(place, self._exchanged(request, url))

    def _request(self, url: str) -> httpx.Request:
        named = {name.strip().lower() for name in self.headers.get("connection", "").split(",")}
        left = HOP_BY_HOP | REWRITTEN | named
        headers = [(name, value) for name, value in self.headers.items() if name.lower() not in left]
        if accepted := self.headers.get("accept-encoding"):  # nothing is asked for that we could not read
            headers.append(("accept-encoding", "gzip" if "gzip" in accepted.lower() else "identity"))
        real = self.server.model_url + url.removeprefix(MODEL_SIDE) if url.startswith(MODEL_SIDE) else url
        content = self._raw if self.has_body else None
        return httpx.Request(self.command, real, headers=headers, content=content)

    def _exchanged(self, request: httpx.Request, url: str) -> Exchange:
        began, head, kept, trouble, is_late = monotonic(), None, bytearray(), "", False
        try:
            for piece in fetched(self.server.client, request, is_gone=self._is_gone):
                if isinstance(piece, Head):
                    head = piece
                    self._send_head(head)
                else:
                    self._send_piece(piece)
                    kept += piece[: MAX_KEPT_BYTES + 1 - len(kept)]
            self._end_body()
        except ClientGone:
            trouble, is_late = GONE, True
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            trouble = GONE
        except (httpx.HTTPError, OSError, ValueError) as error:
            trouble, is_late = f"{type(error).__name__}: {error}", isinstance(error, httpx.TimeoutException)
        self.close_connection = self.close_connection or bool(trouble)
        return Exchange(
            method=self.command,
            url=url,
            sent_head={name.lower(): value for name, value in self.headers.items()},
            sent=self._raw,
            status=head.status if head else NO_ANSWER,
            head={name.lower(): value for name, value in head.headers} if head else {},
            body=bytes(kept),
            trouble=trouble,
            is_late=is_late,
            began_ms=round((began - self.server.began) * 1000, 1),
            duration_ms=round((monotonic() - began) * 1000, 1),
        )

    def _send_head(self, head: Head) -> None:
        self.send_response_only(head.status, head.reason)
        names = {name.lower() for name, _ in head.headers}
        for name, value in head.headers:
            if name.lower() == "set-cookie":
                self.server.recorder.know_header(name, value.partition(";")[0])
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        has_body = self.command != "HEAD" and head.status not in BODILESS
        self._is_chunked = has_body and "content-length" not in names and self.request_version != "HTTP/1.0"
        if self._is_chunked:
            self.send_header("transfer-encoding", "chunked")
        elif has_body and "content-length" not in names:
            self.send_header("connection", "close")
        self.end_headers()

    def _send_piece(self, piece: bytes) -> None:
        if piece:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if self._is_chunked else piece)

    def _end_body(self) -> None:
        if self._is_chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _is_gone(self) -> bool:
        """Whether the client has closed its end: nobody sends anything more while waiting for an answer."""
        readable, _, _ = select.select([self.connection], [], [], 0)
        if not readable:
            return False
        if isinstance(self.connection, ssl.SSLSocket):
            return True
        try:
            return not self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True


def _told(name: str, arguments: object, asked: Mapping[str, Any]) -> ToolCall:
    error = asked.get("error")
    text = arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()
    if isinstance(error, dict):
        raised = ToolError(type=str(error.get("type", "Exception")), message=str(error.get("message", "")))
        return ToolCall(name=name, arguments=text, error=raised)
    result = asked.get("result")
    return ToolCall(
        name=name, arguments=text, result=result if isinstance(result, str) else orjson.dumps(result).decode()
    )
