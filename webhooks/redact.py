"""Replace the secrets of a request's body before anything of it is kept. No I/O: bytes in, bytes and counts out.

A body without a suspicion, which is nearly every one, costs one pass over its bytes and comes out as it went in. The
others are decoded, their strings rewritten, and encoded again: in protobuf every string is preceded by its length.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from webhooks.github import Delivery
from webhooks.json_body import read_object, write_json
from webhooks.redaction import json_values, multipart, protobuf_messages
from webhooks.redaction.placeholder import tenant_key
from webhooks.redaction.redactor import Redactor

DELIVERY = "github"
#: Dialect of a body -> the message that it is; every other dialect is JSON, multipart, JSON lines or text.
MESSAGES: Mapping[str, type[Message]] = {
    "otlp-protobuf": ExportTraceServiceRequest,
    "otlp-protobuf-logs": ExportLogsServiceRequest,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """A body that may be kept, and what was replaced in it."""

    body: bytes
    #: Name of the rule -> how many secrets it replaced.
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """What an operator has decided: the rules, and the key under which placeholders are made."""

    redactor: Redactor
    #: Secret and lasting: with another one, equal secrets of yesterday and today get different placeholders.
    master_key: bytes
    #: Told the tenant and how many values each rule replaced in a body of its.
    on_replaced: Callable[[str, Mapping[str, int]], None] | None = None

    def __call__(self, body: bytes, *, dialect: str, tenant: str) -> Redacted:
        """Redact a decompressed body of this tenant."""
        done = redact(body, dialect=dialect, redactor=self.redactor, key=tenant_key(self.master_key, tenant))
        if done.counts and self.on_replaced:
            self.on_replaced(tenant, done.counts)
        return done

    def delivery(self, delivery: Delivery) -> Delivery:
        """Redact what people wrote on GitHub, its signature verified; ids, names and numbers are no secrets.

        Raises
        ------
        Undecodable
            When the payload is nested too deep to be looked through.

        """
        body = write_json(delivery.payload)
        kept = self(body, dialect=DELIVERY, tenant=delivery.installation or "").body
        return delivery if kept == body else replace(delivery, payload=read_object(kept, name="a delivery"))


def redact(body: bytes, *, dialect: str, redactor: Redactor, key: bytes) -> Redacted:
    """Return the body without the secrets that the redactor knows. Never raises, whatever the bytes.

    Parameters
    ----------
    body
        Decompressed.
    dialect
        What the body is kept under; see `MESSAGES`.
    redactor
        The rules, compiled once.
    key
        The tenant's, for placeholders: at most 64 bytes.

    """
    if not redactor.suspects(body):
        return Redacted(body=body, counts={})
    counts: Counter[str] = Counter()
    rewritten = _structured(body, dialect, json_values.Rewriter(redactor=redactor, key=key, counts=counts))
    if rewritten is None:  # not what it claims to be: nobody will decode it, so nothing can break
        counts.clear()
        rewritten = redactor.redact(body, key=key, counts=counts)
    return Redacted(body=rewritten if counts else body, counts=dict(counts))


def _structured(body: bytes, dialect: str, rewriter: json_values.Rewriter) -> bytes | None:
    """Rewrite a body by its structure; None when it has none, or not the one that its dialect says."""
    if dialect in MESSAGES:
        return _or_none(lambda: protobuf_messages.rewrite(MESSAGES[dialect](), body, rewriter), DecodeError)
    whole = _json(body, rewriter)
    if whole is None:
        whole = multipart.rewrite(body, rewriter.document)
    return whole if whole is not None else _lines(body, rewriter)


def _json(body: bytes, rewriter: json_values.Rewriter) -> bytes | None:
    return _or_none(lambda: rewriter.json(body), *json_values.ERRORS)


def _lines(body: bytes, rewriter: json_values.Rewriter) -> bytes | None:
    """Rewrite JSON lines, each of which is read on its own; None when there is but one line."""
    lines = body.splitlines(keepends=True)
    return b"".join(map(rewriter.document, lines)) if len(lines) > 1 else None


def _or_none(make: Callable[[], bytes], *errors: type[Exception]) -> bytes | None:
    try:
        return make()
    except errors:
        return None
