"""What providers do to some requests: refuse them for a moment, or send tool arguments that are not JSON.

Which conversations are met is decided by a hash of the customer's first message, so that it does not depend on the
prompt or the schemas; a request that is sent again passes.
"""

import hashlib
import json
import threading
from collections import Counter
from enum import StrEnum

from examples.shop_provider.transcript import Message

N_BUCKETS = 12


class Quirk(StrEnum):
    """How a conversation's first request is answered."""

    NONE = "none"
    RATE_LIMITED = "rate limited"
    EMPTY_ARGUMENTS = "empty arguments"
    BROKEN_ARGUMENTS = "broken arguments"


BUCKETS = {0: Quirk.RATE_LIMITED, 1: Quirk.EMPTY_ARGUMENTS, 2: Quirk.BROKEN_ARGUMENTS}


def quirk_of(first_turn: str) -> Quirk:
    """Return what happens to conversations that begin with these words."""
    digest = hashlib.sha256(first_turn.encode()).digest()
    return BUCKETS.get(int.from_bytes(digest[:4]) % N_BUCKETS, Quirk.NONE)


def spoil(arguments: str, quirk: Quirk) -> str:
    """Return the arguments as a model in a hurry writes them: none at all, or cut off."""
    return "" if quirk is Quirk.EMPTY_ARGUMENTS else arguments[: max(1, len(arguments) - 3)]


class Attempts:
    """Counts how often the same messages were sent to this server."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def is_first(self, messages: list[Message]) -> bool:
        """Count this request; True for the first, third, fifth … of the same content."""
        digest = hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()
        with self._lock:
            self._counts[digest] += 1
            return self._counts[digest] % 2 == 1
