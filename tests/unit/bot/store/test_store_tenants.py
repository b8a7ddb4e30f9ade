"""No tenant reads what another one keeps, by whatever method."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from bot.lesson import Kind, Lesson
from bot.outcome import Decision, Outcome
from bot.proof import Basis, Proof
from bot.pull_request import PullRequest
from bot.refusal import Refusal
from bot.remark import Remark
from bot.store.advice import Advised
from bot.store.failures import failure_id
from bot.store.judgements import Judged
from bot.store.prune import prune_tenant
from bot.store.repositories import Told
from bot.store.runs import Examined
from bot.store.store import Store
from bot.store.thresholds import Threshold
from bot.store.transaction import writing
from bot.store.verdicts import RecordedVerdict
from bot.store.waiting import Waiting
from clustering.constraints import Check
from clustering.failure_mode import Status
from clustering.judgement import Judgement
from clustering.judgement import Verdict as Says
from clustering.wish import Wish
from fixers.aftermath import Answer, Exposure, Score
from fixers.evidence import Verdict
from fixers.proposal import Proposal
from fixers.replay.cassette import Cassette
from webhooks.github import Delivery
from webhooks.trace import Trace

Fixture = Any  # what conftest.py makes; its types cannot be imported here

OURS, THEIRS = "7", "8"
MENDED = Cassette(trace_id="t1", service="support", input="{}", model_calls=(), tool_calls=())

#: Every method that reads for a tenant, called with ids that the other tenant has.
READS: dict[str, Callable[[Store, dict[str, Any]], Any]] = {
    "services": lambda store, _: store.services(OURS),
    "known_name": lambda store, _: store.known_name(OURS, "acme/shop"),
    "is_private": lambda store, _: store.is_private(OURS, "acme/shop"),
    "unasked_repositories": lambda store, _: store.unasked_repositories(OURS),
    "deliveries_of": lambda store, _: store.deliveries_of(OURS),
    "traces_to_examine": lambda store, _: store.traces_to_examine(OURS, quiet_s=0),
    "load_traces": lambda store, _: store.load_traces(OURS, ["t1", "t2"]),
    "healthy_traces": lambda store, _: store.healthy_traces(OURS, service="support"),
    "traffic": lambda store, ids: store.traffic(OURS, since=ids["start"]),
    "traffic_of_all": lambda store, _: store.traffic_of_all(OURS).n_traces,
    "repositories": lambda store, _: store.repositories(OURS),
    "signals": lambda store, _: store.signals(OURS),
    "count_waiting": lambda store, _: store.count_waiting(OURS),
    "keys": lambda store, _: store.keys(OURS),
    "replaced": lambda store, _: store.replaced(OURS),
    "quarantined": lambda store, _: store.quarantined(OURS, most=9),
    "counts": lambda store, _: [number for number in store.counts(OURS) if number],
    "failures": lambda store, _: store.failures(OURS),
    "failures_of_mode": lambda store, _: store.failures_of_mode(OURS, "fm1"),
    "examples": lambda store, _: store.examples(OURS, "fm2"),
    "modes_with_members": lambda store, _: store.modes_with_members(OURS),
    "failure_modes": lambda store, _: store.failure_modes(OURS),
    "growths": lambda store, _: store.growths(OURS),
    "failure_mode": lambda store, _: store.failure_mode(OURS, "fm1"),
    "undescribed": lambda store, _: store.undescribed(OURS),
    "sample": lambda store, _: store.sample(OURS),
    "services_that_failed": lambda store, _: store.services_that_failed(OURS),
    "service_owners": lambda store, _: store.service_owners(OURS),
    "wishes": lambda store, _: store.wishes(OURS),
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
    "pull_request_of_branch": lambda store, _: store.pull_request_of_branch(OURS, "acme/shop", "tracewright/x"),
    "waiting": lambda store, _: store.waiting(OURS),
    "proposed_modes": lambda store, _: store.proposed_modes(OURS),
    "refusals": lambda store, _: store.refusals(OURS),
    "unanswered_remarks": lambda store, _: store.unanswered_remarks(OURS, "tracewright/x"),
    "review_rounds": lambda store, _: store.review_rounds(OURS, "tracewright/x"),
    "notes": lambda store, _: store.notes(OURS, "tracewright/x"),
    "deployments": lambda store, _: store.deployments(OURS, "acme/shop"),
    "proofs": lambda store, _: store.proofs(OURS),
    "spent": lambda store, _: store.spent(OURS).tokens,
    "spent_on_mode": lambda store, _: store.spent_on_mode(OURS, "fm1").tokens,
    "spent_today": lambda store, _: store.spent_today(OURS).tokens,
    "mended_runs": lambda store, _: store.mended_runs(OURS, "support"),
    "releases": lambda store, _: store.releases(OURS, "support"),
    "runs": lambda store, ids: store.runs(
        OURS, service="support", failure_mode_id="fm1", since=ids["start"], boundary=ids["start"]
    ),
    "recent_measures": lambda store, _: store.recent_measures(OURS, ["i"])["i"],
    "constraint_log": lambda store, _: store.constraint_log(OURS, "t1"),
    "judged_failed": lambda store, _: store.judged_failed(OURS, ["t2"]),
    "audit_candidates": lambda store, _: store.audit_candidates(OURS, most=9),
    "audit_spent": lambda store, ids: store.audit_spent(OURS, since=ids["start"] - timedelta(days=1)).tokens,
    "audited": lambda store, _: store.audited(OURS),
    "count_unflagged": lambda store, _: store.count_unflagged(OURS),
    "found_by_judge": lambda store, _: store.found_by_judge(OURS, most=9),
    "advice": lambda store, _: store.advice(OURS, "q", "m"),
    "advice_spent": lambda store, ids: store.advice_spent(OURS, since=ids["start"] - timedelta(days=1)).tokens,
    "without_headline": lambda store, _: store.without_headline(OURS, most=9),
    "silent_failures": lambda store, _: store.silent_failures(OURS, "t1"),
    "ungrouped_headlines": lambda store, _: store.ungrouped_headlines(OURS),
    "outcomes_of_mode": lambda store, _: store.outcomes_of_mode(OURS, "fm1"),
    "answered_remarks": lambda store, _: store.answered_remarks(OURS, "tracewright/x"),
    "thresholds": lambda store, _: store.thresholds(OURS),
    "lessons": lambda store, _: store.lessons(OURS),
    "lesson_uses": lambda store, _: store.lesson_uses(OURS),
    "taken_places": lambda store, _: store.taken_places(OURS),
    "reverts": lambda store, _: store.reverts(OURS),
    "find_revert": lambda store, _: store.find_revert(OURS, "acme/shop", 1),
}
WRITES = {
    "join_responses",
    "keep_batch",
    "reindex",
    "quarantine",
    "count_replaced",
    "create_key",
    "rotate_key",
    "revoke_key",
    "connect_repository",
    "tell_repository",
    "rename_repository",
    "leave_elsewhere",
    "mark_asked",
    "install",
    "suspend",
    "uninstall",
    "forget_tenant",
    "save_examined",
    "save_all_examined",
    "keep_judged",
    "keep_advice",
    "keep_headline",
    "mark_grouped",
    "save_modes",
    "keep_described",
    "save_grouping",
    "merge_members",
    "keep_service_owners",
    "keep_wish",
    "set_status",
    "set_title",
    "save_proposal",
    "save_evidence",
    "save_verdict",
    "save_pull_request",
    "set_pull_request_state",
    "record_outcome",
    "wait",
    "ask",
    "stop_waiting",
    "revise_pull_request",
    "keep_refusal",
    "give_reason",
    "ask_again",
    "forget_refusal",
    "keep_remark",
    "mark_answered",
    "keep_note",
    "keep_deployment",
    "save_proof",
    "add_spent",
    "keep_mended_runs",
    "note_threshold",
    "learn",
    "set_lesson_state",
    "rewrite_lesson",
    "use_lessons",
    "take_place",
    "free_place",
    "keep_revert",
    "set_revert_state",
}
# As an earlier version kept it.
UNDESCRIBE = sa.text("UPDATE failures SET kind = NULL WHERE tenant = :tenant AND span_id = 'b'")


def mend(store: Store, tenant: str, proposal: Proposal, like: PullRequest) -> None:
    store.save_proposal(tenant, proposal)
    branch = replace(like, number=2, head_branch="tracewright/y", state="merged")
    store.save_pull_request(tenant, branch, proposal_id=proposal.id)
    store.keep_mended_runs(tenant, proposal.id, [MENDED])


def keep_answers(store: Store, tenant: str, trace: Trace, *, now: datetime) -> None:
    """Keep what models said of a run without failures."""
    run = Examined(intent="i", started_at=now, measures={"seconds": 1.0}, rating=-1)
    store.save_examined(tenant, trace, [], run)
    said = Judgement(verdict=Says.FAILED)
    store.keep_judged(tenant, trace.trace_id, Judged(said, was_flagged=False, model="m", tokens=7, cost_usd=0.1))
    store.keep_advice(tenant, "q", "m", Advised("Ask first.", tokens=7, cost_usd=0.1))
    store.keep_headline(tenant, trace, "Ask first.")


def fill_afterwards(store: Store, tenant: str, proposal_id: str, pull_request: PullRequest, *, now: datetime) -> None:
    """Keep what comes after a merge."""
    lesson = Lesson(
        id="l1",
        kind=Kind.WORKED,
        text="It worked.",
        repository="acme/shop",
        failure_mode_id="fm1",
        detector="error",
        key="KeyError",
        layer="prompt",
        paths=(),
        pull_request="u",
        comment="",
        author="",
        learned_at=now,
    )
    store.learn(tenant, lesson)
    store.note_threshold(tenant, Threshold("acme/shop", "shop", "autonomy", "draft", "", now))
    store.use_lessons(tenant, ["l1"], proposal_id=proposal_id)
    store.take_place(tenant, proposal_id=proposal_id, repository="acme/shop", agent="shop")
    store.keep_revert(tenant, pull_request, proposal_id=proposal_id)


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
        store.tell_repository(tenant, Told(repository="acme/shop", private=True), told_at=None)
        # A failure mode whose only trace is deleted by now.
        store.keep_batch(tenant, dialect.batch(("old", "a", None)))
        gone = make_failure(trace_id="old")
        store.save_examined(tenant, store.load_traces(tenant, ["old"])["old"], [gone])
        store.save_modes(tenant, [make_mode("fm2")], {"fm2": [failure_id(gone)]})
        prune_tenant(store.engine, tenant, clock.time + timedelta(hours=1), rest=lambda _: None)
        payload = {"installation": {"id": int(tenant)}}
        store.keep_delivery(Delivery(delivery_id=f"d{tenant}", event="push", action="", payload=payload))
        dialect.attributes["gen_ai.response.id"] = "r1"
        store.keep_batch(tenant, dialect.batch(("t1", "a", None), ("t2", "a", None), ("t3", "a", None)))
        store.keep_batch(tenant, dialect.batch(("response:r2", "a", None), ("signal:langfuse", "a", None)))
        store.create_key(tenant, label="web")
        store.count_replaced(tenant, {"jwt": 2})
        store.add_spent(tenant, "fm1", tokens=10, cost_usd=0.5)
        store.quarantine(tenant, dialect="otlp-json", body=b"{", reason="no")
        failure, proposal = make_failure(), make_proposal()
        loaded = store.load_traces(tenant, ["t1", "t2"])
        check = Check(span_id="a", constraint="rule", held=True, why="It does.")
        examined = Examined(intent="i", started_at=clock.time, measures={}, checks=[check])
        found = [failure, make_failure(span_id="b"), make_failure(detector="judge")]
        store.save_examined(tenant, loaded["t1"], found, examined)
        with writing(store.engine) as connection:
            connection.execute(UNDESCRIBE, {"tenant": tenant})
        store.keep_service_owners(tenant, {"support": "acme/shop#support"})
        store.keep_wish(tenant, Wish(kinds=("k1",), by="service"))
        keep_answers(store, tenant, loaded["t2"], now=clock.time)
        store.save_modes(tenant, [make_mode()], {"fm1": [failure_id(failure)]})
        store.embedding_cache(tenant, "minilm").update({"text": np.array([1], np.float32)})
        store.save_proposal(tenant, proposal)
        store.save_evidence(tenant, make_evidence(proposal.id))
        pull_request = PullRequest(
            repository="acme/shop", number=1, head_branch="tracewright/x", head_sha="1", url="u", title="t"
        )
        store.save_pull_request(tenant, pull_request, proposal_id=proposal.id)
        mend(store, tenant, make_proposal("fm3", after="merged"), pull_request)
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
        store.wait(
            tenant,
            Waiting(failure_mode_id="fm1", repository="acme/shop", agent="shop", base_sha="0", reason="no place"),
        )
        refusal = Refusal(
            proposal_id=proposal.id, failure_mode_id="fm1", base_sha="0", n_sessions=1, refused_at=clock.time
        )
        store.keep_refusal(tenant, refusal)
        remark = Remark(
            id="review 1",
            head_branch="tracewright/x",
            author="ada",
            words="Why?",
            path="",
            line=None,
            thread=None,
            told_at=clock.time,
        )
        store.keep_remark(tenant, remark)
        store.mark_answered(tenant, [remark], number=1)
        store.keep_remark(tenant, replace(remark, id="review 2"))
        store.keep_note(tenant, "tracewright/x", "help", "words")
        store.keep_deployment(tenant, "acme/shop", "0", succeeded_at=clock.time)
        proof = Proof(
            proposal_id=proposal.id,
            merge_sha="0",
            merged_at=clock.time,
            answer=Answer.FIXED,
            before=Exposure(),
            after=Exposure(),
            basis=Basis.MERGE,
            predicted=Score(),
        )
        store.save_proof(tenant, proof)
        fill_afterwards(store, tenant, proposal.id, pull_request, now=clock.time)
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
        for table in set(sa.inspect(engine).get_table_names()) - {"deliveries", "reindexing"}:
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar(), table


def rows_by_tenant(store: Store) -> dict[str, dict[str, int]]:
    """Count the rows of each tenant in every table that holds any of them."""
    found: dict[str, dict[str, int]] = {}
    with store.engine.connect() as connection:
        for table in sa.inspect(connection).get_table_names():
            if table != "migrations":
                rows = connection.execute(sa.text(f'SELECT tenant, count(*) FROM "{table}" GROUP BY tenant'))
                for tenant, n in rows:
                    found.setdefault(tenant, {})[table] = n
    return found


def test_a_forgotten_tenant_leaves_no_row_and_takes_none_of_another(store: Store, fill: Fixture) -> None:
    fill(OURS)
    fill(THEIRS)
    before = rows_by_tenant(store)
    store.forget_tenant(OURS)
    assert rows_by_tenant(store) == {THEIRS: before[THEIRS]}


def test_a_new_installation_of_the_same_account_finds_what_the_old_one_left(store: Store, fill: Fixture) -> None:
    ids = fill(OURS)
    key = store.create_key(OURS)
    kept = rows_by_tenant(store)[OURS]
    store.uninstall(OURS, account_id=21)
    assert (store.tenant_of(key), store.tenants()) == (None, [])
    assert store.install("9", account_id=21)
    assert rows_by_tenant(store) == {"9": kept}
    assert (store.tenant_of(key), store.tenants()) == ("9", ["9"])
    assert store.proposal("9", ids["proposal"]) is not None
    assert store.repositories("9") == []  # until GitHub says which ones there are
    store.tell_repository("9", Told(repository="acme/shop"), told_at=None)
    assert store.repositories("9") == ["acme/shop"]


def test_an_installation_of_another_account_finds_nothing(store: Store, fill: Fixture) -> None:
    fill(OURS)
    store.uninstall(OURS, account_id=21)
    assert store.install("9", account_id=22)
    assert store.install("10", account_id=None)
    assert store.traffic_of_all("9").n_traces == store.traffic_of_all("10").n_traces == 0


def test_what_was_uninstalled_long_ago_is_due(store: Store, clock: Fixture) -> None:
    store.uninstall(OURS)
    clock.advance(60)
    store.uninstall(THEIRS)
    assert store.uninstalled_before(clock.time) == [OURS]


def test_a_renamed_repository_keeps_its_pull_requests(store: Store, fill: Fixture) -> None:
    fill(OURS)
    store.rename_repository(OURS, "acme/shop", "acme/store")
    opened = store.find_pull_request(OURS, "acme/store", 1)
    assert opened is not None
    assert opened.pull_request.repository == "acme/store"
    assert store.repositories(OURS) == ["acme/store"]


def test_a_repository_is_known_by_its_number_when_its_name_changed(store: Store, clock: Fixture) -> None:
    store.tell_repository(OURS, Told(repository="acme/shop", github_id=5), told_at=clock.time)
    store.tell_repository(OURS, Told(repository="acme/store", github_id=5), told_at=clock.time)
    assert store.repositories(OURS) == ["acme/store"]
