"""What a status code of GitHub's means for us. No I/O.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

import time
from collections.abc import Mapping
from http import HTTPStatus

from bot.forge.errors import Denied, ForgeError, Missing, RateLimited, TokenRefused, Unavailable

DEFAULT_WAIT_S = 60.0  # what GitHub asks for after a secondary limit that names no time
MAX_WORDS = 300


def error_of(
    status: int, doing: str, words: str, headers: Mapping[str, str], *, now: float | None = None
) -> ForgeError:
    """Return the error that an unsuccessful answer stands for.

    Parameters
    ----------
    status
        The HTTP status.
    doing
        What was asked for, for the message.
    words
        What GitHub says of it.
    headers
        Of the answer, in whatever case.
    now
        Unix time; None for the clock's.

    """
    lower = {name.lower(): value for name, value in headers.items()}
    message = f"{doing}: {status} {words[:MAX_WORDS]}"
    if status == HTTPStatus.UNAUTHORIZED:
        return TokenRefused(message)
    if _is_limit(status, words, lower):
        return RateLimited(message, retry_after_s=_wait_s(lower, time.time() if now is None else now))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable(message)
    kinds: dict[int, type[ForgeError]] = {HTTPStatus.FORBIDDEN: Denied, HTTPStatus.NOT_FOUND: Missing}
    return kinds.get(status, ForgeError)(message)


def _is_limit(status: int, words: str, headers: Mapping[str, str]) -> bool:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return True
    spent = headers.get("x-ratelimit-remaining") == "0"
    return status == HTTPStatus.FORBIDDEN and ("retry-after" in headers or spent or "rate limit" in words.lower())


def _wait_s(headers: Mapping[str, str], now: float) -> float:
    if headers.get("retry-after", "").isdecimal():
        return float(headers["retry-after"])
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return max(1.0, float(reset) + 1 - now)  # it is not said when within that second
    return DEFAULT_WAIT_S
