import os
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.harness_flaws.flaw import FLAWS, HARNESSES, Flaw, all_flaws, check_out
from benchmarks.harness_flaws.judging import OWN_TESTS, PLAIN, TIMEOUT_S, hidden_test_passes, judge
from benchmarks.harness_flaws.provider import disorder
from benchmarks.harness_flaws.recording import Recorder
from benchmarks.harness_flaws.traffic import N_FAILING, serve, visits_of
from fixers.model import Reply
from fixers.sandbox import Sandbox, find_sandbox
from tests.recorded_model import RecordedModel
from webhooks.messages import ToolCall

QUICK = {"greenhouse-strict-answers", "greenhouse-stale-beds"}
ONE_EACH = list({flaw.harness: flaw for flaw in all_flaws()}.values())
# All thirty take minutes: on demand, when a harness, a flaw or a hidden test has changed.
TRIED = (
    all_flaws()
    if os.environ.get("TRACEWRIGHT_TEST_ALL_FLAWS")
    else [flaw for flaw in all_flaws() if flaw.id in QUICK or flaw in ONE_EACH]
)
ALL = [pytest.param(flaw, id=flaw.id, marks=() if flaw.id in QUICK else pytest.mark.slow) for flaw in TRIED]


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return find_sandbox()


def test_there_are_flaws_of_many_kinds_and_a_third_of_them_are_silent() -> None:
    flaws = all_flaws()
    assert len(flaws) >= 24
    assert len({flaw.kind for flaw in flaws}) >= 8
    assert sum(flaw.silent for flaw in flaws) * 3 >= len(flaws)
    assert len(Counter(flaw.harness for flaw in flaws)) == 4


def test_one_harness_is_a_package_of_more_than_3000_lines() -> None:
    code = (HARNESSES / "fleetdesk" / "src").rglob("*.py")
    assert sum(len(path.read_text().splitlines()) for path in code) > 3_000


@pytest.mark.parametrize("flaw", all_flaws(), ids=lambda flaw: flaw.id)
def test_a_manifest_points_into_what_its_patch_changes(flaw: Flaw, tmp_path: Path) -> None:
    clean = HARNESSES / flaw.harness / flaw.file
    flawed = check_out(flaw.harness, tmp_path / "flawed", flaw=flaw) / flaw.file
    first, last = flaw.lines
    assert 1 <= first <= last <= len(flawed.read_text().splitlines())
    assert flawed.read_text() != clean.read_text()
    assert set(flaw.fails) <= set(flaw.domain.kinds)
    assert all((HARNESSES / flaw.harness / path).exists() for path in flaw.also)


def test_every_flaw_has_its_folder_and_every_harness_its_healthy_visits() -> None:
    assert {path.stem for path in (FLAWS / "healthy").glob("*.py")} == {
        f"test_{path.name}" for path in HARNESSES.iterdir()
    }
    assert all(flaw.hidden_test.exists() for flaw in all_flaws())


@pytest.mark.timeout(600)
@pytest.mark.parametrize("flaw", ALL)
def test_the_hidden_test_is_red_with_the_flaw_alone(flaw: Flaw, tmp_path: Path, sandbox: Sandbox) -> None:
    flawed = check_out(flaw.harness, tmp_path / "flawed", flaw=flaw)
    assert not hidden_test_passes(flaw, flawed, sandbox=sandbox)
    assert hidden_test_passes(flaw, check_out(flaw.harness, tmp_path / "clean"), sandbox=sandbox)


@pytest.mark.slow  # one of each harness: for the others, the bench itself ends as "tests already fail"
@pytest.mark.timeout(600)
@pytest.mark.parametrize("flaw", ONE_EACH, ids=lambda flaw: flaw.id)
def test_the_own_tests_of_a_harness_do_not_see_its_flaw(flaw: Flaw, tmp_path: Path, sandbox: Sandbox) -> None:
    flawed = check_out(flaw.harness, tmp_path / "flawed", flaw=flaw)
    own = sandbox.run(OWN_TESTS, cwd=flawed, env=PLAIN, timeout_s=TIMEOUT_S)
    assert own.exit_status == 0, own.stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("flaw", ONE_EACH, ids=lambda flaw: flaw.harness)
def test_a_clean_harness_passes_everything(flaw: Flaw, tmp_path: Path, sandbox: Sandbox) -> None:
    found = judge(flaw, check_out(flaw.harness, tmp_path / "clean"), sandbox=sandbox)
    assert found.hidden_passes, found.output
    assert not found.regresses, found.output


def test_the_flawed_harness_fails_its_visits_and_exports_what_happened(tmp_path: Path) -> None:
    (flaw,) = [each for each in all_flaws() if each.id == "greenhouse-strict-answers"]
    checkout = check_out(flaw.harness, tmp_path / "flawed", flaw=flaw)
    answered, traces = serve(flaw, checkout, visits_of(flaw), folder=tmp_path)
    assert sum(not each.is_right for each in answered) == N_FAILING
    assert traces.read_text().count('"keeper.talk"') == len(answered)


def test_a_provider_refuses_results_without_their_call() -> None:
    call = {"role": "assistant", "tool_calls": [{"id": "a"}]}
    result = {"role": "tool", "tool_call_id": "a"}
    assert disorder([{"role": "user"}, call, result]) == ""
    assert "messages.[1]" in disorder([{"role": "user"}, result])
    assert "messages.[1]" in disorder([call, {"role": "user"}])
    assert "a" in disorder([call])


def test_what_is_recorded_can_be_played_back(tmp_path: Path) -> None:
    class Model:
        def complete(self, *_: object) -> Reply:
            return Reply(tool_calls=(ToolCall(id="x", name="read_file", arguments='{"path": "a.py"}'),))

    asked = [{"role": "user", "content": "Look for the flaw."}]
    recorder = Recorder(model=Model(), name="m", file=tmp_path / "case.jsonl")
    longer = [*asked, {"role": "user", "content": "And mend it."}]
    for messages in (asked, longer):
        recorder.complete(messages, [])
    player = RecordedModel(tmp_path / "case.jsonl")
    for messages in (longer, asked):
        played = player.complete(messages, [])
        assert [(call.name, call.arguments) for call in played.tool_calls] == [("read_file", '{"path": "a.py"}')]
    assert player.used == {"0001": 1, "0002": 1}
