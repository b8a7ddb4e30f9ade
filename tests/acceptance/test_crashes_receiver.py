"""`kill -9` of the receiver while tracers and GitHub send: what was accepted is kept once, and handled once."""

import json
import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bot.assemble import LOCAL
from bot.pull_request import PullRequest
from bot.store.engine import open_engine
from bot.store.store import Store
from fixers.diagnosis import Diagnosis, Layer
from fixers.proposal import Edit, Proposal
from tests.acceptance.crash_clients import REPOSITORY, TENANT, Accepted, Client, Server, pause
from tests.acceptance.installation import POSTGRES, Installation, databases
from webhooks.clock import utc_now
from webhooks.dialects import search
from webhooks.inbox import Batch

# On each of the two databases. A hundred each take ten minutes: TRACEWRIGHT_TEST_KILLS=100.
N_KILLS = int(os.environ.get("TRACEWRIGHT_TEST_KILLS", "10"))
N_CLIENTS = 2
PATIENCE_S = 120.0
N_OLD_BATCHES = 40
N_REQUESTS = 20


@pytest.fixture(params=["sqlite", "postgres"])
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    if request.param == "sqlite":
        yield Installation(folder=tmp_path)
        return
    if not POSTGRES:
        pytest.skip("TRACEWRIGHT_TEST_POSTGRES is not set")
    with databases() as new_database:
        yield Installation(folder=tmp_path, database_url=new_database())


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_what_a_killed_receiver_accepted_is_kept_once_and_handled_once(installation: Installation) -> None:
    key = _prepare(installation)
    accepted = Accepted()

    with _server(installation) as server, _clients(server, key, accepted):
        _kill_at_random(server, accepted, seed=7)
    with _server(installation):
        _wait_until_handled(installation)

    seen = f"{len(accepted)} requests accepted, {accepted.n_repeats} sent twice, {accepted.n_retries} retries"
    sys.stdout.write(f"{server.n_kills} kills, {seen}\n")
    assert server.n_kills == N_KILLS + 1
    assert _kept_spans(installation) == accepted.spans
    assert installation.rows("SELECT count(*), sum(n_spans) FROM (SELECT n_spans FROM traces) AS kept")[0][1] == len(
        accepted.spans
    )
    assert _recorded(installation) == sorted(accepted.deliveries.items())
    assert set(installation.work()) == {f"watch-{delivery_id}" for delivery_id in accepted.deliveries}
    assert set(installation.work().values()) == {"SUCCESS"}
    assert installation.is_intact()


@pytest.mark.slow
def test_a_server_deletes_what_is_old_and_nothing_of_what_comes_meanwhile(installation: Installation) -> None:
    key = _prepare(installation)
    _keep_old(installation)
    accepted = Accepted()

    with _server(installation) as server, _clients(server, key, accepted):
        _wait_until_gone(installation, accepted)

    assert _kept_spans(installation) == accepted.spans
    assert installation.is_intact()


def _keep_old(installation: Installation) -> None:
    """Keep many traces that came when nobody deleted any, longer ago than traces are kept."""
    store = Store(open_engine(installation.job.settings.engine_url), now=lambda: utc_now() - timedelta(days=60))
    for batch in range(N_OLD_BATCHES):
        spans = [
            {
                "traceId": f"{batch + 1:030x}{n:02x}",
                "spanId": f"{n + 1:016x}",
                "startTimeUnixNano": "1780000000000000000",
            }
            for n in range(100)
        ]
        body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()
        store.keep_batch(LOCAL, Batch(dialect="otlp-json", body=body, rows=search("otlp-json", body)))
    store.close()


def _wait_until_gone(installation: Installation, accepted: Accepted) -> None:
    """Wait until nothing old is left, and clients were served before and after."""
    deadline = time.monotonic() + PATIENCE_S
    # Clients send protobuf.
    left = "SELECT count(*) FROM batches WHERE dialect = 'otlp-json'"
    while (n_left := installation.rows(left)[0][0]) or len(accepted) < N_REQUESTS:
        assert time.monotonic() < deadline, f"{n_left} old batches are left, {len(accepted)} requests were accepted"
        pause(0.05)


def _prepare(installation: Installation) -> str:
    """Keep five pull requests that reviews can be about, and return an ingestion key."""
    installation.job.data.mkdir()
    with installation.store() as store:
        store.connect_repository(TENANT, REPOSITORY)
        for number in range(1, 6):
            _keep_pull_request(store, number)
        return store.create_key(LOCAL)


def _keep_pull_request(store: Store, number: int) -> None:
    mode_id = f"{number:016x}"
    proposal = Proposal(
        failure_mode_id=mode_id,
        base_sha="0" * 40,
        diagnosis=Diagnosis(failure_mode_id=mode_id, cause="", layer=Layer.LIFECYCLE, location=None, quotes=()),
        author="recipe:retry",
        title="Retry",
        rationale="",
        edits=(Edit(path="agent.py", before="old", after="new"),),
        regression_test="",
        risk="",
    )
    branch = f"tracewright/{proposal.id}"
    pull_request = PullRequest(
        repository=REPOSITORY, number=number, head_branch=branch, head_sha="1" * 40, url="", title="", state="open"
    )
    store.save_proposal(TENANT, proposal)
    store.save_pull_request(TENANT, pull_request, proposal_id=proposal.id)


def _kill_at_random(server: Server, accepted: Accepted, *, seed: int) -> None:
    """Kill and restart; each life ends at a moment of its own, after it accepted something."""
    moments = random.Random(seed)
    for _ in range(N_KILLS):
        wanted = len(accepted) + moments.randint(1, 20)
        deadline = time.monotonic() + PATIENCE_S
        while len(accepted) < wanted:
            assert time.monotonic() < deadline, f"{wanted - len(accepted)} requests are not accepted"
            pause(0.005)
        pause(moments.uniform(0, 0.02))
        server.kill()
        server.start()


def _wait_until_handled(installation: Installation) -> None:
    deadline = time.monotonic() + PATIENCE_S
    with installation.store() as store:
        while unhandled := store.unhandled_deliveries():
            assert time.monotonic() < deadline, f"not handled: {unhandled}"
            pause(0.1)
    # The delivery is marked inside of the step; its workflow ends a moment later.
    while set(installation.work().values()) != {"SUCCESS"} and time.monotonic() < deadline:
        pause(0.1)


def _kept_spans(installation: Installation) -> dict[tuple[str, str], int]:
    """Return the number in each kept span; a span that is kept twice fails."""
    with installation.store() as store:
        ids = [row[0] for row in installation.rows("SELECT trace_id FROM traces")]
        spans = [span for trace in store.load_traces(LOCAL, ids).values() for span in trace.spans]
    kept = {(span.trace_id, span.span_id): int(str(span.attributes["nonce"])) for span in spans}
    assert len(kept) == len(spans)
    return kept


def _recorded(installation: Installation) -> list[tuple[str, str]]:
    """Return the delivery and the words of every outcome."""
    with installation.store() as store:
        modes = [f"{number:016x}" for number in range(1, 6)]
        outcomes = [outcome for mode in modes for outcome in store.outcomes_of_mode(TENANT, mode)]
    return sorted((outcome.delivery_id, outcome.words) for outcome in outcomes)


@contextmanager
def _server(installation: Installation) -> Iterator[Server]:
    server = Server(installation.job.settings, log=installation.folder / "server.log")
    try:
        server.start()
        yield server
    finally:
        server.close()


@contextmanager
def _clients(server: Server, key: str, accepted: Accepted) -> Iterator[None]:
    clients = [Client(server.url, key=key, seed=seed, accepted=accepted) for seed in range(N_CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield
    finally:
        for client in clients:
            client.stop()
    assert [client.error for client in clients] == [None] * N_CLIENTS
