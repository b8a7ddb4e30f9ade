"""What an unsuccessful answer of GitHub's is taken for."""

import pytest

from bot.errors import ForgeError
from bot.forge.answers import error_of
from bot.forge.errors import Denied, Missing, RateLimited, TokenRefused, Unavailable


@pytest.mark.parametrize(
    ("status", "words", "headers", "kind"),
    [
        (401, "Bad credentials", {}, TokenRefused),
        (403, "Resource not accessible by integration", {}, Denied),
        (403, "You have exceeded a secondary rate limit", {}, RateLimited),
        (403, "", {"Retry-After": "5"}, RateLimited),
        (403, "", {"X-RateLimit-Remaining": "0"}, RateLimited),
        (404, "Not Found", {}, Missing),
        (409, "Git Repository is empty.", {}, ForgeError),
        (429, "", {}, RateLimited),
        (499, "", {}, ForgeError),
        (502, "", {}, Unavailable),
        (599, "", {}, Unavailable),
    ],
)
def test_a_status_becomes_its_error(status: int, words: str, headers: dict[str, str], kind: type[ForgeError]) -> None:
    error = error_of(status, "GET /x", words, headers)
    assert type(error) is kind
    assert str(status) in str(error)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1030"}, 31),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "10"}, 1),
        ({}, 60),
    ],
)
def test_a_limit_says_how_long_to_wait(headers: dict[str, str], seconds: float) -> None:
    error = error_of(429, "POST /x", "", headers, now=1000)
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == seconds


def test_long_words_are_cut() -> None:
    assert len(str(error_of(500, "GET /x", "x" * 10_000, {}))) < 400
