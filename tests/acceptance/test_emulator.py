"""What the stories need of the emulator beside what the forge's own tests show; GitHub's schemas are the judge."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bot.forge.credentials import READ
from bot.forge.github_app import GitHubApp
from tests.emulator import contract
from tests.emulator.emulator import Emulator

ROOT = Path(__file__).parents[2]
STARTER = """
import signal
from tests.emulator.emulator import Emulator
print(Emulator.start().process.pid, flush=True)
signal.pause()
"""
WHO = {f"GIT_{role}_{key}": "ada@example.com" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
MANIFEST = {
    "name": "an-app",
    "url": "https://app.example.com",
    "hook_attributes": {"url": "https://app.example.com/hook", "active": False},
    "redirect_url": "https://app.example.com/back?kept=1",
    "default_permissions": {"metadata": "read", "pull_requests": "write"},
    "default_events": ["pull_request"],
}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    running = Emulator.start()
    running.push({"agent.py": "x = 1\n", "prompts/system.md": "Be kind.\n"})
    yield running
    running.stop()


def git(folder: Path, *words: str) -> str:
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", **WHO}
    ran = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, env=environment, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_it_ends_with_the_process_that_started_it() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTER], cwd=ROOT, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        emulator = os.pidfd_open(int(starter.stdout.readline()))
        starter.send_signal(signal.SIGKILL)
    ended, _, _ = select.select([emulator], [], [], 10)
    os.close(emulator)
    assert ended


def test_git_clones_what_the_api_made_and_the_api_sees_what_git_pushed(emulator: Emulator, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", emulator.clone_url(), "clone")
    clone = tmp_path / "clone"
    git(clone, "fsck", "--strict")
    git(clone, "checkout", "-q", "-b", "by-hand")
    for text in ("y = 2\n", "y = 3\n"):
        (clone / "agent.py").write_text(text)
        git(clone, "commit", "-q", "-am", "Change it\n\nBy hand.")
        git(clone, "push", "-q", "origin", "by-hand")
        at = f"/repos/{emulator.repository}"
        if text == "y = 2\n":
            pull = emulator.call("POST", f"{at}/pulls", {"title": "By hand", "head": "by-hand", "base": "main"})
    head = git(clone, "rev-parse", "HEAD").strip()
    assert emulator.call("GET", f"{at}/pulls/{pull['number']}")["head"]["sha"] == head
    assert [each["action"] for each in emulator.deliveries("pull_request")] == ["opened", "synchronize"]
    git(clone, "push", "-q", "origin", "--delete", "by-hand")
    assert emulator.client.get(f"{at}/git/ref/heads/by-hand").status_code == 404


def test_git_is_refused_to_those_who_may_not(emulator: Emulator, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", emulator.clone_url(), "clone")
    app = GitHubApp(str(emulator.app_id), emulator.private_key, api_url=emulator.url)
    reading = app._token(emulator.repository, emulator.installation_id, READ).value()
    for token, words in (("ghp_unknown", "Authentication failed"), (reading, "403")):
        with pytest.raises(AssertionError, match=words):
            git(tmp_path / "clone", "push", "-q", emulator.clone_url(token), "HEAD:refs/heads/theirs")
    app.close()


def test_a_manifest_becomes_an_app_once_and_asks_for_no_event_without_its_permission(emulator: Emulator) -> None:
    def send(**changes: object) -> httpx.Response:
        form = {"manifest": json.dumps(MANIFEST | changes)}
        return emulator.client.post("/organizations/acme/settings/apps/new", params={"state": "s t"}, data=form)

    assert send(default_events=["deployment_status"]).text == "Default events unsupported: deployment_status"
    back = httpx.URL(send().headers["location"])
    assert (back.host, back.params["kept"], back.params["state"]) == ("app.example.com", "1", "s t")
    path = f"/app-manifests/{back.params['code']}/conversions"
    app = emulator.client.post(path).json()
    assert (app["owner"]["login"], app["permissions"]) == ("acme", MANIFEST["default_permissions"])
    assert emulator.client.post(path).status_code == 404
    assert emulator.client.post("/settings/apps/new", data={"manifest": json.dumps(MANIFEST)}).status_code == 422


def test_what_has_not_changed_is_not_sent_again(emulator: Emulator) -> None:
    path = f"/repos/{emulator.repository}"
    tag = {"if-none-match": emulator.client.get(path).headers["etag"]}
    assert (emulator.client.get(path, headers=tag).status_code, emulator.client.get(f"{path}/pulls").status_code) == (
        304,
        200,
    )
    emulator.call("PATCH", path, {"description": "Another one"})
    assert emulator.client.get(path, headers=tag).status_code == 200


def test_what_people_do_is_told_as_github_tells_it(emulator: Emulator) -> None:
    other = emulator.install(emulator.app_id, "acme/not-installed")
    emulator.select(other, added=[emulator.repository])
    emulator.select(other, removed=[emulator.repository])
    emulator.uninstall(other)
    emulator.deploy("main")
    emulator.rename("shop")
    assert emulator.client.get("/repos/acme/shop-agent").status_code == 301
    told = contract.deviations_of_deliveries(emulator.deliveries())
    assert told.keys() >= {
        "installation$created",
        "installation$deleted",
        "installation_repositories$added",
        "installation_repositories$removed",
        "deployment_status$created",
        "repository$renamed",
    }
    assert not any(told.values()), told
    answers = contract.deviations_of_answers(emulator.log())
    assert not any(answers.values()), answers
