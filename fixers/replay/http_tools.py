"""HTTP requests of tools, as a recording keeps them and as a replay finds them again. No I/O."""

import binascii
import hashlib
import json
import re
from base64 import b64decode
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

from fixers.replay.cassette import BASE64, HttpCall
from fixers.replay.match import tool_fingerprint
from fixers.replay.tolerance import Tolerance
from webhooks import semconv
from webhooks.operation import Operation, operation
from webhooks.trace import Span

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
DEFAULT_PORTS = {"http": 80, "https": 443}
#: What harnesses report to: not a tool's answer, and never recorded. Parts of host names.
REPORTING = (
    "langfuse",
    "smith.langchain",
    "sentry.io",
    "posthog",
    "segment.io",
    "datadoghq",
    "honeycomb",
    "arize",
    "wandb",
    "mixpanel",
    "amplitude",
    "telemetry",
    "logfire",
    "traceloop",
    "helicone",
    "newrelic",
)
BOUNDARY = re.compile(r'boundary="?([^";,\s]{1,100})')
MODEL_SIDE = "OPENAI_BASE_URL"
REPORTING_URLS = ("https://api.openai.com/v1/traces",)


def http_call(span: Span, start: datetime) -> HttpCall | None:
    """Return the request that a tool's span made over HTTP, in a run that began at `start`.

    None for model calls and for all that kept no answer.
    """
    exchange = None if operation(span) is Operation.LLM else semconv.http_exchange(span)
    if exchange is None:
        return None
    method, url, sent, status, content_type, body = exchange
    kind = content_type or ("application/json" if _is_json(body) else "text/plain; charset=utf-8")
    wait = semconv.retry_after(span)
    return HttpCall(
        method=method,
        url=url,
        sent=sent,
        status=status,
        content_type=kind,
        body=body,
        headers={"retry-after": wait} if wait else {},
        began_ms=(span.start - start).total_seconds() * 1000,
        duration_ms=(span.end - span.start).total_seconds() * 1000 if span.end else 0.0,
    )


def http_fingerprint(method: str, url: str, sent: str, tolerance: Tolerance | None = None) -> str:
    """Return 64 hex digits that two requests share when they ask the same; what was sent counts as JSON."""
    return tool_fingerprint(f"{method.upper()} {_same(url)}", sent, tolerance)


def beside_model(path: str) -> str:
    """Return the address of a call to the model's provider, such as "OPENAI_BASE_URL/embeddings": hosts differ."""
    return MODEL_SIDE + path.removeprefix("/v1")


def sent_text(body: bytes, content_type: str) -> str:
    """Return what was sent as a text that two equal bodies share: itself, or of what is no text its length and hash."""
    found = BOUNDARY.search(content_type)
    if found:  # a fresh one with each request
        body = body.replace(found[1].encode(errors="replace"), b"boundary")
    try:
        return body.decode()
    except UnicodeDecodeError:
        return f"[no text: {len(body)} bytes, sha256 {hashlib.sha256(body).hexdigest()}]"


def body_of(call: HttpCall) -> bytes:
    """Return the bytes of a recorded answer."""
    if call.encoding == BASE64:
        try:
            return b64decode(call.body)
        except binascii.Error:  # a person has changed it
            return b""
    return call.body.encode(errors="replace")


def asks_loopback(calls: Iterable[HttpCall]) -> bool:
    """Whether a request went to the machine that the run was on, as one to a tool's server beside it does."""
    return any(_host(call.url) in LOOPBACK for call in calls)


def is_reporting(method: str, url: str) -> bool:
    """Whether the request only reports, so that no answer of it reaches the conversation."""
    host = _host(url)
    return method == "POST" and (url.startswith(REPORTING_URLS) or any(part in host for part in REPORTING))


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").casefold()
    except ValueError:  # no host's name
        return ""


def _same(url: str) -> str:
    """Return the URL with its parameters in order, and without what does not change what it names."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # no number; no host's name
        return url
    host = (parts.hostname or "").casefold()
    named = f"{host}:{port}" if port and port != DEFAULT_PORTS.get(parts.scheme) else host
    query = urlencode(sorted(parse_qsl(parts.query, keep_blank_values=True)))
    return f"{parts.scheme.casefold()}://{named}{parts.path or '/'}?{query}"


def _is_json(body: str) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True
