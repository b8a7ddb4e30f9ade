"""Where in the user's code a span failed."""

import re

from webhooks import semconv
from webhooks.trace import Span

MAX_STACKTRACE = 20_000
PYTHON_FRAME = re.compile(r'File "([^"\n]{1,500})", line (\d{1,7}), in ([\w<>.]{1,120})')
JAVASCRIPT_FRAME = re.compile(r"at (?:async )?([\w$.<>\[\] ]{1,120}) \(([^()\n]{1,500}?):(\d{1,7}):\d{1,7}\)")
LIBRARY = re.compile(r"site-packages|dist-packages|node_modules|<frozen|node:internal|[\\/]lib[\\/]python\d")


def site(span: Span) -> str:
    """Return `file.py:function` of the innermost frame outside of libraries; "" when the span names no code."""
    if frame := _own_frame(span):
        path, _, function = frame
        return f"{_basename(path)}:{function}"
    location = semconv.code_location(span)
    return _basename(location[0]) if location else ""


def place(span: Span) -> tuple[str, int] | None:
    """Return path and line of the innermost frame outside of libraries, else of the span's own code attributes."""
    if frame := _own_frame(span):
        path, line, _ = frame
        return path, line
    return semconv.code_location(span)


def _own_frame(span: Span) -> tuple[str, int, str] | None:
    exception = semconv.exception(span)
    frames = _frames(exception.stacktrace[-MAX_STACKTRACE:]) if exception else []
    own = [frame for frame in frames if not LIBRARY.search(frame[0])]
    return (own or frames)[-1] if frames else None


def _frames(stacktrace: str) -> list[tuple[str, int, str]]:
    """Return (path, line, function) of each frame, innermost last."""
    python = [(path, int(line), function) for path, line, function in PYTHON_FRAME.findall(stacktrace)]
    if python:
        return python
    script = JAVASCRIPT_FRAME.findall(stacktrace)
    return [(path, int(line), function) for function, path, line in reversed(script)]


def _basename(path: str) -> str:
    return re.split(r"[\\/]", path)[-1]
