"""Which verified fixes go out, which wait, and which are not needed any more."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bot.forge.local import LocalForge
from bot.opening import Opening
from bot.pull_request import PullRequest
from bot.queue import UNASKED
from bot.stages import ProductStages
from fixers.evidence import Evidence, Verdict
from fixers.proposal import Proposal
from tests.unit.bot.recorded_product import CONFIGURATION, FILES, LOCAL, commit, git, make_stages
from tests.unit.fixers.recorded_runs import edit, proposal, settings


def stages_with(folder: Path, *, autonomy: str = "draft", n: int = 5, **manners: int | bool) -> ProductStages:
    """Return the stages over an agent with one flaw, and a fix of it that was drafted."""
    text = f"{CONFIGURATION}    autonomy: {autonomy}\npull_requests: {json.dumps(manners)}\n"
    stages = make_stages(folder, files={**FILES, ".github/tracewright.yml": text}, n=n)
    (mode,) = stages.store.failure_modes(LOCAL)
    stages.store.save_proposal(LOCAL, for_mode(stages, mode.id))
    return stages


def for_mode(stages: ProductStages, mode_id: str, *, attempts: int = 2) -> Proposal:
    (agent,) = stages.agents(LOCAL).readable
    fix = proposal(edit("settings.py", settings(attempts)))
    return replace(fix, failure_mode_id=mode_id, base_sha=agent.base.sha)


def run(stages: ProductStages) -> list[str]:
    """Run the loop once, each trial a success; return the addresses of what was opened."""
    urls = []
    for task in stages.choose(LOCAL):
        for proposal_id in stages.draft(LOCAL, task):
            hold(stages, proposal_id)
            urls.append(stages.submit(LOCAL, proposal_id))
    return [url for url in urls if url]


def hold(stages: ProductStages, proposal_id: str) -> None:
    """Record that the fix holds, as a trial would."""
    kept = stages.store.proposal(LOCAL, proposal_id)
    assert kept is not None
    evidence = Evidence(proposal_id=proposal_id, verdict=Verdict.VERIFIED, reason="It holds.", isolation="none")
    stages.ledger.settle(LOCAL, stages.store.failure_modes(LOCAL)[0], kept, evidence)


def occupy(stages: ProductStages, *, attempts: int = 7) -> None:
    """Let the pull request of another failure mode, which is not in the store, take a place."""
    other = for_mode(stages, "another", attempts=attempts)
    stages.store.save_proposal(LOCAL, other)
    hold(stages, other.id)
    (mode,) = stages.store.failure_modes(LOCAL)
    assert Opening(ledger=stages.ledger).open(LOCAL, mode, other, asked=True)


def last_verdict(stages: ProductStages) -> tuple[Verdict, str]:
    (recorded,) = stages.store.verdicts(LOCAL).values()
    return recorded[-1].verdict, recorded[-1].reason


def comments(folder: Path) -> Mapping[str, str]:
    return dict(json.loads((folder / "pull-requests" / "1.json").read_text())["comments"])


def test_a_verified_fix_without_a_place_waits_until_somebody_asks_for_it(tmp_path: Path) -> None:
    stages = stages_with(tmp_path)
    occupy(stages)
    assert run(stages) == []
    (waiting,) = stages.store.waiting(LOCAL)
    assert waiting.reason == "1 of at most 1 pull requests are open for the agent 'shop'"
    assert stages.choose(LOCAL) == []  # and it is not tried over and over
    assert stages.store.ask(LOCAL, waiting.failure_mode_id)
    assert len(run(stages)) == 1
    assert stages.store.waiting(LOCAL) == []


def test_a_verified_fix_goes_out_when_a_place_is_free(tmp_path: Path) -> None:
    stages = stages_with(tmp_path)
    occupy(stages)
    assert run(stages) == []
    (first,) = stages.store.pull_requests(LOCAL)
    stages.store.set_pull_request_state(LOCAL, first.pull_request, "closed")
    assert len(run(stages)) == 1


def test_who_owns_the_files_is_asked_when_the_agent_has_earned_it(tmp_path: Path) -> None:
    asked: list[str] = []

    class Asking(LocalForge):
        def request_reviews(self, _: PullRequest, logins: Sequence[str]) -> None:
            asked.extend(logins)

    stages = stages_with(tmp_path, autonomy="ready", open_per_agent=9, open_per_repository=9, new_per_day=9)
    for attempts in range(3, 8):
        occupy(stages, attempts=attempts)
    for opened in stages.store.pull_requests(LOCAL):
        stages.store.set_pull_request_state(LOCAL, opened.pull_request, "merged")
    assert asked == []
    commit(tmp_path / "shop", {"CODEOWNERS": "* @ada @grace @edsger\n"})
    (mode,) = stages.store.failure_modes(LOCAL)
    stages.store.save_proposal(LOCAL, for_mode(stages, mode.id))
    asking = Asking(tmp_path / "shop", folder=tmp_path / "pull-requests")
    run(replace(stages, forge_of=lambda *_: asking))
    assert asked == ["ada", "grace"]
    record = json.loads((tmp_path / "pull-requests" / "6.json").read_text())
    assert record["draft"] is False


def test_where_only_findings_are_wanted_a_fix_is_drafted_on_request(tmp_path: Path) -> None:
    stages = stages_with(tmp_path, autonomy="issue")
    assert run(stages) == []
    (waiting,) = stages.store.waiting(LOCAL)
    assert (waiting.base_sha, waiting.reason) == ("", UNASKED)
    assert stages.store.verdicts(LOCAL) == {}
    stages.store.ask(LOCAL, waiting.failure_mode_id)
    assert len(run(stages)) == 1


def test_the_same_fix_for_another_failure_mode_is_noted_on_the_first(tmp_path: Path) -> None:
    stages = stages_with(tmp_path, open_per_agent=9)
    occupy(stages, attempts=2)
    assert run(stages) == []
    verdict, reason = last_verdict(stages)
    assert verdict is Verdict.DUPLICATE
    assert reason.startswith("the same fix is in ")
    (told,) = comments(tmp_path).values()
    assert "The same change would mend another failure mode" in told


def test_a_fix_that_was_refused_elsewhere_is_not_offered_again(tmp_path: Path) -> None:
    stages = stages_with(tmp_path, open_per_agent=9)
    occupy(stages, attempts=2)
    (first,) = stages.store.pull_requests(LOCAL)
    stages.store.set_pull_request_state(LOCAL, first.pull_request, "closed")
    assert run(stages) == []
    assert last_verdict(stages)[1].endswith("(closed)")
    assert comments(tmp_path) == {}


def test_a_waiting_fix_is_tried_again_on_the_new_base_without_being_drafted_anew(tmp_path: Path) -> None:
    stages = stages_with(tmp_path)
    occupy(stages)
    assert run(stages) == []
    commit(tmp_path / "shop", {"README.md": "New.\n"})
    (waiting,) = stages.store.waiting(LOCAL)
    stages.store.ask(LOCAL, waiting.failure_mode_id)
    (url,) = run(stages)  # there is no model that could draft it
    opened = stages.store.pull_requests(LOCAL)[-1]
    carried = stages.store.proposal(LOCAL, opened.proposal_id)
    assert carried is not None
    assert (opened.pull_request.url, carried.base_sha) == (url, git(tmp_path / "shop", "rev-parse", "HEAD").strip())


def test_a_fix_that_somebody_pushed_meanwhile_is_not_opened(tmp_path: Path) -> None:
    stages = stages_with(tmp_path)
    (task,) = stages.choose(LOCAL)
    (proposal_id,) = stages.draft(LOCAL, task)
    hold(stages, proposal_id)
    commit(tmp_path / "shop", {"settings.py": settings(2)})
    assert stages.submit(LOCAL, proposal_id) is None
    assert last_verdict(stages)[0] is Verdict.DUPLICATE
    assert "the fix is on main since" in last_verdict(stages)[1]
