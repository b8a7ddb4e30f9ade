"""Read a span once: what a function of a span returned is kept with the span, for the many that ask again."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from webhooks.trace import Span

T = TypeVar("T")


def once(read: Callable[[Span], T]) -> Callable[[Span], T]:
    """Return `read` with its results kept in `Span.readings`; callers share one result and must not change it."""
    name = f"{read.__module__}.{read.__qualname__}"

    @wraps(read)
    def kept(span: Span) -> T:
        if name not in span.readings:
            span.readings[name] = read(span)
        found: T = span.readings[name]
        return found

    return kept
