"""Write what stands where a secret stood, such as `[redacted:github-token:3f9a2c41d07b]`."""

from hashlib import blake2b

DIGEST_BYTES = 6  # short enough to read, long enough that a tenant's thousand secrets stay apart
SHAPE = rb"\[redacted:[a-z0-9-]{1,40}:[0-9a-f]{12}\]"


def placeholder(name: str, secret: bytes, *, key: bytes) -> bytes:
    """Return the placeholder of a secret: equal for equal secrets under one key, and not to be guessed without it.

    Parameters
    ----------
    name
        The rule's.
    secret
        What is replaced.
    key
        The tenant's; see `tenant_key`.

    """
    digest = blake2b(secret, key=key, digest_size=DIGEST_BYTES).hexdigest()
    return f"[redacted:{name}:{digest}]".encode()


def tenant_key(master: bytes, tenant: str) -> bytes:
    """Return the key under which one tenant's secrets are hashed, so that no placeholder links two tenants."""
    return blake2b(tenant.encode(), key=blake2b(master).digest(), digest_size=32).digest()
