"""Exchange: one request and what came back, told as a cassette keeps it. No I/O."""

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from fixers.errors import NotRecordable
from fixers.recording.streamed import completion_of, is_stream, response_of
from fixers.replay.cassette import BASE64, NO_ANSWER, TIMED_OUT, HttpCall, ModelCall, ModelError
from fixers.replay.http_tools import sent_text
from fixers.replay.responses import as_completion
from webhooks.decompress import decompress
from webhooks.errors import WebhookError

#: Bytes of an answer, unpacked, that a cassette keeps: people read it.
MAX_KEPT_BYTES = 4 * 1024**2
#: What of an answer's head a client acts on, and nobody hides a credential in.
KEPT_HEADERS = frozenset(
    {
        *("location", "link", "retry-after", "etag", "last-modified", "content-disposition", "content-range"),
        *("x-total", "x-total-count", "x-page", "x-per-page", "x-next-page"),
    }
)
CHARSET = re.compile(r"charset=\"?([\w.:-]{1,40})\"?", re.IGNORECASE)
MAX_SHOWN = 300  # characters
OK, FIRST_ERROR = 200, 400  # HTTP's


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and its answer, with bodies as they went over the wire. Names of headers are in lower case."""

    method: str
    url: str
    sent_head: Mapping[str, str]
    sent: bytes
    #: NO_ANSWER where none came.
    status: int
    head: Mapping[str, str]
    body: bytes
    #: What went wrong: why no answer came, or why it is not whole.
    trouble: str = ""
    #: Whether nobody waited any longer.
    is_late: bool = False
    #: From the run's beginning.
    began_ms: float = 0.0
    duration_ms: float = 0.0

    @property
    def name(self) -> str:
        """The exchange, as a person is told of it; its parameters may hold anything."""
        return f"{self.method} {self.url.partition('?')[0][:MAX_SHOWN]}"


def http_call(exchange: Exchange) -> HttpCall:
    """Return the exchange as a tool's HTTP call.

    Raises
    ------
    NotRecordable
        When the answer is too long, was cut short, or cannot be unpacked; the message names it.

    """
    sent = sent_text(_sent(exchange), exchange.sent_head.get("content-type", ""))
    asked: dict[str, Any] = {"method": exchange.method, "url": exchange.url, "sent": sent}
    asked |= {"status": exchange.status}
    asked |= {"began_ms": exchange.began_ms, "duration_ms": exchange.duration_ms}
    if exchange.status == NO_ANSWER:
        return HttpCall(**asked, content_type="", body=exchange.trouble)
    text, kind, encoding = _text(_whole(exchange), exchange.head.get("content-type", ""))
    headers = {name: value for name, value in exchange.head.items() if name in KEPT_HEADERS}
    return HttpCall(**asked, content_type=kind, body=text, encoding=encoding, headers=headers)


def model_call(exchange: Exchange, request: Mapping[str, Any]) -> ModelCall:
    """Return the exchange as the answer to a chat completions request, whichever API was asked, streamed or whole.

    Raises
    ------
    NotRecordable
        When what came back is neither a completion nor an error; the message names it.

    """
    asked: dict[str, Any] = {"request": dict(request), "began_ms": exchange.began_ms}
    asked["duration_ms"] = exchange.duration_ms
    if exchange.status == NO_ANSWER:
        error = ModelError(status=NO_ANSWER, body=TIMED_OUT if exchange.is_late else {})
        return ModelCall(**asked, error=error)
    if exchange.status >= FIRST_ERROR:
        body = _whole(exchange)
        found = _json_object(body) or {"error": {"message": body.decode(errors="replace"), "type": None, "code": None}}
        headers = {name: value for name, value in exchange.head.items() if name == "retry-after"}
        return ModelCall(**asked, error=ModelError(status=exchange.status, body=found, headers=headers))
    return ModelCall(**asked, response=_completion(exchange))


def answer_id(exchange: Exchange) -> str | None:
    """Return the id of an answer of the Responses API, by which the next request goes on from it."""
    try:
        found = _answer(exchange).get("id") if exchange.status == OK else None
    except NotRecordable:
        return None
    return found if isinstance(found, str) else None


def _completion(exchange: Exchange) -> dict[str, Any]:
    found = _answer(exchange)
    if isinstance(found.get("output"), list):
        return as_completion(found)
    if not isinstance(found.get("choices"), list) or not found["choices"]:
        raise NotRecordable(f"{exchange.name}: status {exchange.status} and no completion: {_shown(exchange)}")
    return found


def _answer(exchange: Exchange) -> dict[str, Any]:
    body = _unpacked(exchange)
    if is_stream(exchange.head.get("content-type", ""), body):
        # A client may leave at the last event, before the end of the body.
        streamed = response_of(body) or completion_of(body)
        if streamed is None:
            raise NotRecordable(f"{exchange.name}: the stream has no end: {exchange.trouble or _shown(exchange)}")
        return streamed
    found = _json_object(_whole(exchange))
    if found is None:
        raise NotRecordable(f"{exchange.name}: status {exchange.status} and no JSON object: {_shown(exchange)}")
    return found


def _whole(exchange: Exchange) -> bytes:
    if exchange.trouble:
        raise NotRecordable(f"{exchange.name}: cut short after {len(exchange.body)} bytes: {exchange.trouble}")
    return _unpacked(exchange)


def _unpacked(exchange: Exchange) -> bytes:
    try:
        return decompress(exchange.body, _encoding(exchange.body, exchange.head), limit=MAX_KEPT_BYTES)
    except WebhookError as error:
        raise NotRecordable(f"{exchange.name}: {error}") from error


def _sent(exchange: Exchange) -> bytes:
    try:
        return decompress(exchange.sent, _encoding(exchange.sent, exchange.sent_head))
    except WebhookError as error:
        raise NotRecordable(f"{exchange.name}: what was sent cannot be read: {error}") from error


def _encoding(body: bytes, head: Mapping[str, str]) -> str:
    return head.get("content-encoding", "") if body else ""  # HEAD names it, and sends nothing


def _text(body: bytes, content_type: str) -> tuple[str, str, str]:
    """Return the body as text, its content type, and BASE64 when it is no text."""
    try:
        return body.decode(), content_type, ""
    except UnicodeDecodeError:
        charset = CHARSET.search(content_type)
    try:
        if charset:
            return body.decode(charset[1]), CHARSET.sub("charset=utf-8", content_type), ""
    except (LookupError, UnicodeError):
        pass  # not what it is said to be
    return b64encode(body).decode(), content_type, BASE64


def _shown(exchange: Exchange) -> str:
    return repr(exchange.body[:MAX_SHOWN].decode(errors="replace"))


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
