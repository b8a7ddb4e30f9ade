"""Read a GitHub webhook delivery. No I/O: headers and bytes in, a `Delivery` out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
