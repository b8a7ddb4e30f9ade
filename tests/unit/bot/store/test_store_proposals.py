"""Proposals, evidence, verdicts, pull requests and what people decided."""

from dataclasses import replace
from typing import Any

from bot.outcome import Decision, Outcome
from bot.pull_request import PullRequest
from bot.store.store import Store
from bot.store.verdicts import RecordedVerdict
from fixers.evidence import Verdict
from fixers.proposal import Proposal

Fixture = Any  # what conftest.py makes; its types cannot be imported here


def pull_request(proposal: Proposal, number: int = 12) -> PullRequest:
    return PullRequest(
        repository="Acme/shop",
        number=number,
        head_branch=f"tracewright/{proposal.id}",
        head_sha="1" * 40,
        url=f"https://github.com/Acme/shop/pull/{number}",
        title=proposal.title,
    )


def outcome(proposal: Proposal, delivery_id: str = "d1", *, at: Fixture) -> Outcome:
    return Outcome(
        delivery_id=delivery_id,
        proposal_id=proposal.id,
        decision=Decision.REFUSED,
        actor="ada",
        words="no \0",
        decided_at=at,
    )


def verdict(*, at: Fixture, **changes: Fixture) -> RecordedVerdict:
    given = {
        "failure_mode_id": "fm1",
        "proposal_id": None,
        "base_sha": "0" * 40,
        "n_traces": 3,
        "verdict": Verdict.NO_PROPOSAL,
        "reason": "No recipe fits \0.",
    }
    return RecordedVerdict(decided_at=at, **(given | changes))


def test_a_proposal_comes_back_as_it_was(store: Store, make_proposal: Fixture) -> None:
    proposal = make_proposal(after="nul \0 and surrogate \ud800")
    store.save_proposal("7", proposal)
    store.save_proposal("7", replace(proposal, tokens=5))
    assert store.proposal("7", proposal.id) == proposal
    assert store.proposals_of_mode("7", "fm1") == [proposal]
    assert store.proposal("7", "unknown") is None


def test_the_proposals_of_a_mode_are_told_apart_by_their_pull_request(
    store: Store, make_proposal: Fixture, clock: Fixture
) -> None:
    proposals = [make_proposal(after=text) for text in ("never opened", "still open", "refused")]
    for proposal in proposals:
        store.save_proposal("7", proposal)
        clock.advance(1)
    for proposal in proposals[1:]:
        store.save_pull_request("7", pull_request(proposal), proposal_id=proposal.id)
    store.set_pull_request_state("7", pull_request(proposals[2]), "closed")
    assert store.proposals_of_mode("7", "fm1") == proposals
    assert store.proposals_of_mode("7", "fm1", state="open") == [proposals[1]]
    assert store.proposals_of_mode("7", "fm1", state="closed") == [proposals[2]]


def test_evidence_comes_back_as_it_was_and_a_second_trial_replaces_it(
    store: Store, make_proposal: Fixture, make_evidence: Fixture
) -> None:
    proposal = make_proposal()
    store.save_proposal("7", proposal)
    assert store.evidence_of("7", proposal.id) is None
    store.save_evidence("7", make_evidence(proposal.id, Verdict.TOO_NOISY))
    store.save_evidence("7", make_evidence(proposal.id))
    assert store.evidence_of("7", proposal.id) == make_evidence(proposal.id)


def test_a_step_that_runs_twice_records_its_verdict_once(store: Store, clock: Fixture) -> None:
    store.save_verdict("7", verdict(at=clock.time))
    clock.advance(1)
    again = verdict(at=clock.time)
    store.save_verdict("7", again)
    clock.advance(1)
    store.save_verdict("7", verdict(at=clock.time, n_traces=9))
    assert store.verdicts("7") == {"fm1": [again, verdict(at=clock.time, n_traces=9)]}


def test_a_pull_request_is_found_by_its_number_and_by_its_failure_mode(
    store: Store, make_proposal: Fixture, clock: Fixture
) -> None:
    proposal = make_proposal()
    opened = pull_request(proposal)
    store.save_proposal("7", proposal)
    store.save_pull_request("7", opened, proposal_id=proposal.id, agent="shop")
    kept = (opened, proposal.id, "shop", clock.time)
    assert store.find_pull_request("7", "acme/Shop", 12) == kept
    assert store.pull_request_of_branch("7", "acme/Shop", opened.head_branch) == kept
    assert store.find_pull_request("7", "acme/shop", 13) is None
    assert store.pull_requests("7") == store.pull_requests_of_mode("7", "fm1") == [kept]
    assert store.proposed_modes("7") == frozenset({"fm1"})


def test_opening_a_pull_request_again_updates_it(store: Store, make_proposal: Fixture) -> None:
    proposal = make_proposal()
    store.save_proposal("7", proposal)
    for head_sha in ("1" * 40, "2" * 40):
        again = replace(pull_request(proposal), head_sha=head_sha)
        store.save_pull_request("7", again, proposal_id=proposal.id)
    assert [opened.pull_request.head_sha for opened in store.pull_requests("7")] == ["2" * 40]


def test_a_merged_pull_request_says_so(store: Store, make_proposal: Fixture) -> None:
    proposal = make_proposal()
    store.save_proposal("7", proposal)
    store.save_pull_request("7", pull_request(proposal), proposal_id=proposal.id)
    store.set_pull_request_state("7", pull_request(proposal), "merged")
    assert [opened.pull_request.state for opened in store.pull_requests_of_mode("7", "fm1")] == ["merged"]
    assert store.proposed_modes("7") == frozenset({"fm1"})


def test_an_outcome_is_recorded_once_for_each_delivery(store: Store, make_proposal: Fixture, clock: Fixture) -> None:
    proposal = make_proposal()
    store.save_proposal("7", proposal)
    refused = outcome(proposal, at=clock.time)
    assert store.record_outcome("7", refused)
    assert not store.record_outcome("7", refused)
    assert store.record_outcome("7", outcome(proposal, "d2", at=clock.time))
    assert [found.delivery_id for found in store.outcomes_of_mode("7", "fm1")] == ["d1", "d2"]
    assert store.outcomes_of_mode("7", "fm1")[0] == refused
