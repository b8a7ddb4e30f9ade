"""Real hosts on this machine: a shop over HTTP and over TLS, and an endpoint of a model. For the tests of recording."""

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from fixers.replay.authority import Authority

HOST = "127.0.0.2"  # this machine's own, and none of the names that pass a proxy by
PICTURE = bytes(range(256))
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_order", "arguments": '{"id": 7}'}}
STREAMED = ("The ", "order ", "has left.")


class Hosts(ThreadingHTTPServer):
    """Answers as a shop and as a model do."""

    daemon_threads = True

    def __init__(self, name: str, authority: Authority | None = None) -> None:
        super().__init__((name, 0), Handler)
        self.name = name
        self.authority = authority
        #: Method, path, headers and body of each request.
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.is_over = threading.Event()

    @property
    def url(self) -> str:
        return f"{'https' if self.authority else 'http'}://{self.name}:{self.server_address[1]}"

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the base class's
        connection: socket.socket = self.authority.wrap(request, self.name) if self.authority else request
        super().finish_request(connection, client_address)
        if self.authority:
            connection.close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that leave."""


class Handler(BaseHTTPRequestHandler):
    server: Hosts
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.seen.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        path = self.path.partition("?")[0]
        if path == "/orders/7":
            packed = gzip.compress(b'{"state": "sent"}')
            self.send(200, packed, ("content-encoding", "gzip"), ("set-cookie", "sid=c00kie-of-the-shop-77; Path=/"))
        elif path == "/picture":
            self.send(200, PICTURE, ("content-type", "image/png"))
        elif path == "/moved":
            self.send(302, b"", ("location", "/orders/7"))
        elif path == "/mirror":
            told = " ".join([self.path, *self.headers.values(), body.decode()])
            self.send(200, told.encode(), ("content-type", "text/plain"))
        elif path == "/late":
            self.server.is_over.wait(30)
        elif path == "/broken":
            self.send(500, b"<h1>no</h1>", ("content-type", "text/html"))
        elif path.startswith("/v1/"):
            self.answer_model(path, json.loads(body or b"{}"))
        else:
            self.send(404, b"{}")

    do_POST = do_GET  # noqa: N815 - the base class asks for this name

    def answer_model(self, path: str, asked: dict[str, Any]) -> None:
        if path == "/v1/embeddings":
            self.send(200, b'{"data": [{"index": 0, "embedding": [0.5]}]}')
        elif path == "/v1/responses":
            self.send(200, json.dumps(response(asked)).encode())
        elif path != "/v1/chat/completions":
            self.send(404, b"{}")
        elif asked["messages"][-1]["content"] == "too fast":
            self.send(429, b'{"error": {"message": "slow down"}}', ("retry-after", "7"))
        elif asked.get("stream"):
            self.stream()
        else:
            calls = asked.get("tools") and asked["messages"][-1]["role"] == "user"
            made = choice(None, CALL) if calls else choice("It has left.")
            self.send(200, json.dumps({"id": "c1", "model": "m", "choices": [made]}).encode())

    def stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        parts = [{"index": 0, "delta": {"content": text}} for text in STREAMED]
        for part in [*parts, {"index": 0, "delta": {}, "finish_reason": "stop"}]:
            self.chunk(b"data: " + json.dumps({"id": "c2", "model": "m", "choices": [part]}).encode() + b"\n\n")
        self.chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def send(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in {"content-type": "application/json", **dict(headers), "content-length": len(body)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Keep the tests' output clean."""


def choice(text: str | None, *calls: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, **({"tool_calls": list(calls)} if calls else {})}
    return {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}


def response(asked: dict[str, Any]) -> dict[str, Any]:
    part = {"type": "output_text", "text": f"after {asked.get('previous_response_id')}", "annotations": []}
    said = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
    return {"id": "resp_real", "object": "response", "created_at": 0, "model": "m", "output": [said]}


@contextmanager
def live(authority: Authority | None = None, *, name: str = HOST) -> Iterator[Hosts]:
    """Serve the hosts until the block ends."""
    with Hosts(name, authority) as hosts:
        thread = threading.Thread(target=hosts.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield hosts
        finally:
            hosts.is_over.set()
            hosts.shutdown()
            thread.join()
