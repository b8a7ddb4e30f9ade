"""`kill -9` at every boundary of the loop: nothing is lost, and no pull request is opened twice.

Run with `-m slow -s` for the figures, and with TRACEWRIGHT_TEST_EVERY_BOUNDARY=1 for all of it: else one boundary of
each kind kills, and a quarter of the others, and no fix is tried in the sandbox.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from bot.checks import NAME
from examples import traffic
from examples.shop_provider.server import serve
from tests.acceptance.installation import POSTGRES, Installation, databases

GIVEN_UP = "MAX_RECOVERY_ATTEMPTS_EXCEEDED"
EVERY = 1 if os.environ.get("TRACEWRIGHT_TEST_EVERY_BOUNDARY") else 4
MANY = 40 if EVERY == 1 else 25
Make = Callable[..., Installation]


@pytest.fixture
def make_installation(tmp_path: Path) -> Make:
    return lambda name: Installation(folder=tmp_path / name)


@pytest.fixture
def make_on_postgres(tmp_path: Path) -> Iterator[Make]:
    if not POSTGRES:
        pytest.skip("TRACEWRIGHT_TEST_POSTGRES is not set")
    with databases() as new_database:
        yield lambda name: Installation(folder=tmp_path / name, database_url=new_database())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_loop_on_postgres_survives_every_kind_of_boundary(make_on_postgres: Make) -> None:
    seen = _compare(make_on_postgres, n_conversations=12, kinds=None)

    assert len(seen["deaths"]) >= MANY


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_loop_killed_at_every_boundary_ends_as_the_uninterrupted_one(make_installation: Make, tmp_path: Path) -> None:
    bodies = _bodies(96)
    quiet, shaken = make_installation("quiet"), make_installation("shaken")
    quiet.set_up(bodies)
    shaken.set_up(bodies)
    evidence = _tried(quiet, tmp_path / "evidence.json")

    seen = shaken.live(real_encoder=True, evidence=evidence, every=EVERY)

    _show(seen)
    assert len(seen["deaths"]) >= MANY
    assert len(quiet.left_behind()["pull requests"]) >= 5
    _assert_same(shaken, quiet)
    # Torch costs every restart seconds: only what embeds new texts may load it.
    assert {death["boundary"] for death in seen["deaths"] if death["torch"]} <= {"kept-modes ", "after-group "}


def _tried(quiet: Installation, file: Path) -> Path | None:
    """Run the loop without kills and return its evidence; None where every fix counts as one that holds, in CI."""
    if EVERY > 1:  # the trials take a minute and a half, and are the same in every other proof of the loop
        quiet.live(kinds=[], real_encoder=True)
        return None
    with serve() as provider:
        quiet.live(kinds=[], real_encoder=True, provider_url=provider.base_url)
    quiet.save_evidence(file)
    return file


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_merge_that_no_delivery_told_of_is_an_outcome_whenever_the_process_dies(make_installation: Make) -> None:
    installation = make_installation("merged")
    installation.set_up(_bodies(8))
    installation.live(kinds=[])
    merged = installation.records()[0]["head_branch"]
    installation.git("update-ref", "refs/heads/main", f"refs/heads/{merged}")

    seen = installation.live(kinds=["kept-outcome", "kept-state"])

    assert len(seen["deaths"]) == 2
    assert [decision for _, decision in installation.left_behind()["outcomes"]] == ["merged"]


def _compare(make: Make, *, n_conversations: int, kinds: tuple[str, ...] | None) -> dict[str, Any]:
    """Run the loop on the same traces without kills and with them, and compare what is left."""
    bodies = _bodies(n_conversations)
    quiet, shaken = make("quiet"), make("shaken")
    quiet.set_up(bodies)
    shaken.set_up(bodies)

    quiet.live(kinds=[])
    seen = shaken.live(kinds=kinds, every=EVERY)

    _show(seen)
    if kinds:
        assert len(seen["deaths"]) == len(kinds)
    assert quiet.left_behind()["pull requests"]
    _assert_same(shaken, quiet)
    return seen


def _assert_same(shaken: Installation, quiet: Installation) -> None:
    left, expected = shaken.left_behind(), quiet.left_behind()
    for what, value in expected.items():
        assert left[what] == value, what
    opened = [branch for branch, _ in left["pull requests"]]
    assert (left["records"], left["numbers"]) == (opened, [*range(1, len(opened) + 1)])
    assert left["branches"] == sorted([*opened, "main"])
    assert left["checks"] == {branch: [NAME] for branch in opened}
    # DBOS gives a workflow up after 100 recoveries; the next run does what is left of it.
    unfinished = {workflow for workflow, state in shaken.work().items() if state != "SUCCESS"}
    assert unfinished <= {workflow for workflow, state in shaken.work().items() if state == GIVEN_UP}
    assert all(workflow.startswith("run-") for workflow in unfinished)
    assert shaken.is_intact()


def _show(seen: dict[str, Any]) -> None:
    """Print the figures; pytest shows them with -s, and when the test fails."""
    n_kills, lives = len(seen["deaths"]), seen["lives_s"]
    sys.stdout.write(f"{n_kills} kills, {sum(lives):.0f} s, a life {median(lives):.2f} s, at most {max(lives):.2f} s\n")


def _bodies(n_conversations: int) -> list[bytes]:
    """Return what the support agent's tracer exports while it talks to customers, request by request."""
    bodies: list[bytes] = []

    class Sink(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serve() as provider, ThreadingHTTPServer(("127.0.0.1", 0), Sink) as sink:
        thread = threading.Thread(target=sink.serve_forever, args=(0.05,))
        thread.start()
        visits = traffic.conversations(n_conversations)
        endpoint = f"http://127.0.0.1:{sink.server_port}"
        traffic.run(visits, base_url=provider.base_url, otlp_endpoint=endpoint, key="any")
        sink.shutdown()
        thread.join()
    return bodies
