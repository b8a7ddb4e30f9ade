"""Runs that a fix mended stay, whatever becomes of their traces, and count once the fix is merged."""

from dataclasses import replace
from typing import Any

import pytest

from bot.pull_request import PullRequest
from bot.store.store import Store
from fixers.replay.cassette import NO_ANSWER, Cassette, HttpCall, ModelCall, ModelError, ToolCall, ToolError

Fixture = Any  # what conftest.py makes; its types cannot be imported here

RUN = Cassette(
    trace_id="t1",
    service="support",
    input='{"turns": ["hi \0"]}',
    model_calls=(
        ModelCall(request={"messages": []}, error=ModelError(status=NO_ANSWER, body={}), duration_ms=3.5),
        ModelCall(request={"messages": []}, response={"choices": []}),
    ),
    tool_calls=(ToolCall(name="f", arguments="{}", error=ToolError(type="E", message="no")),),
    http_calls=(HttpCall(method="GET", url="http://shop.example/", status=200, body="{}"),),
    recorded_at="2026-11-22T12:00:00+00:00",
)


@pytest.mark.parametrize("state", ["open", "closed", "merged"])
def test_only_runs_of_merged_fixes_are_tried_again(store: Store, make_proposal: Fixture, state: str) -> None:
    proposal = make_proposal()
    store.save_proposal("7", proposal)
    store.keep_mended_runs("7", proposal.id, [RUN, replace(RUN, trace_id="t2", service="other")])
    branch = PullRequest(repository="a/b", number=1, head_branch="tracewright/x", head_sha="1", url="u", title="t")
    store.save_pull_request("7", branch, proposal_id=proposal.id)
    store.set_pull_request_state("7", branch, state)
    assert store.mended_runs("7", "support") == ([RUN] if state == "merged" else [])


def test_the_latest_come_first_and_no_more_than_asked_for(store: Store, make_proposal: Fixture, clock: Fixture) -> None:
    for number in (1, 2):
        proposal = make_proposal(after=str(number))
        store.save_proposal("7", proposal)
        store.keep_mended_runs("7", proposal.id, [replace(RUN, trace_id=f"t{number}")])
        branch = PullRequest(
            repository="a/b", number=number, head_branch=f"tracewright/{number}", head_sha="1", url="u", title="t"
        )
        store.save_pull_request("7", replace(branch, state="merged"), proposal_id=proposal.id)
        clock.time += clock.time - clock.time.replace(year=clock.time.year - 1)
    assert [run.trace_id for run in store.mended_runs("7", "support")] == ["t2", "t1"]
    assert [run.trace_id for run in store.mended_runs("7", "support", limit=1)] == ["t2"]
