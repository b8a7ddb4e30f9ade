"""Middleware: wraps each run of a tool."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from switchboard.tool import Tool, ToolError

Next = Callable[[Tool, Mapping[str, Any]], Any]


class Middleware(Protocol):
    def __call__(self, tool: Tool, arguments: Mapping[str, Any], proceed: Next) -> Any: ...


class ErrorsAsResults:
    """Tells the model what a tool refused, instead of ending the run."""

    def __call__(self, tool: Tool, arguments: Mapping[str, Any], proceed: Next) -> Any:
        try:
            return proceed(tool, arguments)
        except (ToolError, TypeError) as error:
            return {"error": str(error)}


class Whitespace:
    """Takes stray blanks off every text that the model sends."""

    def __call__(self, tool: Tool, arguments: Mapping[str, Any], proceed: Next) -> Any:
        tidy = {name: value.strip() if isinstance(value, str) else value for name, value in arguments.items()}
        return proceed(tool, tidy)


def chain(middleware: list[Middleware], last: Next) -> Next:
    """Return a function that runs the middleware from the first to the last, and then the tool."""
    run = last
    for each in reversed(middleware):
        run = _bound(each, run)
    return run


def _bound(middleware: Middleware, proceed: Next) -> Next:
    return lambda tool, arguments: middleware(tool, arguments, proceed)


def as_text(result: Any) -> str:
    return result if isinstance(result, str) else json.dumps(result)
