"""The provider over HTTP: POST /v1/chat/completions as OpenAI answers it, on the standard library's server."""

import hashlib
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from examples.shop_provider.model import Completion, complete
from examples.shop_provider.quirks import Attempts, Quirk, quirk_of, spoil
from examples.shop_provider.transcript import read, validate

MAX_BODY = 8 * 1024 * 1024
RETRY_AFTER_S = 1
RETRY_AFTER_MS = 250
REQUESTS_PER_MINUTE = 500
CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one request is answered with."""

    status: HTTPStatus
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


class Server:
    """A running provider; use it as a context manager, or close it."""

    def __init__(self, port: int = 0) -> None:
        self._http = _HTTPServer(("127.0.0.1", port), _Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return self._http.server_port

    @property
    def base_url(self) -> str:
        """What OPENAI_BASE_URL is set to."""
        return f"http://127.0.0.1:{self.port}/v1"

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve(port: int = 0) -> Server:
    """Start a provider on loopback in a thread of its own; port 0 takes a free one."""
    return Server(port)


def respond(body: bytes, attempts: Attempts) -> Answer:
    """Answer the body of a chat-completions request. No I/O."""
    try:
        request = json.loads(body)
        problem = _problem(request)
        if problem is None:
            return _respond(request, attempts)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"We could not parse the JSON body of your request: {error!r}"
    return _error(HTTPStatus.BAD_REQUEST, problem, kind="invalid_request_error")


def _problem(request: Mapping[str, Any]) -> str | None:
    if not isinstance(request.get("messages"), list) or not request["messages"]:
        return "Missing required parameter: 'messages'."
    if request.get("stream"):
        return "Unsupported value: 'stream' is not supported by this model."
    return validate(request["messages"])


def _respond(request: Mapping[str, Any], attempts: Attempts) -> Answer:
    transcript = read(request["messages"])
    quirk = quirk_of(transcript.first_turn) if transcript.is_opening else Quirk.NONE
    if quirk is not Quirk.NONE and (transcript.was_corrected or not attempts.is_first(request["messages"])):
        quirk = Quirk.NONE
    if quirk is Quirk.RATE_LIMITED:
        return _rate_limited(str(request.get("model")))
    body = _completion_object(request, complete(request), quirk)
    return Answer(status=HTTPStatus.OK, body=body, headers=_limits(REQUESTS_PER_MINUTE - 1))


def _rate_limited(model: str) -> Answer:
    message = (
        f"Rate limit reached for {model} on requests per min (RPM): Limit {REQUESTS_PER_MINUTE}, Used"
        f" {REQUESTS_PER_MINUTE}, Requested 1. Please try again in {RETRY_AFTER_MS}ms."
    )
    retry = {"retry-after": str(RETRY_AFTER_S), "retry-after-ms": str(RETRY_AFTER_MS), **_limits(0)}
    return _error(HTTPStatus.TOO_MANY_REQUESTS, message, kind="requests", code="rate_limit_exceeded", headers=retry)


def _limits(remaining: int) -> dict[str, str]:
    return {
        "x-ratelimit-limit-requests": str(REQUESTS_PER_MINUTE),
        "x-ratelimit-remaining-requests": str(remaining),
        "x-ratelimit-reset-requests": f"{RETRY_AFTER_MS}ms",
    }


def _error(
    status: HTTPStatus, message: str, *, kind: str, code: str | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    error = {"message": message, "type": kind, "param": None, "code": code}
    return Answer(status=status, body={"error": error}, headers=headers or {})


def _completion_object(request: Mapping[str, Any], completion: Completion, quirk: Quirk) -> dict[str, Any]:
    """Return the completion as OpenAI writes it; ids follow from the request, so that they can be told apart."""
    prompt = json.dumps([request["messages"], request.get("tools")], sort_keys=True)
    digest = hashlib.sha256(prompt.encode()).hexdigest()
    message: dict[str, Any] = {"role": "assistant", "content": completion.content, "refusal": None}
    if completion.calls:
        message["tool_calls"] = [
            _tool_call(f"call_{digest[index : index + 24]}", call.name, json.dumps(call.arguments), quirk)
            for index, call in enumerate(completion.calls)
        ]
    usage = [len(prompt) // CHARACTERS_PER_TOKEN, len(json.dumps(message)) // CHARACTERS_PER_TOKEN]
    finish_reason = "tool_calls" if completion.calls else "stop"
    return {
        "id": f"chatcmpl-{digest[:29]}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": str(request.get("model")),
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)},
        "system_fingerprint": "fp_shop",
    }


def _tool_call(call_id: str, name: str, arguments: str, quirk: Quirk) -> dict[str, Any]:
    written = arguments if quirk is Quirk.NONE else spoil(arguments, quirk)
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": written}}


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.attempts = Attempts()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body in one packet
    server: _HTTPServer

    def do_GET(self) -> None:
        if self.path != "/v1/models":
            self._send(_error(HTTPStatus.NOT_FOUND, f"Unknown URL {self.path}", kind="invalid_request_error"))
            return
        models = [{"id": "shop-1", "object": "model", "created": 0, "owned_by": "examples"}]
        self._send(Answer(status=HTTPStatus.OK, body={"object": "list", "data": models}))

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self.close_connection = True
            self._send(_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{length} bytes", kind="invalid_request_error"))
            return
        body = self.rfile.read(length)
        if self.path != "/v1/chat/completions":
            self._send(_error(HTTPStatus.NOT_FOUND, f"Unknown URL {self.path}", kind="invalid_request_error"))
        elif not self.headers.get("Authorization", "").removeprefix("Bearer "):
            self._send(_error(HTTPStatus.UNAUTHORIZED, "No API key provided.", kind="invalid_request_error"))
        else:
            self._send(respond(body, self.server.attempts))

    def _send(self, answer: Answer) -> None:
        body = json.dumps(answer.body).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-request-id", f"req_{hashlib.sha256(body).hexdigest()[:32]}")
        self.send_header("openai-version", "2020-10-01")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: the traffic is in the traces."""
