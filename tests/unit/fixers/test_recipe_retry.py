"""Clients that are told not to retry, and hand-rolled requests that are sent once."""

from pathlib import Path

import pytest

from fixers.recipes.retry import Retry
from fixers.recipes.retry_http import RetryHttp
from tests.unit.fixers.red_green import changed_lines, declined, fix_of, fixed_sources, red_then_green


@pytest.mark.parametrize("name", ["support_agent", "plain", "async_class"])
def test_a_client_is_told_to_retry_and_its_test_turns_green(name: str, tmp_path: Path) -> None:
    assert "RateLimitError" in red_then_green(Retry(), name, tmp_path)


@pytest.mark.parametrize("name", ["raw_httpx", "raw_requests"])
def test_a_hand_rolled_request_is_sent_again_and_its_test_turns_green(name: str, tmp_path: Path) -> None:
    assert "429" in red_then_green(RetryHttp(), name, tmp_path)


@pytest.mark.parametrize("name", ["support_agent", "plain", "async_class"])
def test_only_the_number_changes(name: str) -> None:
    assert len(changed_lines(fix_of(Retry(), name))) == 1


def test_a_constant_in_another_file_is_followed() -> None:
    assert fix_of(Retry(), "async_class").edits[0].path == "src/helpdesk/settings.py"


@pytest.mark.parametrize("name", ["support_agent", "plain", "async_class"])
def test_a_mended_client_is_left_alone(name: str) -> None:
    assert "max_retries=0" in declined(Retry(), fixed_sources(Retry(), name))


@pytest.mark.parametrize("name", ["raw_requests"])
def test_a_mended_request_is_left_alone(name: str) -> None:
    declined(RetryHttp(), fixed_sources(RetryHttp(), name))


@pytest.mark.parametrize(
    "text",
    [
        "import tenacity\nfrom openai import OpenAI\nclient = OpenAI(max_retries=0)\n",
        "from openai import OpenAI\nclient = OpenAI()\n",
        "from openai import OpenAI\nclient = OpenAI(max_retries=2)\n",
        "from openai import OpenAI\ndef f(n):\n    return OpenAI(max_retries=n)\n",
        "from other import Client\nclient = Client(max_retries=0)\n",
        "from openai import OpenAI\ndef f(\n",
    ],
)
def test_nothing_is_changed_where_retries_are_not_plainly_off(text: str) -> None:
    declined(Retry(), text)


def test_imports_are_added_once_and_in_order() -> None:
    after = fix_of(RetryHttp(), "raw_requests").edits[0].after or ""
    assert after.splitlines()[:9] == [
        '"""', "Talks to the model.", '"""', "", "import email.utils", "import os", "import random", "import time", "",
    ]  # fmt: skip
