from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from webhooks.trace import Event, Span

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def make_span() -> Callable[..., Span]:
    def make(attributes: Mapping[str, Any] | None = None, **fields: object) -> Span:
        events = tuple(Event(name=name, time=NOON, attributes=found) for name, found in fields.pop("events", ()))
        given = {"trace_id": "a" * 32, "span_id": "b" * 16, "name": "step", "start": NOON, **fields}
        return Span(attributes=attributes or {}, events=events, **given)

    return make
