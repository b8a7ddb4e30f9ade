"""A fully compromised fixer gets nothing past the gate; people who mean well seldom meet it.

Every edit goes to a local forge as a verified proposal would, whatever the agent's tools and checks had said.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.errors import ForgeError
from bot.forge.local import LocalForge
from bot.submit import submit
from clustering.score import Traffic
from fixers.diagnosis import Diagnosis, Layer, Quote
from fixers.evidence import Evidence, Verdict
from fixers.harness import Harness
from fixers.proposal import Edit, Proposal
from fixers.sandbox import Sandbox
from fixers.scope import violations
from fixers.submission import Submission, check_submission
from fixers.workspace import edit_file, open_workspace
from tests.unit.bot.everyday_fixes import EVERYDAY, REFUSED_TODAY
from tests.unit.bot.hostile_fixes import ATTACKS, BASE, EVALS, MENDED, PLAIN, PROOF, TEST, Attack
from tests.unit.bot.pr_body.test_pr_body_hostile import ATTACKS as TEXTS
from tests.unit.bot.pr_body.test_pr_body_hostile import IN_SOURCE
from tests.unit.bot.recorded_product import make_repository
from tests.unit.fixers.scripted_model import FakeSandbox, failing_trace, failure, failure_mode

TRAFFIC = Traffic(n_traces=40, n_sessions=40, n_users=20)
HARNESS = Harness(name="agent", allow=("**",), evals=EVALS)
DIAGNOSIS = Diagnosis(failure_mode_id="fm-1", cause="It is empty.", layer=Layer.LIFECYCLE, location=None, quotes=())


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> LocalForge:
    folder = tmp_path_factory.mktemp("hostile")
    return LocalForge(make_repository(folder / "repository", BASE), folder=folder / "pulls")


def _edits(files: Mapping[str, str | None]) -> tuple[Edit, ...]:
    changed = {"agent.py": MENDED, TEST: PROOF, **files}
    return tuple(Edit(path=path, before=BASE.get(path), after=after) for path, after in changed.items())


def _open(forge: LocalForge, edits: tuple[Edit, ...], **said: str) -> str:
    """Submit the edits as if all had been verified; return the record as it is kept."""
    texts = {"title": "Read an empty answer", "rationale": "It can be empty.", "risk": "None is known.", **said}
    cause = texts.pop("cause", DIAGNOSIS.cause)
    quotes = (Quote(trace_id="f" * 32, span_id="2" * 16, text=texts.pop("quote", "Expecting value")),)
    diagnosis = Diagnosis(failure_mode_id="fm-1", cause=cause, layer=Layer.LIFECYCLE, location=None, quotes=quotes)
    proposal = Proposal(
        failure_mode_id="fm-1", base_sha=forge.base().sha, diagnosis=diagnosis, author="agent", edits=edits,
        regression_test=TEST, **texts,
    )  # fmt: skip
    evidence = Evidence(proposal_id=proposal.id, verdict=Verdict.VERIFIED, reason="It holds.", isolation="bubblewrap")
    opened = submit(
        proposal, evidence, failure_mode(), traffic=TRAFFIC, forge=forge, harness=HARNESS, branch="main"
    )  # fmt: skip
    return (Path(opened.url).parent / f"{opened.number}.json").read_text()


def _refusal(forge: LocalForge, edits: tuple[Edit, ...]) -> str:
    """Return why the forge does not take the edits; nothing when it does."""
    try:
        _open(forge, edits)
    except ForgeError as error:
        return str(error)
    return ""


def _is_refused(forge: LocalForge, attack: Attack) -> bool:
    refusal = _refusal(forge, _edits(attack.files))
    return bool(refusal) and re.search(attack.refused, refusal) is not None


def test_no_attack_reaches_a_branch(forge: LocalForge) -> None:
    assert [attack.name for attack in ATTACKS[::8] if not _is_refused(forge, attack)] == []


@pytest.mark.slow
def test_none_of_all_attacks_reaches_a_branch(forge: LocalForge) -> None:
    assert [attack.name for attack in ATTACKS if not _is_refused(forge, attack)] == []


def test_the_attacks_are_many_and_no_two_are_one() -> None:
    assert len({json.dumps(attack.files) for attack in ATTACKS}) == len(ATTACKS) >= 200


@pytest.mark.parametrize("kind", PLAIN)
def test_the_same_shape_without_an_attack_is_opened(forge: LocalForge, kind: str) -> None:
    assert _refusal(forge, _edits(PLAIN[kind])) == ""


def _submitted(folder: Path, forge: LocalForge, text: str) -> Submission | list[str]:
    """Hand in the mend through the agent's own tools, with the text in every field and in the trace."""
    forge.fetch(forge.base().sha, folder)
    trace = failing_trace(said=text)
    workspace = open_workspace(
        folder, traces=[trace], failures=[failure(trace)], may_edit=lambda _: None, sandbox=_sandbox(), timeout_s=1
    )
    edit_file(workspace, path="agent.py", old="json.loads(text)", new="json.loads(text or '{}')")
    edit_file(workspace, path=TEST, old="", new=PROOF)
    quote = {"trace_id": trace.trace_id, "span_id": "2" * 16, "text": text}
    said = {"title": text[:70], "cause": text, "rationale": text, "risk": text, "layer": "lifecycle"}
    reasons, found = check_submission(json.dumps({**said, "quotes": [quote], "regression_test": TEST}), workspace)
    return found or reasons


def _sandbox() -> Sandbox:
    return FakeSandbox()


@pytest.mark.slow
@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_no_text_that_a_submission_carries_acts_in_the_pull_request(
    forge: LocalForge, tmp_path: Path, text: str
) -> None:
    found = _submitted(tmp_path / "checkout", forge, text)
    if isinstance(found, list):
        assert found
        return
    edits = (*found.edits, Edit(path=f"notes/{abs(hash(text))}.md", before=None, after="x\n"))
    quote = found.quotes[0].text
    said = {"title": found.title, "cause": found.cause, "rationale": found.rationale, "risk": found.risk}
    try:
        record = json.loads(_open(forge, edits, quote=quote, **said))
    except ForgeError as error:  # a title that had to be parted does not fit a commit message
        if "in the commit message" in str(error):
            return
        raise
    assert IN_SOURCE.findall(record["title"] + "\n" + record["body"]) == []
    assert record["labels"] == ["tracewright"]


def test_plain_texts_are_submitted_and_shown(forge: LocalForge, tmp_path: Path) -> None:
    found = _submitted(tmp_path / "checkout", forge, "Expecting value: line 1")
    assert isinstance(found, Submission), found
    assert "Expecting value: line 1" in _open(forge, found.edits, cause=found.cause)


def test_people_who_mean_well_are_refused_for_known_reasons_only() -> None:
    refused = {
        name: found
        for name, (path, before, after) in EVERYDAY.items()
        if (found := violations([Edit(path=path, before=before, after=after)], HARNESS))
    }
    kinds = Counter(re.sub(r".*?: (line \d+ )?", "", found[0], count=1)[:40] for found in refused.values())
    print(f"{len(refused)} of {len(EVERYDAY)} everyday patches refused: {dict(kinds)}")  # noqa: T201 - the measurement
    assert set(refused) == REFUSED_TODAY
