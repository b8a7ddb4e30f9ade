"""The agent fixer on seeded flaws: recorded replies of a model, through the product's stages, judged by hidden tests.

The replies are the recording's (tests/fixtures/recordings/harness_flaws); all else is real: the traces of the flawed
harnesses, the agent's tools, the sandbox, the replays, the repository and the pull request.
"""

import os
from pathlib import Path

import pytest

from benchmarks.harness_flaws.flaw import Flaw, all_flaws
from benchmarks.harness_flaws.measure import Column, Report, measure
from clustering.embed import MiniLM
from fixers.sandbox import find_sandbox
from tests.recorded_model import RecordedModel

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_200)]

RECORDINGS = Path(__file__).parents[1] / "fixtures" / "recordings" / "harness_flaws"
#: All of them with TRACEWRIGHT_TEST_ALL_RECORDINGS=1.
FEW = ("greenhouse-stale-beds",)
FLAWS = {flaw.id: flaw for flaw in all_flaws()}
RECORDED = sorted(path.name.partition(".")[0] for path in (RECORDINGS / "agent").glob("*.jsonl.gz"))
CHOSEN = RECORDED if os.environ.get("TRACEWRIGHT_TEST_ALL_RECORDINGS") else FEW


def played(flaw: Flaw, column: Column) -> tuple[Report, RecordedModel]:
    (exchange,) = (RECORDINGS / column).glob(f"{flaw.id}.jsonl.gz")
    (traffic,) = (RECORDINGS / "traffic").glob(f"{flaw.id}.*")
    model = RecordedModel(exchange, in_order=True)
    report = measure(flaw, column, encoder=MiniLM(), sandbox=find_sandbox(), model=model, traffic=traffic)
    return report, model


@pytest.mark.parametrize("name", CHOSEN)
def test_a_models_fix_becomes_a_pull_request_that_the_hidden_tests_agree_with(name: str) -> None:
    report, model = played(FLAWS[name], Column.AGENT)
    assert model.used.total() >= 1
    assert report.opened == ["agent"], report.verdicts
    assert (report.hidden_test_passes, report.regression, report.out_of_scope) == (True, False, []), report.output
    assert (report.layer_right, report.file_right) == (True, True)


def test_a_model_that_may_edit_prompts_alone_declines_where_code_is_the_cause() -> None:
    report, _ = played(FLAWS["desk-early-rounding"], Column.PROMPT_ONLY)
    assert report.opened == []
    assert any("the model declined" in verdict for verdict in report.verdicts.values())


def test_every_recorded_exchange_has_its_traffic() -> None:
    assert len(RECORDED) >= 12
    assert set(RECORDED) <= FLAWS.keys()
    assert all(list((RECORDINGS / "traffic").glob(f"{name}.*")) for name in RECORDED)
