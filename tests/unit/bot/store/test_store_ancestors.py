"""What was decided about a failure mode holds for its parts, and for what it went into."""

from dataclasses import replace
from typing import Any

import pytest

from bot.pull_request import PullRequest
from bot.store.store import Store

Fixture = Any
TENANT = "7"


def propose(store: Store, proposal: Fixture, state: str) -> None:
    store.save_proposal(TENANT, proposal)
    pull_request = PullRequest(
        repository="acme/shop", number=1, head_branch="tracewright/x", head_sha="1", url="u", title="t"
    )
    store.save_pull_request(TENANT, pull_request, proposal_id=proposal.id)
    store.set_pull_request_state(TENANT, pull_request, state)


@pytest.mark.parametrize(("state", "inherited"), [("closed", True), ("open", False), ("merged", False)])
def test_parts_of_parts_inherit_a_refusal(
    store: Store, make_mode: Fixture, make_proposal: Fixture, state: str, *, inherited: bool
) -> None:
    part = replace(make_mode("part"), ancestors=("whole",))
    modes = [make_mode("whole"), part, replace(make_mode("small part"), ancestors=("part",)), make_mode("other")]
    store.save_modes(TENANT, modes, {})
    propose(store, make_proposal("whole"), state)
    expected = {"whole", "part", "small part"} if inherited else {"whole"}
    assert store.proposed_modes(TENANT) == expected


def test_what_a_proposed_failure_mode_went_into_is_proposed_too(
    store: Store, make_mode: Fixture, make_proposal: Fixture
) -> None:
    store.save_modes(TENANT, [make_mode("gone", n_traces=0), replace(make_mode("now"), ancestors=("gone",))], {})
    propose(store, make_proposal("gone"), "open")
    assert store.proposed_modes(TENANT) == {"gone", "now"}
