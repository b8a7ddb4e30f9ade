"""The agent fixer on flaws that no recipe covers: a recorded exchange with a model, through the product's own stages.

The model's replies are the recording's (tests/fixtures/recordings); all else is real: the traces, the agent's tools,
the sandbox, the replays, the repository and the pull request.
"""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot import git
from bot.assemble import LOCAL
from bot.by_hand import split
from bot.fix import Fixed, fix_once
from clustering.failure_mode import FailureMode
from examples.shop_provider.server import serve
from examples.tests.sink import Sink
from examples.traffic import CHECKOUT, Answered, conversations, run
from fixers.checkout import apply_edits
from fixers.diagnose import quote_exists
from fixers.diagnosis import Layer
from fixers.evidence import Arm, Evidence, Result, Role, Verdict
from fixers.proposal import Proposal
from fixers.replay.judge import UNSEEN
from fixers.sandbox import find_sandbox
from fixers.scope import violations
from tests.acceptance.loaded_example import Loaded, loaded_example
from tests.recorded_model import RecordedModel

# Whichever test comes first waits for 32 replays in the sandbox.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

RECORDINGS = Path(__file__).parents[1] / "fixtures" / "recordings"
#: Not the seed of the recorded traces.
FRESH_SEED = 4711
#: What belongs to one run: order numbers, addresses, sums.
VALUE = re.compile(r"A-\d{4}|[\w.]+@[\w.]+\w|\d+[.,]\d\d")
HEALTHY = frozenset({"order_status", "parcel", "catalog", "order_list", "refund_with_check", "new_address"})


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """A failure mode of the example, and what came of it in the recording."""

    recording: str
    detector: str
    key: str
    layer: Layer
    #: The file that the diagnosis points to.
    at: str
    regression_test: str
    #: The example's name for conversations of this kind.
    conversations: str
    title: str = ""
    #: Quotes that the recorded submission holds, at the least.
    n_quotes: int = 2
    #: The mode is parted by this first, as a person may.
    split_by: str = ""


REFUND_SCHEMA = Flaw(
    recording="refund_schema.jsonl.gz",
    detector="tool_error",
    key="issue_refund",
    layer=Layer.TOOL_SCHEMA,
    at="support_agent/schemas.py",
    regression_test="tests/test_schemas.py",
    conversations="refund_in_own_words",
)
REFUND_IDENTITY = Flaw(
    recording="refund_identity.jsonl.gz",
    n_quotes=1,
    detector="policy",
    key="identity-before-refund",
    layer=Layer.PROMPT,
    at="prompts/refunds.md",
    regression_test="tests/test_refund_prompt.py",
    conversations="refund_without_check",
)
ANOTHER_CUSTOMERS_ORDER = Flaw(
    recording="another_customers_order",
    detector="negative_feedback",
    key="user_feedback",
    layer=Layer.TOOL_CODE,
    at="support_agent/memory.py",
    regression_test="tests/test_conversations.py",
    conversations="my_last_order",
    title="somebody else's order",
    split_by="has:somebody else's order",  # recorded when its two wordings were two failure modes
)


@dataclass(frozen=True, kw_only=True)
class Mended:
    """The product after it tried to mend one failure mode, and what came of it."""

    loaded: Loaded
    flaw: Flaw
    mode: FailureMode
    fixed: Fixed
    model: RecordedModel

    @property
    def proposal(self) -> Proposal:
        assert self.fixed.proposal is not None, self.fixed.reason
        return self.fixed.proposal

    @property
    def evidence(self) -> Evidence:
        assert self.fixed.evidence is not None, self.fixed.reason
        return self.fixed.evidence


@pytest.fixture(
    scope="module",
    params=[REFUND_SCHEMA, REFUND_IDENTITY],
    ids=lambda flaw: flaw.recording,
)
def mended(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mended]:
    yield from _mended(request.param, tmp_path_factory.mktemp("mended"))


@pytest.fixture(scope="module")
def unproven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mended]:
    yield from _mended(ANOTHER_CUSTOMERS_ORDER, tmp_path_factory.mktemp("unproven"))


def _mended(flaw: Flaw, folder: Path) -> Iterator[Mended]:
    find_sandbox()  # nothing of this can be shown without one: the error says what to install
    model = RecordedModel(RECORDINGS / flaw.recording, in_order=True)  # prompts and digest have changed since
    with loaded_example(folder, model=model) as loaded:
        mode = loaded.mode(flaw.detector, flaw.key, title=flaw.title)
        if flaw.split_by:
            split(loaded.stages.store, LOCAL, mode.id, by=flaw.split_by, encoder=loaded.stages.encoder)
            mode = loaded.mode(flaw.detector, flaw.key, title=flaw.title)
        fixed = fix_once(loaded.stages, LOCAL, mode.id, dry_run=False)
        yield Mended(loaded=loaded, flaw=flaw, mode=mode, fixed=fixed, model=model)


def test_the_agent_finds_the_layer_and_the_file_and_edits_nothing_else(mended: Mended) -> None:
    proposal, flaw = mended.proposal, mended.flaw
    assert proposal.author == "agent"
    assert proposal.diagnosis.layer is flaw.layer
    assert proposal.diagnosis.location is not None
    assert proposal.diagnosis.location.path == flaw.at
    assert {edit.path for edit in proposal.edits} == {flaw.at, flaw.regression_test}
    (agent,) = mended.loaded.stages.agents(LOCAL).readable
    assert violations(proposal.edits, agent.harness) == []


def test_the_recorded_exchange_was_used_from_its_first_request_to_its_last(mended: Mended) -> None:
    assert dict(mended.model.used) == dict.fromkeys((each.name for each in mended.model.record), 1)


def test_every_quote_stands_in_its_trace(mended: Mended) -> None:
    quotes = mended.proposal.diagnosis.quotes
    traces = mended.loaded.stages.store.load_traces(LOCAL, [quote.trace_id for quote in quotes])
    assert len(quotes) >= mended.flaw.n_quotes
    assert all(quote_exists(traces[quote.trace_id], quote) for quote in quotes)


def test_the_fix_is_verified_case_by_case(mended: Mended) -> None:
    evidence = mended.evidence
    assert evidence.verdict is Verdict.VERIFIED, evidence.reason
    assert evidence.isolation == "bubblewrap"
    assert [(run.arm, run.exit_status) for run in evidence.regression] == [(Arm.BEFORE, 1), (Arm.AFTER, 0)]
    assert [(run.arm, run.exit_status) for run in evidence.suite] == [(Arm.BEFORE, 0), (Arm.AFTER, 0)]
    assert _results(evidence, Role.FAILING, Arm.BEFORE) == [Result.FAILED] * 8
    assert _results(evidence, Role.FAILING, Arm.AFTER) == [Result.PASSED] * 8
    assert _results(evidence, Role.GUARD, Arm.BEFORE) == [Result.PASSED] * 8
    assert _results(evidence, Role.GUARD, Arm.AFTER) == [Result.PASSED] * 8


def test_one_pull_request_shows_the_quotes_and_holds_exactly_the_edits(mended: Mended) -> None:
    (opened,) = mended.loaded.stages.store.pull_requests(LOCAL)
    assert opened.pull_request.url == mended.fixed.url
    body = Path(opened.pull_request.url).with_suffix(".md").read_text()
    assert mended.proposal.title in body
    assert all(quote.span_id in body for quote in mended.proposal.diagnosis.quotes)
    committed = _files(mended.loaded.repository, opened.pull_request.head_sha)
    before = _files(mended.loaded.repository, mended.proposal.base_sha)
    changed = {path: text for path, text in committed.items() if before.get(path) != text}
    assert changed == {edit.path: edit.after for edit in mended.proposal.edits}
    assert before.keys() <= committed.keys()


def test_a_second_attempt_opens_no_second_pull_request(mended: Mended) -> None:
    again = fix_once(mended.loaded.stages, LOCAL, mended.mode.id, dry_run=False)
    assert again.reason == "it has a pull request already: open"
    assert len(mended.loaded.stages.store.pull_requests(LOCAL)) == 1
    assert mended.mode.id not in {task.failure_mode_id for task in mended.loaded.stages.choose(LOCAL)}


def test_fresh_conversations_of_that_kind_succeed_with_the_edits_and_healthy_ones_still_do(
    mended: Mended, tmp_path: Path
) -> None:
    served = _serve_fresh(mended, tmp_path)
    assert not any(served.before[mended.flaw.conversations])
    assert all(served.after[mended.flaw.conversations])
    assert all(all(served.after[kind]) for kind in HEALTHY)
    assert sum(map(len, served.after.values())) >= 30


def test_no_value_of_a_failing_run_is_in_the_edits(mended: Mended) -> None:
    store = mended.loaded.stages.store
    failing = store.load_traces(LOCAL, store.traces_of_mode(LOCAL, mended.mode.id))
    asked = [str(trace.root.attributes["input.value"]) for trace in failing.values()]
    values = {value for text in asked for value in VALUE.findall(text)}
    assert len(values) >= len(asked)
    assert not [value for value in values for edit in mended.proposal.edits if value in (edit.after or "")]


def test_a_fix_whose_failure_no_replay_can_show_ends_in_a_verdict_without_a_pull_request(unproven: Mended) -> None:
    evidence = unproven.evidence
    assert unproven.flaw.detector in UNSEEN
    assert unproven.proposal.diagnosis.layer is unproven.flaw.layer
    assert [(run.arm, run.exit_status) for run in evidence.regression] == [(Arm.BEFORE, 1), (Arm.AFTER, 0)]
    assert set(_results(evidence, Role.FAILING, Arm.AFTER)) == {Result.INCONCLUSIVE}
    assert evidence.verdict is Verdict.TOO_NOISY
    assert unproven.fixed.url is None
    assert unproven.loaded.stages.store.pull_requests(LOCAL) == []
    (recorded,) = unproven.loaded.stages.store.verdicts(LOCAL)[unproven.mode.id]
    assert (recorded.verdict, recorded.reason) == (evidence.verdict, evidence.reason)
    branches = git.run(git.git_dir(unproven.loaded.repository), "for-each-ref", "--format=%(objectname)")
    assert branches.decode().split() == [unproven.proposal.base_sha]


def test_the_fix_that_was_not_proven_is_right_all_the_same(unproven: Mended, tmp_path: Path) -> None:
    """Its customers are served with the edits: what the refusal costs is known."""
    served = _serve_fresh(unproven, tmp_path)
    assert not all(served.before[unproven.flaw.conversations])
    assert all(served.after[unproven.flaw.conversations])


@dataclass(frozen=True, kw_only=True)
class Served:
    """Whether each customer got what they asked for, by kind of conversation: the agent as it was, and as edited."""

    before: Mapping[str, Sequence[bool]]
    after: Mapping[str, Sequence[bool]]


def _serve_fresh(mended: Mended, folder: Path) -> Served:
    """Hold conversations that were never recorded: of this kind, and of kinds that went well."""
    known = {visit.turns for visit in conversations(96)}
    kinds = {mended.flaw.conversations, *HEALTHY}
    visits = [visit for visit in conversations(96, FRESH_SEED) if visit.kind in kinds and visit.turns not in known]
    answered = {}
    for arm, edits in (("before", ()), ("after", mended.proposal.edits)):
        checkout = folder / arm
        shutil.copytree(CHECKOUT, checkout, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
        apply_edits(checkout, edits)
        # A provider that has seen a conversation answers it otherwise the second time, so each arm has its own.
        with serve() as provider, Sink() as sink:
            answered[arm] = run(
                visits, base_url=provider.base_url, otlp_endpoint=sink.url, key="none", checkout=checkout
            )
    return Served(**{arm: _by_kind(entries) for arm, entries in answered.items()})


def _by_kind(answered: Sequence[Answered]) -> dict[str, list[bool]]:
    kinds = dict.fromkeys(entry.conversation.kind for entry in answered)
    return {kind: [entry.is_right for entry in answered if entry.conversation.kind == kind] for kind in kinds}


def _results(evidence: Evidence, role: Role, arm: Arm) -> list[Result]:
    return [case.result for case in evidence.cases if (case.role, case.arm) == (role, arm)]


def _files(repository: Path, sha: str) -> dict[str, str]:
    repo = git.git_dir(repository)
    return {entry.path: git.read_blob(repo, entry.sha).decode() for entry in git.list_tree(repo, sha)}
