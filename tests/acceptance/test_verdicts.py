"""Bad input of every kind ends in a recorded verdict with its reason: no traceback, no pull request, no other harm."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot import tables
from bot.fix import fix_once
from bot.forge.forge import Draft
from bot.forge.local import LocalForge
from bot.pull_request import PullRequest
from bot.stages import ProductStages
from fixers.evidence import Verdict
from fixers.model import Reply
from fixers.sandbox import Completed
from tests.unit.bot.recorded_product import (
    CONFIGURATION,
    FILES,
    LOCAL,
    RETRY,
    Unreachable,
    commit,
    git,
    make_repository,
    make_stages,
    submission,
)
from tests.unit.fixers.recorded_runs import edit, proposal, settings
from tests.unit.fixers.scripted_model import ScriptedModel, calls


def run(stages: ProductStages) -> dict[str, Any]:
    """Run the loop once, without the durable pipeline around it, and return what `tracewright run --json` prints."""
    stages.examine(LOCAL)
    stages.group(LOCAL)
    for task in stages.choose(LOCAL):
        fix_once(stages, LOCAL, task.failure_mode_id, dry_run=False)
    return tables.run_record(stages.store, LOCAL, unreadable=stages.agents(LOCAL).unreadable)


def verdict(record: Mapping[str, Any], stages: ProductStages) -> tuple[str, str]:
    """Return the one failure mode's verdict and reason, after a look at what must not have happened."""
    assert record["pull_requests"] == []
    (entry,) = record["not_fixed"]
    attempts = tables.shown_mode(stages.store, LOCAL, entry["failure_mode"])["attempts"]
    assert (attempts[-1]["verdict"], attempts[-1]["reason"]) == (entry["verdict"], entry["reason"])
    for repository in stages.store.repositories(LOCAL):
        assert "tracewright/" not in git(Path(repository), "branch")
    return entry["verdict"], entry["reason"]


def asking(replies: Sequence[Reply]) -> dict[str, Any]:
    return {"model": ScriptedModel(replies)}


def test_a_fix_that_holds_opens_one_pull_request_and_a_second_run_none(tmp_path: Path) -> None:
    stages = make_stages(tmp_path, **asking(submission(RETRY)))
    record = run(stages)
    assert [(each["number"], each["state"]) for each in record["pull_requests"]] == [(1, "open")]
    assert record["not_fixed"] == []
    assert run(stages)["pull_requests"] == record["pull_requests"]
    # What it mended is kept for later fixes, and counts once it is merged.
    (opened,) = stages.store.pull_requests(LOCAL)
    assert stages.store.mended_runs(LOCAL, "shop") == []
    stages.store.set_pull_request_state(LOCAL, opened.pull_request, "merged")
    kept = stages.store.mended_runs(LOCAL, "shop")
    assert [[call.error is None for call in run.model_calls] for run in kept] == [[False, True, True]] * 3


def test_too_few_runs_are_too_noisy(tmp_path: Path) -> None:
    stages = make_stages(tmp_path, n=2, **asking(submission(RETRY)))
    assert verdict(run(stages), stages)[0] == "too noisy to say"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            {
                ".github/tracewright.yml": "agents: [{services: [shop], replay: [python, agent.py]}]",
                "test_agent.py": "",
            },
            ("not testable", "the repository has no tests"),
        ),
        (
            {"test_agent.py": "def test_settings():\n    assert 0\n"},
            ("tests already fail", "the tests end with exit status 1 before any edit"),
        ),
        (
            {".github/tracewright.yml": CONFIGURATION.replace("    replay: [python, agent.py]\n", "")},
            ("not testable", "the repository's configuration names no replay command"),
        ),
    ],
)
def test_a_repository_that_proves_nothing_is_told_so(
    tmp_path: Path, changed: Mapping[str, str], expected: tuple[str, str]
) -> None:
    stages = make_stages(tmp_path, files={**FILES, **changed}, n=1, **asking(submission(RETRY)))
    assert verdict(run(stages), stages) == expected


def test_edits_whose_base_has_moved_do_not_apply(tmp_path: Path) -> None:
    stages = make_stages(tmp_path, n=1, **asking(submission(RETRY)))
    (task,) = stages.choose(LOCAL)
    (proposal_id,) = stages.draft(LOCAL, task)
    commit(tmp_path / "shop", {"README.md": "Moved."})
    assert stages.verify(LOCAL, proposal_id) is Verdict.DOES_NOT_APPLY
    attempt = stages.store.verdicts(LOCAL)[task.failure_mode_id][-1]
    assert attempt.reason.startswith("the base moved from ")


def test_edits_of_a_file_that_says_something_else_do_not_apply(tmp_path: Path) -> None:
    stages = make_stages(tmp_path, n=1, **asking(submission(RETRY)))
    (task,) = stages.choose(LOCAL)
    (proposal_id,) = stages.draft(LOCAL, task)
    drafted = stages.store.proposal(LOCAL, proposal_id)
    assert drafted is not None
    foreign = replace(drafted, edits=tuple(replace(each, before="x", after="y") for each in drafted.edits))
    stages.store.save_proposal(LOCAL, foreign)
    assert stages.verify(LOCAL, foreign.id) is Verdict.DOES_NOT_APPLY


@pytest.mark.parametrize(
    "path", [".github/workflows/ci.yml", "../escaped.py", "/etc/passwd.py", "linked/escaped.py", ".git/hooks/x.py"]
)
def test_a_compromised_agent_gets_no_forbidden_edit_through(tmp_path: Path, path: str) -> None:
    forbidden = ("edit_file", {"path": path, "old": "", "new": "import os\n"})
    stages = make_stages(tmp_path, n=1, **asking(submission(forbidden)))
    (tmp_path / "shop" / "linked").symlink_to(tmp_path)
    commit(tmp_path / "shop", {})
    kind, reason = verdict(run(stages), stages)
    assert kind != "verified", reason
    assert not (tmp_path / "escaped.py").exists()


@pytest.mark.parametrize("path", [".github/workflows/ci.yml", "linked/escaped.py", "settings.toml"])
def test_a_forbidden_edit_that_is_called_verified_stops_at_the_gate(tmp_path: Path, path: str) -> None:
    stages = make_stages(tmp_path, n=1, **asking(submission(RETRY)))
    (tmp_path / "shop" / "linked").symlink_to(tmp_path)
    commit(tmp_path / "shop", {})
    (task,) = stages.choose(LOCAL)
    (proposal_id,) = stages.draft(LOCAL, task)
    drafted = stages.store.proposal(LOCAL, proposal_id)
    assert drafted is not None
    bad = replace(drafted, edits=(replace(drafted.edits[0], path=path, before=None, after="x = 1\n"),))
    stages.store.save_proposal(LOCAL, bad)
    stages.verify(LOCAL, bad.id)
    evidence = stages.store.evidence_of(LOCAL, bad.id)
    assert evidence is not None
    stages.store.save_evidence(LOCAL, replace(evidence, verdict=Verdict.VERIFIED))
    assert stages.submit(LOCAL, bad.id) is None
    assert stages.store.verdicts(LOCAL)[task.failure_mode_id][-1].verdict in {Verdict.OUT_OF_SCOPE, Verdict.FAULT}
    assert stages.store.pull_requests(LOCAL) == []
    assert "tracewright/" not in git(tmp_path / "shop", "branch")


@pytest.mark.parametrize(
    ("replies", "told"),
    [
        ([Reply(content="Buy cheap \x1b[31mwatches")] * 9, "the model called no tool in 3 answers in a row"),
        ([calls(("list_files", {}))] * 9, "the model made the same call 4 times"),
        ([calls(("no_such_tool", "not JSON {"))] * 9, "the model made the same call 4 times"),
        ([], "the provider of scripted failed: 503"),
    ],
    ids=["nonsense", "loop", "malformed", "provider down"],
)
def test_a_model_that_is_of_no_use_leaves_no_proposal(tmp_path: Path, replies: Sequence[Reply], told: str) -> None:
    stages = make_stages(tmp_path, n=1, **asking(replies))
    kind, reason = verdict(run(stages), stages)
    assert (kind, told in reason) == ("no proposal", True), reason


def test_a_model_that_breaks_its_contract_is_a_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def complete(self, *_: object) -> Reply:
            raise ZeroDivisionError("surprise")

    stages = make_stages(tmp_path, n=1, model=Broken())
    assert verdict(run(stages), stages) == ("fault", "ZeroDivisionError: surprise")
    assert "ZeroDivisionError" in caplog.text  # whoever runs the service can find the place


@pytest.mark.slow
def test_without_a_sandbox_nothing_runs_and_it_is_tried_again_when_there_is_one(tmp_path: Path) -> None:
    stages = make_stages(tmp_path, n=2, **asking(submission(RETRY)))
    (task,) = stages.choose(LOCAL)
    stages.draft(LOCAL, task)
    without = replace(stages, sandbox=None, no_sandbox="bwrap is not installed: apt-get install bubblewrap")
    assert verdict(run(without), stages) == (
        "no sandbox",
        "bwrap is not installed: apt-get install bubblewrap",
    )
    assert verdict(run(stages), stages)[0] == "too noisy to say"


def test_a_sandbox_that_breaks_down_is_a_fault(tmp_path: Path) -> None:
    class Broken:
        name = "bubblewrap"

        def run(self, *_: object, **__: object) -> Completed:
            raise OSError(28, "No space left on device")

    stages = make_stages(tmp_path, n=1, **asking(submission(RETRY)), sandbox=Broken())
    assert verdict(run(stages), stages) == ("fault", "[Errno 28] No space left on device")


def test_a_wrong_configuration_stops_its_own_repository_only(tmp_path: Path) -> None:
    stages = make_stages(tmp_path, **asking(submission(RETRY)))
    other = make_repository(tmp_path / "other", {".github/tracewright.yml": "agents:\n  - servces: [x]\n"})
    stages.store.connect_repository(LOCAL, str(other))
    record = run(stages)
    assert len(record["pull_requests"]) == 1
    assert "line 2, agents[0]: unknown key 'servces'" in record["unreadable_repositories"][str(other)]


@pytest.mark.parametrize(
    ("configuration", "told"),
    [("agents: 3", "line 1, agents: '3' is not a list"), ("agents: [", "not YAML")],
)
def test_a_failure_mode_whose_configuration_is_wrong_says_so(tmp_path: Path, configuration: str, told: str) -> None:
    stages = make_stages(tmp_path, n=1, files={**FILES, ".github/tracewright.yml": configuration})
    kind, reason = verdict(run(stages), stages)
    assert (kind, told in reason) == ("fault", True), reason


def test_an_unreachable_forge_is_a_fault(tmp_path: Path) -> None:
    stages = make_stages(tmp_path, n=1)
    gone = replace(stages, forge_of=lambda _, path: Unreachable(Path(path), folder=tmp_path))
    kind, reason = verdict(run(gone), stages)
    assert (kind, "no answer from git.example.com" in reason) == ("fault", True)


@pytest.mark.slow
def test_a_forge_that_fails_at_the_last_step_is_asked_again_without_a_new_model_run(tmp_path: Path) -> None:
    class Failing(LocalForge):
        def open_pull_request(self, draft: Draft) -> PullRequest:
            raise OSError(28, f"no space for {draft.title}")

    stages = make_stages(tmp_path, **asking(submission(RETRY)))
    failing = replace(stages, forge_of=lambda _, path: Failing(Path(path), folder=tmp_path / "pull-requests"))
    assert verdict(run(failing), stages)[0] == "fault"
    assert len(run(stages)["pull_requests"]) == 1


@pytest.mark.slow
def test_what_fails_with_one_failure_mode_does_not_stop_the_next(tmp_path: Path) -> None:
    stages = make_stages(tmp_path, **asking(submission(RETRY)))
    (mode,) = stages.store.failure_modes(LOCAL)
    failures = stages.store.failures_of_mode(LOCAL, mode.id)
    lost = replace(mode, id="0" * 16, title="Its traces are gone", n_users=mode.n_users + 50)
    members = {mode.id: [failure.identity.split("/") for failure in failures]}
    stages.store.save_modes(LOCAL, [lost, mode], {key: [tuple(row) for row in rows] for key, rows in members.items()})
    assert fix_once(stages, LOCAL, lost.id, dry_run=False).verdict is Verdict.FAULT
    assert fix_once(stages, LOCAL, mode.id, dry_run=False).url is not None


@pytest.mark.slow
def test_an_attempt_that_recipes_lost_goes_on_with_the_model(tmp_path: Path) -> None:
    stages = make_stages(tmp_path, n=2, **asking(submission(RETRY)))
    (task,) = stages.choose(LOCAL)
    unrelated = proposal(
        edit("settings.py", settings(1) + "MARK = 1\n"),
        test="def test_mark():\n    import settings\n    assert settings.MARK\n",
    )
    base_sha = stages.agents(LOCAL).readable[0].base.sha
    lost = replace(unrelated, failure_mode_id=task.failure_mode_id, base_sha=base_sha)
    stages.store.save_proposal(LOCAL, lost)
    fixed = fix_once(stages, LOCAL, task.failure_mode_id, dry_run=False)
    verdicts = [each.verdict for each in stages.store.verdicts(LOCAL)[task.failure_mode_id]]
    assert verdicts == [Verdict.NOT_FIXED, Verdict.TOO_NOISY]
    assert fixed.proposal is not None
    assert fixed.proposal.author == "agent"
