"""The captured requests of tests/fixtures/captures, and what a receiver makes of them."""

import json
from base64 import b64decode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI
from fastapi.testclient import TestClient

from webhooks.dialects import decode
from webhooks.github import Delivery
from webhooks.inbox import Batch
from webhooks.routes import create_router, install_error_handler
from webhooks.searched import rows_of
from webhooks.trace import Span, Trace

CAPTURES = Path(__file__).parents[2] / "fixtures" / "captures"
NOON = datetime(2026, 11, 22, 23, tzinfo=UTC)


@dataclass(frozen=True)
class Captured:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ListInbox:
    batches: list[Batch] = field(default_factory=list)
    quarantined: list[tuple[str, bytes, str]] = field(default_factory=list)

    def remembers(self, key: str) -> bool:
        return key == "tw_key"

    def services_of(self, key: str) -> Sequence[str] | None:
        return () if self.tenant_of(key) else None

    def tenant_of(self, key: str) -> str | None:
        return "acme" if key == "tw_key" else None

    def keep_batch(self, tenant: str, batch: Batch) -> None:
        assert tenant == "acme"
        assert rows_of(spans_of(batch)) == batch.rows
        self.batches.append(batch)

    def quarantine(self, tenant: str, *, dialect: str, body: bytes, reason: str) -> None:
        assert tenant == "acme"
        self.quarantined.append((dialect, body, reason))

    def keep_delivery(self, delivery: Delivery) -> bool:
        raise AssertionError(delivery)

    def traces(self) -> dict[str, Trace]:
        return traces_of(span for batch in self.batches for span in spans_of(batch))


def spans_of(batch: Batch) -> list[Span]:
    return list(decode(batch.dialect, batch.body))


def captured(name: str) -> list[Captured]:
    lines = (CAPTURES / f"{name}.jsonl").read_text().splitlines()
    return [Captured(**{**found, "body": b64decode(found["body"])}) for found in map(json.loads, lines)]


def client_of(inbox: ListInbox, now: Callable[[], datetime] = lambda: NOON) -> TestClient:
    app = FastAPI()
    install_error_handler(app)
    app.include_router(create_router(inbox, webhook_secret=None, now=now))
    return TestClient(app)


def send(client: TestClient, request: Captured) -> int:
    answer = client.request(request.method, request.path, content=request.body, headers=request.headers)
    return answer.status_code


def traces_of(spans: Iterable[Span]) -> dict[str, Trace]:
    by_trace: dict[str, list[Span]] = {}
    for span in spans:
        by_trace.setdefault(span.trace_id, []).append(span)
    return {trace_id: Trace.from_spans(found) for trace_id, found in by_trace.items()}
