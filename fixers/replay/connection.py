"""ProxyConnection: HTTP/1.1 as the client of a proxy speaks it, with tunnels, bodies of any framing, and answers."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any

import orjson

from fixers.replay.authority import Authority
from fixers.replay.http_tools import is_reporting
from webhooks.decompress import decompress
from webhooks.errors import WebhookError

MAX_BODY_BYTES = 16 * 1024**2
MAX_LINE_BYTES = 1024  # of a chunk's size, or a trailer
JSON = "application/json"


class _TooLong(Exception):
    """The body has more bytes than may be read."""


class ProxyConnection(BaseHTTPRequestHandler, ABC):
    """One connection of a run."""

    protocol_version = "HTTP/1.1"
    timeout = 300  # seconds that a connection may be idle
    max_body_bytes = MAX_BODY_BYTES
    #: Where the client believes that its tunnel leads, such as "https://api.shop.example".
    _tunnel = ""

    @property
    @abstractmethod
    def authority(self) -> Authority | None:
        """What stands in for the hosts that are asked over HTTPS; None when nothing may."""

    @property
    @abstractmethod
    def own_port(self) -> int:
        """Where the client finds us when it needs no proxy; 0 when nobody knows."""

    @abstractmethod
    def _refuse(self, what: str) -> None:
        """Answer a call of a kind that nothing can answer, and note it."""

    @abstractmethod
    def _note(self, what: str) -> None:
        """Note what could not be done."""

    def do_CONNECT(self) -> None:
        """Open what the client takes for a tunnel; at its other end are we."""
        host, _, port = self.path.rpartition(":")
        if self.authority is None or not host:
            self._refuse(f"a tunnel to {self.path[:100]!r} is never recorded")
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.flush()
        try:
            self.connection = self.authority.wrap(self.connection, host.strip("[]"))
        except (OSError, ValueError):  # the client does not trust us, or has gone; or it is no host's name
            if not is_reporting("POST", f"https://{host}/"):
                self._note(f"the client does not speak to {host[:100]!r} through the replay's proxy")
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

    def _proxied_url(self) -> str | None:
        """Return where the client wants to go through us; None when it speaks to us."""
        url = f"{self._tunnel}{self.path}" if self._tunnel else self.path
        own = f"http://127.0.0.1:{self.own_port}/"
        if url.startswith(own):
            self.path = url[len(own) - 1 :]
            return None
        return url if url.startswith(("http://", "https://")) else None

    @property
    def has_body(self) -> bool:
        """Whether the request says that it has one."""
        return bool(self.headers.get("content-length") or self.headers.get("transfer-encoding"))

    def _content_type(self) -> str:
        return self.headers.get("content-type", JSON).partition(";")[0].strip().lower()

    def _body(self) -> bytes | None:
        """Read the body, decompressed; answer and return None when it is too long or has no length."""
        raw = self._raw_body()
        if raw is None:
            return None
        try:
            return decompress(raw, self.headers.get("content-encoding", ""), limit=self.max_body_bytes)
        except WebhookError as error:
            self._send_json(error.status, {"error": {"message": str(error), "type": "replay"}})
            return None

    def _raw_body(self) -> bytes | None:
        """Read the body as it was sent; answer and return None when it is too long or has no length."""
        length = self.headers.get("content-length", "")
        try:
            if "chunked" in self.headers.get("transfer-encoding", "").lower():
                return b"".join(self._chunks())
            if not length.isdecimal():
                self._refuse_body(411, "send a Content-Length")
                return None
            if int(length) > self.max_body_bytes:
                raise _TooLong  # noqa: TRY301 - as a chunked one does
            return self.rfile.read(int(length))
        except _TooLong:
            self._refuse_body(413, f"more than {self.max_body_bytes} bytes")
        except ValueError:
            self._refuse_body(400, "the chunks of the body cannot be read")
        return None

    def _chunks(self) -> Iterator[bytes]:
        """Yield the pieces of a chunked body: https://datatracker.ietf.org/doc/html/rfc9112#section-7.1."""
        n_bytes = 0
        while size := int(self.rfile.readline(MAX_LINE_BYTES).partition(b";")[0].strip(), 16):
            n_bytes += size
            if size < 0 or n_bytes > self.max_body_bytes:
                raise _TooLong
            yield self.rfile.read(size)
            self.rfile.readline(MAX_LINE_BYTES)
        while self.rfile.readline(MAX_LINE_BYTES).strip():
            pass  # trailers say nothing of the body

    def _refuse_body(self, status: int, message: str) -> None:
        self.close_connection = True
        self._send_json(status, {"error": {"message": message, "type": "replay"}})

    def _send_json(self, status: int, value: Mapping[str, Any]) -> None:
        self._send(status, orjson.dumps(value), JSON)

    def _send(self, status: int, body: bytes, content_type: str, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"content-type": content_type, "content-length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
