"""Retries that know too few errors or do not listen, and limits that are too short."""

from pathlib import Path

import pytest

from fixers.recipes.recipe import Recipe
from fixers.recipes.retry_after import RetryAfter
from fixers.recipes.time_limit import TimeLimit
from fixers.recipes.transient_errors import TransientErrors
from tests.unit.fixers.in_process import after_of, mended
from tests.unit.fixers.recipe_shapes import FRAMEWORK, PLAIN, RAW, shaped
from tests.unit.fixers.red_green import DIAGNOSIS, declined
from tests.unit.fixers.runs import failed_with, mode_of

SERVER_ERROR = failed_with("InternalServerError", "Error code: 503 - overloaded")
STATUS_ERROR = failed_with("HTTPStatusError", "Server error '503 Service Unavailable' for url")
SDK = "return client.chat.completions.create(model='m', messages=messages)"
AWAITED = (
    "return (await self.client.chat.completions.create(model=self.name, messages=messages)).choices[0].message.content"
)
POSTED = 'response = self.http.post(self.url + "/chat/completions", json={"messages": messages})'
SAID = 'return response.json()["choices"][0]["message"]'


def retrying(ask: str, errors: str, sleep: str = "time.sleep(0.1 * attempt)") -> str:
    return f"""
for attempt in range(4):
    try:
        {ask}
    except {errors}:
        {sleep}
raise RuntimeError("the provider does not answer")
"""


def posting(condition: str, sleep: str = "time.sleep(0.1 * attempt)") -> str:
    return f"""
for attempt in range(4):
    {POSTED}
    if response.status_code == 200:
        {SAID}
    if not ({condition}):
        response.raise_for_status()
    {sleep}
raise RuntimeError("the provider does not answer")
"""


TOO_FEW = {
    "sdk": (shaped(PLAIN, making="max_retries=0", asking=retrying(SDK, "openai.RateLimitError")), SERVER_ERROR),
    "framework": (
        shaped(
            FRAMEWORK,
            making="max_retries=0",
            head="RETRIED = (openai.RateLimitError, openai.APITimeoutError)",
            asking=retrying(AWAITED, "RETRIED", "await asyncio.sleep(0.1)"),
        ),
        SERVER_ERROR,
    ),
    "by hand": (
        shaped(RAW, head="RETRY_ON = {429, 408}", asking=posting("response.status_code in RETRY_ON")),
        STATUS_ERROR,
    ),
}


@pytest.mark.parametrize("name", TOO_FEW)
def test_a_retry_covers_the_errors_that_were_seen(name: str, tmp_path: Path) -> None:
    sources, seen = TOO_FEW[name]
    fix = mended(TransientErrors(), sources, tmp_path, seen=seen)
    assert isinstance(TransientErrors().apply(after_of(fix, sources), DIAGNOSIS, seen=seen), str)


def test_names_that_were_imported_one_by_one_are_imported_too(tmp_path: Path) -> None:
    sources, seen = TOO_FEW["sdk"]
    text = sources["shop_agent.py"].replace(
        "import openai\nfrom openai import OpenAI", "from openai import OpenAI, RateLimitError"
    )
    fix = mended(
        TransientErrors(),
        {"shop_agent.py": text.replace("openai.RateLimitError", "RateLimitError")},
        tmp_path,
        seen=seen,
    )
    assert "import OpenAI, RateLimitError, InternalServerError" in (fix.edits[0].after or "")


@pytest.mark.parametrize(
    "errors", ["Exception", "openai.APIStatusError", "(openai.RateLimitError, openai.InternalServerError)", "KeyError"]
)
def test_a_retry_that_covers_them_or_is_about_others_is_left_alone(errors: str) -> None:
    text = shaped(PLAIN, making="max_retries=0", asking=retrying(SDK, errors))
    assert isinstance(TransientErrors().apply(text, DIAGNOSIS, seen=SERVER_ERROR), str)


def test_statuses_that_decide_on_something_else_are_left_alone() -> None:
    text = "OK = {200, 201}\nNOT_FOUND = (404, 410)\nLIMITED = {429}\n\ndef f(code):\n    return code in LIMITED\n"
    assert isinstance(TransientErrors().apply({"agent.py": text}, DIAGNOSIS, seen=STATUS_ERROR), str)


DEAF = {
    "sdk": shaped(PLAIN, making="max_retries=0", asking=retrying(SDK, "openai.RateLimitError as error")),
    "framework": shaped(
        FRAMEWORK,
        making="max_retries=0",
        asking=retrying(AWAITED, "openai.RateLimitError as busy", "await asyncio.sleep(2**attempt)"),
    ),
    "by hand": shaped(RAW, asking=posting("response.status_code in (429, 503)")),
}


@pytest.mark.parametrize("name", DEAF)
def test_a_retry_waits_as_long_as_it_is_asked_to(name: str, tmp_path: Path) -> None:
    declined(RetryAfter(), after_of(mended(RetryAfter(), DEAF[name], tmp_path), DEAF[name]))


@pytest.mark.parametrize(
    "text",
    [
        "import time\n\ndef poll(job):\n    while not job.done():\n        time.sleep(1)\n",
        shaped(PLAIN, asking=retrying(SDK, "openai.RateLimitError"))["shop_agent.py"],
        shaped(PLAIN, asking=retrying(SDK, "KeyError as error"))["shop_agent.py"],
    ],
    ids=["polling", "the answer is not at hand", "no answer"],
)
def test_other_pauses_are_left_alone(text: str) -> None:
    declined(RetryAfter(), text)


SHORT = {
    "sdk": shaped(PLAIN, making="timeout=2", asking=SDK),
    "framework": shaped(FRAMEWORK, head="LIMIT_S = 1.5", making="timeout=LIMIT_S", asking=AWAITED),
    "by hand": shaped(RAW, making="timeout=0.5", asking=f"{POSTED}\n{SAID}"),
    "requests": {
        "caller.py": """
import requests

URL = "http://127.0.0.1:9/v1/chat/completions"

def chat(messages, timeout_s=3):
    done = requests.post(URL, json={"messages": messages}, timeout=timeout_s)
    return done.json()["choices"][0]["message"]["content"]
"""
    },
}


@pytest.mark.parametrize("name", SHORT)
def test_an_answer_gets_the_time_that_it_takes(name: str, tmp_path: Path) -> None:
    declined(TimeLimit(), after_of(mended(TimeLimit(), SHORT[name], tmp_path), SHORT[name]))


@pytest.mark.parametrize("making", ["timeout=30", "timeout=None", "timeout=wanted()", ""])
def test_limits_that_are_long_or_not_plain_are_left_alone(making: str) -> None:
    declined(TimeLimit(), shaped(PLAIN, making=making, asking=SDK))


def test_a_short_limit_that_the_runs_contradict_is_left_alone() -> None:
    seen = failed_with("APITimeoutError", "Request timed out.", seconds=45)
    assert "ended after 45.0 s" in str(TimeLimit().apply(SHORT["sdk"], DIAGNOSIS, seen=seen))


@pytest.mark.parametrize(
    ("recipe", "key", "message"),
    [
        (TransientErrors(), "InternalServerError", ""),
        (RetryAfter(), "HTTPStatusError", "Client error '429 Too Many Requests'"),
        (TimeLimit(), "ReadTimeout", "timed out"),
    ],
)
def test_each_is_asked_about_its_own_failures_alone(recipe: Recipe, key: str, message: str) -> None:
    assert recipe.fits(mode_of("error", key), failed_with(key, message).failures)
    assert not recipe.fits(mode_of("error", "KeyError"), failed_with("KeyError", "'name'").failures)
