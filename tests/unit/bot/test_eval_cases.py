"""A fix brings a case for the eval set that the operator named, where the runs' words may be read by others."""

import json
from pathlib import Path

import pytest

from bot.forge.local import LocalForge
from fixers.eval_case import ADDED
from fixers.evidence import Verdict
from fixers.proposal import Proposal
from tests.unit.bot.recorded_product import CONFIGURATION, FILES, LOCAL, RETRY, make_stages, submission
from tests.unit.fixers.scripted_model import ScriptedModel

CASES = '{"id": 1, "question": "Where is order 0?"}\n'
WITH_EVALS = {
    **FILES,
    "evals/cases.jsonl": CASES,
    ".github/tracewright.yml": f"{CONFIGURATION}    evals: evals/cases.jsonl\n",
}


class Public(LocalForge):
    """A forge that everybody reads."""

    def is_public(self) -> bool:
        return True


def drafted(folder: Path, kind: type[LocalForge]) -> tuple[Proposal, Verdict]:
    """Draft a fix and try it."""
    forge_of = lambda _, path: kind(Path(path), folder=folder / "pull-requests")  # noqa: E731 - a fixture's value
    stages = make_stages(folder, files=WITH_EVALS, forge_of=forge_of, model=ScriptedModel(submission(RETRY)))
    (task,) = stages.choose(LOCAL)
    (proposal_id,) = stages.draft(LOCAL, task)
    verdict = stages.verify(LOCAL, proposal_id)
    proposal = stages.store.proposal(LOCAL, proposal_id)
    assert proposal is not None
    return proposal, verdict


@pytest.mark.parametrize("kind", [LocalForge, Public])
def test_a_verified_fix_brings_the_run_that_failed_as_a_case(tmp_path: Path, kind: type[LocalForge]) -> None:
    proposal, verdict = drafted(tmp_path, kind)
    assert verdict is Verdict.VERIFIED
    after = {edit.path: edit.after for edit in proposal.edits}.get("evals/cases.jsonl")
    if kind is Public:
        assert after is None
        assert "may not stand in this repository" in proposal.eval_note
        return
    assert after is not None
    assert json.loads(after.removeprefix(CASES)) == {"id": 2, "question": "Where is order 1?"}
    assert proposal.eval_note == ADDED
