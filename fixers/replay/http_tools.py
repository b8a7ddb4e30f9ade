"""HTTP requests of tools, as a recording keeps them and as a replay finds them again. No I/O."""

import json
from urllib.parse import parse_qsl, urlencode, urlsplit

from fixers.replay.cassette import HttpCall
from fixers.replay.match import tool_fingerprint
from fixers.replay.tolerance import Tolerance
from webhooks import semconv
from webhooks.operation import Operation, operation
from webhooks.trace import Span

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
REPORTING_URLS = ("https://api.openai.com/v1/traces",)


def http_call(span: Span) -> HttpCall | None:
    """Return the request that a tool's span made over HTTP; None for model calls and for all that kept no answer."""
    exchange = None if operation(span) is Operation.LLM else semconv.http_exchange(span)
    if exchange is None:
        return None
    method, url, sent, status, content_type, body = exchange
    kind = content_type or ("application/json" if _is_json(body) else "text/plain; charset=utf-8")
    return HttpCall(method=method, url=url, sent=sent, status=status, content_type=kind, body=body)


def http_fingerprint(method: str, url: str, sent: str, tolerance: Tolerance | None = None) -> str:
    """Return 64 hex digits that two requests share when they ask the same; what was sent counts as JSON."""
    return tool_fingerprint(f"{method.upper()} {_same(url)}", sent, tolerance)


def is_reporting(method: str, url: str) -> bool:
    """Whether the request only reports, so that no answer of it reaches the conversation."""
    host = (urlsplit(url).hostname or "").casefold()
    return method == "POST" and (url.startswith(REPORTING_URLS) or any(part in host for part in REPORTING))


def _same(url: str) -> str:
    """Return the URL with its parameters in order, and without what does not change what it names."""
    parts = urlsplit(url)
    host = (parts.hostname or "").casefold()
    try:
        port = parts.port
    except ValueError:  # not a number
        return url
    named = f"{host}:{port}" if port and port != DEFAULT_PORTS.get(parts.scheme) else host
    query = urlencode(sorted(parse_qsl(parts.query, keep_blank_values=True)))
    return f"{parts.scheme.casefold()}://{named}{parts.path or '/'}?{query}"


def _is_json(body: str) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True
