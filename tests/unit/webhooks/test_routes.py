import gzip
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2 as httpx
import pytest
from backports import zstd
from fastapi import FastAPI
from fastapi.testclient import TestClient
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from webhooks import decompress
from webhooks.errors import Unavailable
from webhooks.github import Delivery
from webhooks.inbox import Batch
from webhooks.parts import MAX_VALUES
from webhooks.redact import Redaction
from webhooks.redaction.redactor import Redactor
from webhooks.redaction.secrets import SECRETS
from webhooks.routes import create_router, install_error_handler

SECRET = "it's a secret"
PROTOBUF = {"content-type": "application/x-protobuf", "authorization": "Bearer tw_key"}
JSON = {"content-type": "application/json", "x-api-key": "tw_key"}
NOON_NS = 1_777_636_800 * 10**9


@dataclass
class FakeInbox:
    """Knows one key, remembers what it is given, and can be told to be out of order."""

    key: str = "tw_key"
    tenant: str = "acme"
    services: tuple[str, ...] = ()
    down: bool = False
    batches: list[tuple[str, Batch]] = field(default_factory=list)
    quarantined: list[tuple[str, str, bytes, str]] = field(default_factory=list)
    deliveries: dict[str, Delivery] = field(default_factory=dict)

    def remembers(self, key: str) -> bool:
        return key == self.key

    def tenant_of(self, key: str) -> str | None:
        return self.tenant if key == self.key else None

    def services_of(self, key: str) -> Sequence[str] | None:
        return self.services if key == self.key else None

    def keep_batch(self, tenant: str, batch: Batch) -> None:
        if self.down:
            raise Unavailable("the disk is full")
        self.batches.append((tenant, batch))

    def quarantine(self, tenant: str, *, dialect: str, body: bytes, reason: str) -> None:
        if self.down:
            raise Unavailable("the disk is full")
        self.quarantined.append((tenant, dialect, body, reason))

    def keep_delivery(self, delivery: Delivery) -> bool:
        new = delivery.delivery_id not in self.deliveries
        self.deliveries[delivery.delivery_id] = delivery
        return new


@pytest.fixture
def inbox() -> FakeInbox:
    return FakeInbox()


def batch(n_spans: int = 1) -> bytes:
    message = ExportTraceServiceRequest()
    spans = message.resource_spans.add().scope_spans.add().spans
    for number in range(1, n_spans + 1):
        spans.add(trace_id=b"\1" * 16, span_id=number.to_bytes(8), name="chat", start_time_unix_nano=NOON_NS)
    return message.SerializeToString()


def json_batch() -> bytes:
    span = {"traceId": "01" * 16, "spanId": "02" * 8, "name": "chat", "startTimeUnixNano": NOON_NS}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


def client_of(inbox: FakeInbox, **options: Any) -> TestClient:  # noqa: ANN401  # passed on
    app = FastAPI()
    install_error_handler(app)
    app.include_router(create_router(inbox, **{"webhook_secret": SECRET, **options}))
    return TestClient(app)


@pytest.fixture
def client(inbox: FakeInbox) -> TestClient:
    return client_of(inbox)


def deliver(client: TestClient, body: bytes = b'{"action": "closed"}', *, secret: str = SECRET) -> httpx.Response:
    signature = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    names = {"x-github-event": "pull_request", "x-github-delivery": "d-1", "content-type": "application/json"}
    return client.post("/github/webhook", content=body, headers={**names, "x-hub-signature-256": signature})


@pytest.mark.parametrize("key", ["Bearer tw_key", "bearer  tw_key"])
def test_a_protobuf_batch_is_kept_for_the_tenant_of_its_key(client: TestClient, inbox: FakeInbox, key: str) -> None:
    answer = client.post("/v1/traces", content=batch(3), headers=PROTOBUF | {"authorization": key})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/x-protobuf"
    [(tenant, kept)] = inbox.batches
    assert (tenant, kept.dialect, kept.body, len(kept.rows.spans)) == ("acme", "otlp-protobuf", batch(3), 3)


def test_json_in_gives_json_out(client: TestClient, inbox: FakeInbox) -> None:
    answer = client.post("/v1/traces", content=json_batch(), headers=JSON)
    assert (answer.status_code, answer.json()) == (200, {})
    assert answer.headers["content-type"] == "application/json"
    assert inbox.batches[0][1].dialect == "otlp-json"


def test_a_gzip_batch_is_kept_decompressed(client: TestClient, inbox: FakeInbox) -> None:
    client.post("/v1/traces", content=gzip.compress(batch()), headers=PROTOBUF | {"content-encoding": "gzip"})
    assert inbox.batches[0][1].body == batch()


def test_a_zstd_batch_is_kept_decompressed(client: TestClient, inbox: FakeInbox) -> None:
    client.post("/v1/traces", content=zstd.compress(batch()), headers=PROTOBUF | {"content-encoding": "zstd"})
    assert inbox.batches[0][1].body == batch()


def test_a_batch_that_comes_twice_is_passed_on_twice(client: TestClient, inbox: FakeInbox) -> None:
    for _ in range(2):
        assert client.post("/v1/traces", content=batch(), headers=PROTOBUF).status_code == 200
    assert len(inbox.batches) == 2


def test_on_batch_hears_of_the_tenant_after_the_batch_is_kept(inbox: FakeInbox) -> None:
    heard = []
    client = client_of(inbox, on_batch=lambda tenant: heard.append((tenant, len(inbox.batches))))
    client.post("/v1/traces", content=batch(), headers=PROTOBUF)
    assert heard == [("acme", 1)]


def test_an_empty_request_is_accepted_and_nothing_is_kept(client: TestClient, inbox: FakeInbox) -> None:
    assert client.post("/v1/traces", content=b"", headers=PROTOBUF).status_code == 200
    assert client.post("/v1/traces", content=b"{}", headers=JSON).status_code == 200
    assert inbox.batches == []


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/metrics", "/v1/logs"])
def test_a_missing_or_unknown_key_gets_the_same_401(client: TestClient, inbox: FakeInbox, path: str) -> None:
    missing = client.post(path, content=batch(), headers={"content-type": "application/x-protobuf"})
    unknown = client.post(path, content=batch(), headers=PROTOBUF | {"authorization": "Bearer tw_kez"})
    assert (missing.status_code, missing.content) == (unknown.status_code, unknown.content)
    assert missing.status_code == 401
    assert Status.FromString(missing.content).code == 16
    assert inbox.batches == []


@pytest.mark.parametrize(
    ("services", "status", "n_kept"),
    [((), 200, 1), (("shop-*",), 200, 1), (("shop",), 403, 0), (("other", "*-web"), 200, 1), (("*-WEB",), 403, 0)],
)
def test_a_key_sends_spans_of_its_services_only(
    inbox: FakeInbox, services: tuple[str, ...], status: int, n_kept: int
) -> None:
    inbox.services = services
    message = ExportTraceServiceRequest.FromString(batch())
    message.resource_spans[0].resource.attributes.add(key="service.name").value.string_value = "shop-web"
    answer = client_of(inbox).post("/v1/traces", content=message.SerializeToString(), headers=PROTOBUF)
    assert (answer.status_code, len(inbox.batches), inbox.quarantined) == (status, n_kept, [])
    if status == 403:
        said = Status.FromString(answer.content)
        assert (said.code, "the service 'shop-web'" in said.message) == (7, True)


def test_one_foreign_span_refuses_the_whole_request(inbox: FakeInbox) -> None:
    inbox.services = ("*",)
    message = ExportTraceServiceRequest.FromString(batch())
    message.resource_spans[0].resource.attributes.add(key="service.name").value.string_value = "shop-web"
    message.MergeFromString(batch(2))  # these name no service
    answer = client_of(inbox).post("/v1/traces", content=message.SerializeToString(), headers=PROTOBUF)
    assert (answer.status_code, inbox.batches) == (403, [])


def test_an_undecodable_body_is_quarantined_and_refused(client: TestClient, inbox: FakeInbox) -> None:
    answer = client.post("/v1/traces", content=b"\xff\xff", headers=PROTOBUF)
    [(tenant, dialect, body, reason)] = inbox.quarantined
    assert (tenant, dialect, body) == ("acme", "otlp-protobuf", b"\xff\xff")
    assert answer.status_code == 400
    assert Status.FromString(answer.content).message == reason
    assert reason.startswith("not an OTLP trace export request in protobuf (2 bytes)")


def test_a_damaged_gzip_body_is_quarantined_as_it_came(client: TestClient, inbox: FakeInbox) -> None:
    answer = client.post("/v1/traces", content=b"\x1f\x8bxx", headers=JSON | {"content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    assert inbox.quarantined[0][2] == b"\x1f\x8bxx"


def test_a_body_is_not_refused_for_good_before_it_is_quarantined(client: TestClient, inbox: FakeInbox) -> None:
    inbox.down = True
    assert client.post("/v1/traces", content=b"\xff", headers=PROTOBUF).status_code == 503


def test_a_decompression_bomb_is_too_large(client: TestClient, inbox: FakeInbox) -> None:
    bomb = gzip.compress(bytes(decompress.LIMIT + 1))
    answer = client.post("/v1/traces", content=bomb, headers=PROTOBUF | {"content-encoding": "gzip"})
    assert (answer.status_code, inbox.batches, inbox.quarantined) == (413, [], [])


def test_a_body_over_the_limit_is_too_large(client: TestClient) -> None:
    body = bytes(decompress.LIMIT + 1)
    assert client.post("/v1/logs", content=body, headers=PROTOBUF).status_code == 413


@pytest.mark.parametrize("changed", [{"content-type": "text/plain"}, {"content-encoding": "br"}])
def test_an_unknown_type_or_encoding_is_unsupported(client: TestClient, changed: dict[str, str]) -> None:
    assert client.post("/v1/traces", content=b"", headers=JSON | changed).status_code == 415


def test_a_batch_that_cannot_be_kept_now_is_asked_for_again_in_a_second(client: TestClient, inbox: FakeInbox) -> None:
    inbox.down = True
    answer = client.post("/v1/traces", content=batch(), headers=PROTOBUF)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert Status.FromString(answer.content) == Status(code=14, message="the disk is full")


@pytest.mark.parametrize("path", ["/v1/metrics", "/v1/logs"])
def test_metrics_and_logs_are_answered(client: TestClient, path: str) -> None:
    answer = client.post(path, content=b'{"resourceLogs": []}', headers=JSON)
    assert (answer.status_code, answer.json()) == (200, {})


def test_a_signed_delivery_is_kept_and_acted_on(inbox: FakeInbox) -> None:
    acted_on = []
    answer = deliver(client_of(inbox, on_delivery=acted_on.append))
    assert (answer.status_code, answer.json()) == (202, {"delivery": "d-1", "new": True})
    assert list(inbox.deliveries.values()) == acted_on


def test_a_delivery_that_comes_again_is_not_new_but_gets_its_second_chance(inbox: FakeInbox) -> None:
    acted_on = []
    client = client_of(inbox, on_delivery=acted_on.append)
    assert [deliver(client).json()["new"] for _ in range(2)] == [True, False]
    assert len(acted_on) == 2


def test_an_unsigned_or_wrongly_signed_delivery_is_unauthorized(client: TestClient, inbox: FakeInbox) -> None:
    unsigned = client.post("/github/webhook", content=b"{}", headers={"content-type": "application/json"})
    assert (unsigned.status_code, deliver(client, secret="other").status_code) == (401, 401)
    assert inbox.deliveries == {}


@pytest.mark.parametrize("secret", [None, ""])
def test_without_a_secret_no_delivery_is_taken(inbox: FakeInbox, secret: str | None) -> None:
    answer = deliver(client_of(inbox, webhook_secret=secret), secret="")
    assert answer.status_code == 503
    assert answer.json() == {"error": "no webhook secret is configured, so no delivery can be verified"}


def test_the_receiver_says_that_it_is_alive(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}


TOKEN = "ghp_" + "a1B2" * 9
REDACTION = Redaction(redactor=Redactor(SECRETS), master_key=b"master")


def test_a_secret_is_replaced_before_the_batch_is_kept(inbox: FakeInbox) -> None:
    body = json_batch().replace(b"chat", TOKEN.encode())
    answer = client_of(inbox, redaction=REDACTION).post("/v1/traces", content=body, headers=JSON)
    ((_, kept),) = inbox.batches
    assert answer.status_code == 200
    assert kept.rows.spans[0].name.startswith("[redacted:github-token:")
    assert TOKEN.encode() not in kept.body


@pytest.mark.parametrize("headers", [JSON, PROTOBUF, {**JSON, "content-encoding": "gzip"}])
def test_a_secret_reaches_neither_the_quarantine_nor_the_answer(inbox: FakeInbox, headers: dict[str, str]) -> None:
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": TOKEN}]}]}]}).encode()
    answer = client_of(inbox, redaction=REDACTION).post("/v1/traces", content=body, headers=headers)
    ((_, _, kept, reason),) = inbox.quarantined
    assert answer.status_code == 400
    assert TOKEN.encode() not in answer.content + kept + reason.encode()


def digest(received: bytes) -> bytes:
    return f"{len(received)} bytes as received, SHA-256 {hashlib.sha256(received).hexdigest()}".encode()


def cut_short() -> bytes:
    return gzip.compress(json.dumps({"resourceSpans": [], "note": TOKEN}).encode(), mtime=0)[:-4]


@pytest.mark.parametrize("encoding", ["gzip", ""])
def test_a_compressed_body_that_nobody_could_read_is_kept_by_its_digest_alone(inbox: FakeInbox, encoding: str) -> None:
    headers = {**JSON, "content-encoding": encoding}
    answer = client_of(inbox, redaction=REDACTION).post("/v1/traces", content=cut_short(), headers=headers)
    ((_, _, kept, _),) = inbox.quarantined
    assert answer.status_code == 400
    assert kept == digest(cut_short())


def test_a_body_of_too_many_parts_is_kept_by_its_digest_alone(inbox: FakeInbox) -> None:
    crowded = f'["{TOKEN}"{",0" * (MAX_VALUES + 1)}]'.encode()
    answer = client_of(inbox, redaction=REDACTION).post("/v1/traces", content=crowded, headers=JSON)
    ((_, _, kept, reason),) = inbox.quarantined
    assert (answer.status_code, reason) == (400, f"more than {MAX_VALUES} values in a body")
    assert kept == digest(crowded)


def test_a_part_that_is_refused_is_not_named_by_its_secret(inbox: FakeInbox) -> None:
    body = f'--b\r\nContent-Disposition: form-data; name="{TOKEN}"\r\nContent-Length: 2\r\n\r\n{{}}\r\n--b--\r\n'
    answer = client_of(inbox, redaction=REDACTION).post("/langsmith/runs/multipart", content=body, headers=JSON)
    ((_, _, kept, reason),) = inbox.quarantined
    assert answer.status_code == 400
    assert "[redacted:github-token:" in reason
    assert TOKEN.encode() not in answer.content + kept + reason.encode()
