"""Where in the user's code a span failed."""

import re

from webhooks import semconv
from webhooks.trace import Span

MAX_STACKTRACE = 20_000
PYTHON_FRAME = re.compile(r'File "([^"\n]{1,500})", line \d+, in ([\w<>.]{1,120})')
JAVASCRIPT_FRAME = re.compile(r"at (?:async )?([\w$.<>\[\] ]{1,120}) \(([^()\n]{1,500}?):\d+:\d+\)")
LIBRARY = re.compile(r"site-packages|dist-packages|node_modules|<frozen|node:internal|[\\/]lib[\\/]python\d")


def site(span: Span) -> str:
    """Return `file.py:function` of the innermost frame outside of libraries; "" when the span names no code."""
    exception = semconv.exception(span)
    frames = _frames(exception.stacktrace[-MAX_STACKTRACE:]) if exception else []
    if frames:
        own = [frame for frame in frames if not LIBRARY.search(frame[0])]
        path, function = (own or frames)[-1]
        return f"{_basename(path)}:{function}"
    location = semconv.code_location(span)
    return _basename(location[0]) if location else ""


def _frames(stacktrace: str) -> list[tuple[str, str]]:
    """Return (path, function) of each frame, innermost last."""
    python: list[tuple[str, str]] = PYTHON_FRAME.findall(stacktrace)
    return python or [(path, function) for function, path in reversed(JAVASCRIPT_FRAME.findall(stacktrace))]


def _basename(path: str) -> str:
    return re.split(r"[\\/]", path)[-1]
