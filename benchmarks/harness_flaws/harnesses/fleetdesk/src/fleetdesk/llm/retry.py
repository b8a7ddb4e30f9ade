"""Which failures of the provider pass by themselves, and how long to wait for that."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import openai

from fleetdesk.config import RetrySettings

T = TypeVar("T")

#: What passes by itself. Anything else will fail again.
TRANSIENT = (
    openai.RateLimitError,
    openai.InternalServerError,
    openai.APITimeoutError,
    openai.APIConnectionError,
)
JITTER = 0.1


def is_transient(error: BaseException) -> bool:
    """Whether asking again may help."""
    return isinstance(error, TRANSIENT)


def told_wait_s(error: BaseException) -> float | None:
    """Return the seconds that the provider says to wait."""
    response = getattr(error, "response", None)
    text = response.headers.get("retry-after", "") if response is not None else ""
    try:
        return max(0.0, float(text))
    except ValueError:
        return None


def wait_s(error: BaseException, attempt: int, settings: RetrySettings, rng: random.Random) -> float:
    """Return how long to wait after the attempt of this number, counted from 1."""
    told = told_wait_s(error)
    if told is not None:
        return min(told, settings.longest_wait_s)
    planned = settings.first_wait_s * settings.factor ** (attempt - 1)
    return min(planned * (1 + rng.uniform(-JITTER, JITTER)), settings.longest_wait_s)


async def patiently(
    do: Callable[[], Awaitable[T]],
    settings: RetrySettings,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    rng: random.Random | None = None,
) -> T:
    """Do it, again and again while what goes wrong may pass, up to the number of attempts."""
    rng = rng or random.Random(0)
    attempt = 1
    while True:
        try:
            return await do()
        except Exception as error:
            if not is_transient(error) or attempt >= settings.attempts:
                raise
            await sleep(wait_s(error, attempt, settings, rng))
            attempt += 1
