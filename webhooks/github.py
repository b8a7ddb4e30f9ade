"""Read a GitHub webhook delivery. No I/O: headers and bytes in, a `Delivery` out."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from webhooks.errors import Unauthorized, Undecodable, UnsupportedMedia

# https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
EVENT = "x-github-event"
DELIVERY_ID = "x-github-delivery"
# https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
SIGNATURE = "x-hub-signature-256"
# https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap
PAYLOAD_LIMIT = 25 * 1024 * 1024

NAME = re.compile(r"[0-9A-Za-z_-]{1,64}")  # both headers are unsigned, and become keys of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event that GitHub sent, its signature already verified."""

    #: The X-GitHub-Delivery header; stays the same when GitHub delivers again.
    delivery_id: str
    #: The X-GitHub-Event header, such as "pull_request".
    event: str
    #: The payload's "action", such as "closed"; empty for events without one.
    action: str
    payload: Mapping[str, Any]

    @property
    def installation(self) -> str | None:
        """The id of the App's installation that it is about; None for an event of the App itself."""
        found = self.payload.get("installation")
        number = found.get("id") if isinstance(found, dict) else None
        return None if number is None else str(number)


def read_delivery(headers: Mapping[str, str], body: bytes, secret: str) -> Delivery:
    """Verify a delivery's signature, then decode it.

    The signature covers the body alone: the delivery id can be changed by whoever holds a signed body.

    Parameters
    ----------
    headers
        Of the request; the names are looked up in lowercase.
    body
        As received, byte for byte.
    secret
        The webhook's secret.

    Raises
    ------
    Unauthorized
        When the signature is missing or wrong.
    UnsupportedMedia
        When the webhook does not send JSON.
    Undecodable
        When the signed request is not a delivery.

    """
    _verify(headers.get(SIGNATURE, ""), body, secret)
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMedia(f"the webhook's content type must be application/json: {media_type[:40]!r}")
    payload = _payload(body)
    action = payload.get("action")
    return Delivery(
        delivery_id=_name(headers, DELIVERY_ID),
        event=_name(headers, EVENT),
        action=action if isinstance(action, str) else "",
        payload=payload,
    )


def _verify(signature: str, body: bytes, secret: str) -> None:
    if not secret:
        raise Unauthorized("no webhook secret to verify the delivery with")
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    # Bytes, since compare_digest refuses text that is not ASCII.
    if not hmac.compare_digest(expected.encode(), signature.encode(errors="replace")):
        raise Unauthorized(f"the {SIGNATURE} header is missing or wrong")


def _payload(body: bytes) -> dict[str, Any]:
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Undecodable(f"not a GitHub delivery: {error}") from error
    if not isinstance(payload, dict):
        raise Undecodable(f"not a GitHub delivery: a JSON {type(payload).__name__}")
    return payload


def _name(headers: Mapping[str, str], header: str) -> str:
    value = headers.get(header, "")
    if not NAME.fullmatch(value):
        raise Undecodable(f"not a GitHub delivery: {header} is {value[:80]!r}")
    return value
