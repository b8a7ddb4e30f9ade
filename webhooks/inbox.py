"""Inbox: all that the receiver asks of the product, namely "keep this, once"."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from webhooks.github import Delivery
from webhooks.searched import Searched


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one request to the receiver brought: the body, and its spans as rows to search by."""

    #: Which parser reads `body`: "otlp-protobuf" or "otlp-json" today.
    dialect: str
    #: The decompressed request body, kept so that the searched columns can be rebuilt.
    body: bytes
    rows: Searched
    #: The same body as the sender gzipped it, where it did and nothing was rewritten: spares compressing it again.
    gzipped: bytes | None = None


class Inbox(Protocol):
    """Keeps what arrives. Each method returns after the data is durable, and may be called again with the same data."""

    def remembers(self, key: str) -> bool:
        """Return whether the next two can be answered at once, without a wait for the database."""

    def tenant_of(self, key: str) -> str | None:
        """Return the tenant that an ingestion key belongs to, or None for an unknown or revoked key."""

    def services_of(self, key: str) -> Sequence[str] | None:
        """Return the patterns of service names that a key is for, empty for all; None for an unknown key."""

    def keep_batch(self, tenant: str, batch: Batch) -> None:
        """Keep the batch; a span that is already kept (same tenant, trace_id, span_id) is not kept twice."""

    def quarantine(self, tenant: str, *, dialect: str, body: bytes, reason: str) -> None:
        """Keep a body that could not be decoded, for a person to look at."""

    def keep_delivery(self, delivery: Delivery) -> bool:
        """Keep a GitHub delivery; False when its id is already known."""
