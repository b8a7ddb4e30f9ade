"""A merged fix with which production got worse is taken back on GitHub: proposed with the numbers, merged by people."""

from datetime import datetime, timedelta

import pytest

from bot.outcome import Decision
from bot.prove import prove
from clustering.failure import Failure
from fixers.aftermath import Answer
from tests.acceptance.test_github_faults import AGENT, TENANT, World, emulator, new_store, world
from tests.unit.bot.test_submit import MODE
from webhooks.clock import utc_now
from webhooks.inbox import Batch
from webhooks.searched import rows_of
from webhooks.trace import Span, Trace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

__all__ = ["emulator", "new_store", "world"]  # fixtures
HOUR = timedelta(hours=1)


def ran(world: World, at: datetime, *, n: int, failed: int, release: str) -> list[tuple[str, str, str]]:
    """Let `n` conversations happen, of which the first fail; return the failures as members of the mode."""
    members = []
    for number in range(n):
        trace_id = f"{release}-{number}"
        resource = {"service.name": "shop", "service.version": release}
        span = Span(trace_id=trace_id, span_id="s", name="chat", start=at, end=at, resource=resource)
        trace = Trace.from_spans([span])
        world.store.keep_batch(TENANT, Batch(dialect="fake", body=trace_id.encode(), rows=rows_of(trace.spans)))
        found = [failure(trace_id, at, release)] if number < failed else []
        world.store.save_examined(TENANT, trace, found)
        members += [(each.trace_id, each.span_id, each.detector) for each in found]
    return members


def failure(trace_id: str, at: datetime, release: str) -> Failure:
    return Failure(
        trace_id=trace_id,
        span_id="s",
        detector=MODE.detector,
        key=MODE.key,
        message="m",
        reason="r",
        occurred_at=at,
        service="shop",
        release=release,
    )


def test_what_made_production_worse_is_taken_back(world: World) -> None:
    opened, means = world.opened(), world.means([])
    forge = means.forge_of(TENANT, world.emulator.repository)
    members = ran(world, utc_now() - HOUR, n=100, failed=10, release="1.0")
    n_before = len(world.emulator.deliveries())
    world.emulator.merge(opened.number)
    for delivery in world.emulator.deliveries()[n_before:]:
        world.handle(delivery)
    assert forge.read_file("agent.py", forge.base().sha) != AGENT
    members += ran(world, utc_now() + HOUR, n=100, failed=60, release="1.1")
    world.store.save_modes(TENANT, [MODE], {MODE.id: members})

    for _ in range(2):  # a repeated step
        prove(world.store, TENANT, means.forge_of, now=utc_now() + 2 * HOUR, shown=means.discretions.of(TENANT))

    (proof,) = world.store.proofs(TENANT).values()
    assert proof.answer is Answer.WORSE
    (revert,) = [
        pull for pull in world.emulator.pulls() if pull["head"]["ref"] == f"tracewright/revert-{proof.proposal_id}"
    ]
    assert (revert["draft"], revert["user"]["type"]) == (True, "Bot")
    assert "| 10 of 100 (" in revert["body"]
    assert "| 60 of 100 (" in revert["body"]
    assert f"#{opened.number}" in revert["body"] or opened.url in revert["body"]
    said = [comment for comment in world.comments(opened.number) if "take it back" in comment]
    assert len(said) == 1
    assert revert["html_url"] in said[0] or f"#{revert['number']}" in said[0]

    n_before = len(world.emulator.deliveries())
    world.emulator.merge(revert["number"])
    for delivery in world.emulator.deliveries()[n_before:]:
        world.handle(delivery)
    prove(world.store, TENANT, means.forge_of, now=utc_now() + 3 * HOUR, shown=means.discretions.of(TENANT))
    assert forge.read_file("agent.py", forge.base().sha) == AGENT
    decisions = [outcome.decision for outcome in world.store.outcomes_of_mode(TENANT, MODE.id)]
    assert decisions.count(Decision.REVERTED) == 1
