"""No tenant reads what another one keeps, by whatever method."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from bot.outcome import Decision, Outcome
from bot.pull_request import PullRequest
from bot.store.failures import failure_id
from bot.store.store import Store
from bot.store.verdicts import RecordedVerdict
from clustering.failure_mode import Status
from fixers.evidence import Verdict

Fixture = Any  # what conftest.py makes; its types cannot be imported here

OURS, THEIRS = "7", "8"

#: Every method that reads for a tenant, called with ids that the other tenant has.
READS: dict[str, Callable[[Store, dict[str, Any]], Any]] = {
    "traces_to_examine": lambda store, _: store.traces_to_examine(OURS, quiet_s=0),
    "load_traces": lambda store, _: store.load_traces(OURS, ["t1", "t2"]),
    "healthy_traces": lambda store, _: store.healthy_traces(OURS, service="support"),
    "traffic": lambda store, ids: store.traffic(OURS, since=ids["start"]),
    "traffic_of_all": lambda store, _: store.traffic_of_all(OURS).n_traces,
    "repositories": lambda store, _: store.repositories(OURS),
    "counts": lambda store, _: [number for number in store.counts(OURS) if number],
    "failures": lambda store, _: store.failures(OURS),
    "failures_of_mode": lambda store, _: store.failures_of_mode(OURS, "fm1"),
    "failure_modes": lambda store, _: store.failure_modes(OURS),
    "failure_mode": lambda store, _: store.failure_mode(OURS, "fm1"),
    "members": lambda store, _: store.members(OURS),
    "traces_of_mode": lambda store, _: store.traces_of_mode(OURS, "fm1"),
    "embedding_cache": lambda store, _: store.embedding_cache(OURS, "minilm").get_many(["text"]),
    "proposal": lambda store, ids: store.proposal(OURS, ids["proposal"]),
    "proposals_of_mode": lambda store, _: store.proposals_of_mode(OURS, "fm1"),
    "evidence_of": lambda store, ids: store.evidence_of(OURS, ids["proposal"]),
    "verdicts": lambda store, _: store.verdicts(OURS),
    "pull_requests": lambda store, _: store.pull_requests(OURS),
    "pull_requests_of_mode": lambda store, _: store.pull_requests_of_mode(OURS, "fm1"),
    "find_pull_request": lambda store, _: store.find_pull_request(OURS, "acme/shop", 1),
    "proposed_modes": lambda store, _: store.proposed_modes(OURS),
    "outcomes_of_mode": lambda store, _: store.outcomes_of_mode(OURS, "fm1"),
}
WRITES = {
    "keep_batch",
    "quarantine",
    "create_key",
    "revoke_key",
    "connect_repository",
    "save_examined",
    "save_modes",
    "set_status",
    "save_proposal",
    "save_evidence",
    "save_verdict",
    "save_pull_request",
    "set_pull_request_state",
    "record_outcome",
}


@pytest.fixture
def fill(  # noqa: PLR0917  # fixtures are given by name
    store: Store,
    dialect: Fixture,
    make_failure: Fixture,
    make_mode: Fixture,
    make_proposal: Fixture,
    make_evidence: Fixture,
    clock: Fixture,
) -> Callable[[str], dict[str, Any]]:
    def fill_tenant(tenant: str) -> dict[str, Any]:
        store.connect_repository(tenant, "acme/shop")
        store.keep_batch(tenant, dialect.batch(("t1", "a", None), ("t2", "a", None), ("t3", "a", None)))
        store.quarantine(tenant, dialect="otlp-json", body=b"{", reason="no")
        failure, proposal = make_failure(), make_proposal()
        loaded = store.load_traces(tenant, ["t1", "t2"])
        store.save_examined(tenant, loaded["t1"], [failure])
        store.save_examined(tenant, loaded["t2"], [])
        store.save_modes(tenant, [make_mode()], {"fm1": [failure_id(failure)]})
        store.embedding_cache(tenant, "minilm")["text"] = np.array([1], np.float32)
        store.save_proposal(tenant, proposal)
        store.save_evidence(tenant, make_evidence(proposal.id))
        pull_request = PullRequest(
            repository="acme/shop", number=1, head_branch="tracewright/x", head_sha="1", url="u", title="t"
        )
        store.save_pull_request(tenant, pull_request, proposal_id=proposal.id)
        store.save_verdict(
            tenant,
            RecordedVerdict(
                failure_mode_id="fm1",
                proposal_id=proposal.id,
                base_sha="0",
                n_traces=1,
                verdict=Verdict.VERIFIED,
                reason="",
                decided_at=clock.time,
            ),
        )
        store.record_outcome(
            tenant,
            Outcome(
                delivery_id="d1",
                proposal_id=proposal.id,
                decision=Decision.MERGED,
                actor="ada",
                words="",
                decided_at=clock.time,
            ),
        )
        return {"proposal": proposal.id, "start": clock.time, "pull_request": pull_request}

    return fill_tenant


def test_every_method_that_takes_a_tenant_is_walked_here() -> None:
    taking = {
        name
        for name, method in inspect.getmembers(Store, inspect.isfunction)
        if "tenant" in inspect.signature(method).parameters
    }
    assert taking == READS.keys() | WRITES


@pytest.mark.parametrize("method", READS)
def test_a_tenant_reads_nothing_of_another(store: Store, fill: Fixture, method: str) -> None:
    ids = fill(THEIRS)
    assert not READS[method](store, ids)
    fill(OURS)
    assert READS[method](store, ids), "the read finds nothing even of its own tenant"


def test_the_same_ids_of_two_tenants_live_side_by_side(store: Store, fill: Fixture) -> None:
    fill(OURS)
    ids = fill(THEIRS)
    store.set_status(OURS, "fm1", Status.RESOLVED)
    store.set_pull_request_state(OURS, ids["pull_request"], "closed")
    assert store.failure_modes(THEIRS)[0].status is Status.NEW
    assert store.pull_requests(THEIRS)[0].pull_request.state == "open"
    assert store.tenants() == [OURS, THEIRS]


def test_every_table_was_filled_for_the_walk(store: Store, fill: Fixture, engine: sa.Engine) -> None:
    fill(OURS)
    store.create_key(OURS)
    with engine.connect() as connection:
        for table in set(sa.inspect(engine).get_table_names()) - {"deliveries"}:
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar(), table
