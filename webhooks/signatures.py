"""Verify who signed a webhook. No I/O: headers, bytes and secrets in, the tenant of the matching secret out.

Every secret is tried, and each comparison takes the same time: neither tells how near a guess came. Several secrets of
one tenant are how a secret is changed without losing a delivery.
"""

import binascii
import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from webhooks.errors import Unauthorized, Unavailable

# https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
WEBHOOK_ID, WEBHOOK_TIMESTAMP, WEBHOOK_SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
STANDARD_PREFIX = "whsec_"
STANDARD_VERSION = "v1"
WINDOW_S = 300
MAX_SIGNATURES = 20  # in one header; a sender that changes its secret sends two
# https://docs.langchain.com/langsmith/webhooks
LANGSMITH_SIGNATURE = "x-langsmith-signature"
# https://langfuse.com/docs/prompt-management/features/webhooks-slack-integrations
LANGFUSE_SIGNATURE = "x-langfuse-signature"
ID = re.compile(r"[0-9A-Za-z_.:-]{1,128}")
SECONDS = re.compile(r"\d{1,12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """What a sender signs with, and whose records its webhooks become."""

    tenant: str
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """The secrets of every signed webhook that is taken; without any, a webhook is refused."""

    standard: Sequence[Secret] = ()
    langsmith: Sequence[Secret] = ()
    langfuse: Sequence[Secret] = ()


def standard_key(secret: str) -> bytes:
    """Return the key of a Standard Webhooks secret: "whsec_" and base64.

    Raises
    ------
    ValueError
        When it is not base64.

    """
    try:
        return b64decode(secret.removeprefix(STANDARD_PREFIX), validate=True)
    except binascii.Error as error:
        msg = f"a Standard Webhooks secret is {STANDARD_PREFIX} and base64: {error}"
        raise ValueError(msg) from error


def verify_standard(headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret], now: datetime) -> str:
    """Return the tenant of a Standard Webhooks delivery.

    Raises
    ------
    Unauthorized
        When no signature is right, or the delivery was signed more than five minutes ago or ahead.
    Unavailable
        When there is no secret.

    """
    sent_at = headers.get(WEBHOOK_TIMESTAMP, "")
    content = b".".join((delivery_id(headers.get(WEBHOOK_ID, "")).encode(), sent_at.encode(), body))
    given = [item.partition(",") for item in headers.get(WEBHOOK_SIGNATURE, "").split()[:MAX_SIGNATURES]]
    signatures = [signature for version, _, signature in given if version == STANDARD_VERSION]
    tenant = _signer(content, signatures, secrets, lambda digest: b64encode(digest).decode())
    _check_time(sent_at, now)
    return tenant


def verify_langsmith(headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret]) -> str:
    """Return the tenant of a LangSmith Engine event; raises as `verify_standard` does, but knows no time."""
    return _signer(body, [headers.get(LANGSMITH_SIGNATURE, "").removeprefix("sha256=")], secrets, bytes.hex)


def verify_langfuse(headers: Mapping[str, str], body: bytes, secrets: Sequence[Secret], now: datetime) -> str:
    """Return the tenant of a Langfuse webhook, signed as `t=<seconds>,v1=<hex>`; raises as `verify_standard` does."""
    fields = [item.strip().partition("=") for item in headers.get(LANGFUSE_SIGNATURE, "").split(",")[:MAX_SIGNATURES]]
    sent_at = next((value for name, _, value in fields if name == "t"), "")
    signatures = [value for name, _, value in fields if name == "v1"]
    tenant = _signer(f"{sent_at}.".encode() + body, signatures, secrets, bytes.hex)
    _check_time(sent_at, now)
    return tenant


def delivery_id(value: str) -> str:
    """Return the id of a delivery, which becomes a key of ours; raise Unauthorized for what cannot be one."""
    if not ID.fullmatch(value):
        raise Unauthorized(f"the {WEBHOOK_ID} header is missing or not an id: {value[:80]!r}")
    return value


def _signer(
    content: bytes, signatures: Iterable[str], secrets: Sequence[Secret], encode: Callable[[bytes], str]
) -> str:
    if not secrets:
        raise Unavailable("no secret is configured for this webhook, so none can be verified")
    given = [signature.encode(errors="replace") for signature in signatures]
    tenants = []
    for secret in secrets:
        expected = encode(hmac.new(secret.key, content, hashlib.sha256).digest()).encode()
        # A list, so that every comparison is made.
        if any([hmac.compare_digest(expected, signature) for signature in given]):  # noqa: C419
            tenants.append(secret.tenant)
    if not tenants:
        raise Unauthorized("the webhook's signature is missing or wrong")
    return tenants[0]


def _check_time(sent_at: str, now: datetime) -> None:
    if not SECONDS.fullmatch(sent_at) or abs(now.timestamp() - int(sent_at)) > WINDOW_S:
        raise Unauthorized(f"the webhook was not signed within {WINDOW_S} seconds of now")
