"""All that one installation asks of GitHub goes through one client, in turn, and each request with its own token."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from github import Github
from github.Requester import HTTPRequestsConnectionClass

from bot.errors import ForgeError
from bot.forge.credentials import PUBLISH, READ
from bot.forge.github_app import GitHubApp
from tests.emulator.emulator import Emulator

N = 24


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    running = Emulator.start()
    running.push({"agent.py": "x = 1\n"})
    running.push({"agent.py": "x = 2\n"}, branch="tracewright/one")
    yield running
    running.stop()


@pytest.fixture
def app(emulator: Emulator) -> Iterator[GitHubApp]:
    made = GitHubApp(str(emulator.app_id), emulator.private_key, api_url=emulator.url, seconds_between_writes=None)
    yield made
    made.close()


def test_threads_that_speak_at_once_are_not_mixed_up(
    emulator: Emulator, app: GitHubApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = f"/repos/{emulator.repository}"
    emulator.call("POST", f"{at}/pulls", {"title": "One", "head": "tracewright/one", "base": "main"})
    forge = app.forge(emulator.repository, emulator.installation_id)
    pull = forge.find_pull_request("tracewright/one")
    assert pull is not None

    def speak(number: int) -> str:
        if number % 2:
            return str(forge.head_sha(pull))
        forge.comment_once(pull, f"m-{number}", f"Word {number}.")
        return ""

    set_request = HTTPRequestsConnectionClass.request

    def set_and_pause(*words: Any) -> None:  # noqa: ANN401 - whatever PyGithub notes
        set_request(*words)
        time.sleep(0.002)  # between PyGithub's noting of a request and its sending, as on a busy machine

    monkeypatch.setattr(HTTPRequestsConnectionClass, "request", set_and_pause)
    with ThreadPoolExecutor(8) as threads:
        read = set(threads.map(speak, range(N)))

    assert read == {"", pull.head_sha}
    said = [each["body"].split("\n")[0] for each in emulator.call("GET", f"{at}/issues/{pull.number}/comments")]
    assert sorted(said) == sorted(f"Word {number}." for number in range(0, N, 2))
    writes = [each for each in emulator.log() if each["path"].endswith("/comments") and each["method"] == "POST"]
    assert len(writes) == N // 2


def test_an_installation_has_one_client_and_each_job_a_token_of_its_own(
    emulator: Emulator, app: GitHubApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_before = len(emulator.log())
    made: list[Github] = []

    def make(**given: Any) -> Github:  # noqa: ANN401 - whatever a client is made of
        made.append(Github(**given))
        return made[-1]

    monkeypatch.setattr("bot.forge.github_client.Github", make)
    forge, other = (app.forge(name, emulator.installation_id) for name in (emulator.repository, "acme/not-installed"))

    forge.base()
    forge.find_pull_request("tracewright/one")
    with pytest.raises(ForgeError):
        other.base()

    assert len(made) == 1
    asked = [each["request"] for each in emulator.log()[n_before:] if each["path"].endswith("/access_tokens")]
    assert asked == [
        {"repositories": ["shop-agent"], "permissions": READ},
        {"repositories": ["shop-agent"], "permissions": PUBLISH},
        {"repositories": ["not-installed"], "permissions": READ},
    ]
