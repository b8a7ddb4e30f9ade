"""Where everybody reads a repository, nothing that runs said is written to it, whoever repeats it; unless allowed."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.forge.local import LocalForge
from bot.handlers.means import Means
from bot.handlers.requests import explain
from bot.in_public import public_title, shown_to_strangers
from bot.pr_body.comments import came_back, parted
from bot.recurrence import Difference
from bot.remark import Remark
from bot.stages import ProductStages
from bot.store.engine import open_engine
from bot.store.store import Store
from bot.store.waiting import Waiting
from clustering.failure import Failure
from fixers.evidence import Arm, CaseResult, Evidence, Result, Role, TestRun, Verdict
from fixers.model import Reply
from tests.unit.bot.recorded_product import (
    CONFIGURATION,
    DISCRETIONS,
    FILES,
    LOCAL,
    NOW,
    RETRY,
    Clock,
    OneVector,
    git,
    keep,
    make_repository,
    read_body,
    submission,
)
from tests.unit.bot.test_discretion import plain
from tests.unit.bot.test_queue import hold, last_verdict
from tests.unit.bot.test_submit import MODE
from tests.unit.fixers.recorded_runs import unisolated
from tests.unit.fixers.scripted_model import ScriptedModel, calls
from webhooks.trace import Span

#: What users said, each in another way that it could be told on.
CANARIES = ("Quetzalcoatl", "quetzal.coatl@example.com", "7741902", "my landlord must never hear of this")
SAID = f"I am {CANARIES[0]}, {CANARIES[1]}, member {CANARIES[2]}, and {CANARIES[3]}."
ASKING = f"{CONFIGURATION}    autonomy: draft\npull_requests: {{dashboard: true, publish_runs: %s}}\n"
LEAKY_TEST = f"import settings\n# {SAID}\ndef test_a_429_is_tried_again():\n    assert settings.ATTEMPTS > 1\n"
LEAKY = ("edit_file", {"path": "test_retry.py", "old": "", "new": LEAKY_TEST})


class PublicForge(LocalForge):
    """A repository that everybody reads."""

    def is_public(self) -> bool:
        return True


def telling(source: str, body: bytes) -> list[Span]:
    """Return recorded spans in which a user says who they are."""
    root, *others = read_body(source, body)
    return [replace(root, attributes={**root.attributes, "user.note": SAID}), *others]


def stages_in(folder: Path, model: ScriptedModel, *, allowed: bool = False) -> ProductStages:
    clock = Clock()
    files = {**FILES, ".github/tracewright.yml": ASKING % json.dumps(allowed)}
    store = Store(open_engine(f"sqlite:///{folder / 'tracewright.db'}"), now=clock, decode=telling)
    for number in range(1, 7):
        keep(store, f"failed {number}", f"healthy {number}")
    store.connect_repository(LOCAL, str(make_repository(folder / "shop", files)))
    stages = ProductStages(
        store=store,
        forge_of=lambda _, path: PublicForge(Path(path), folder=folder / "pull-requests"),
        encoder=OneVector(),
        sandbox=unisolated(),
        discretions=DISCRETIONS,
        recipes=(),
        model=model,
        quiet_s=0.0,
        review_quiet_s=0.0,
        now=clock,
    )
    stages.examine(LOCAL)
    stages.group(LOCAL)
    return stages


def repeating(replies: list[Reply]) -> list[Reply]:
    """Let a model repeat in each of its texts what a user said."""
    ((name, submit),) = [(call.name, json.loads(call.arguments)) for call in replies[-1].tool_calls]
    texts = dict.fromkeys(("cause", "rationale", "risk"), f"It fails: {SAID}")
    return [*replies[:-1], calls((name, {**submit, **texts, "title": f"Help {CANARIES[0]} {CANARIES[2]}"}))]


def live(stages: ProductStages) -> None:
    """Draft, open, show, explain, answer a review, and show the queue."""
    (task,) = stages.choose(LOCAL)
    (proposal_id,) = stages.draft(LOCAL, task)
    proposal = stages.ledger.proposal(LOCAL, proposal_id)
    run = TestRun(arm=Arm.BEFORE, command=("pytest",), exit_status=1, output=SAID, duration_s=1.0)
    case = CaseResult(trace_id="a" * 32, role=Role.FAILING, arm=Arm.BEFORE, result=Result.FAILED, reason=SAID)
    evidence = Evidence(
        proposal_id=proposal_id,
        verdict=Verdict.VERIFIED,
        reason="8 of 8 failing runs pass",
        isolation="none",
        suite=(run,),
        regression=(run,),
        cases=(case,),
    )
    (mode,) = stages.store.failure_modes(LOCAL)
    stages.ledger.settle(LOCAL, mode, proposal, evidence)
    assert stages.submit(LOCAL, proposal_id)
    stages.report(LOCAL, proposal_id)
    (opened,) = stages.store.pull_requests(LOCAL)
    means = Means(
        store=stages.store,
        forge_of=stages.forge_of,
        now=stages.now,
        discretions=DISCRETIONS,
        start=lambda _: None,
        end_work=lambda _: None,
    )
    explain(means, LOCAL, opened)
    remark = Remark(
        id="1",
        head_branch=opened.pull_request.head_branch,
        author="ada",
        words="Why?",
        path="settings.py",
        line=1,
        thread=5,
        told_at=NOW - timedelta(days=1),
    )
    stages.store.keep_remark(LOCAL, remark)
    stages.answer_review(LOCAL, proposal_id)
    stages.ledger.record(LOCAL, mode, verdict=Verdict.NO_PROPOSAL, reason=f"agent: the model declined: {SAID}")
    repository = opened.pull_request.repository
    entry = Waiting(failure_mode_id=mode.id, repository=repository, agent="shop", base_sha="", reason="unasked")
    stages.store.wait(LOCAL, entry)
    stages.show(LOCAL)


def written(folder: Path) -> str:
    """Return everything that strangers can read: what the forge keeps, and every git object."""
    kept = [path.read_text() for path in (folder / "pull-requests").rglob("*") if path.is_file()]
    objects = git(folder / "shop", "cat-file", "--batch-all-objects", "--batch-check=%(objectname)").split()
    return plain("\n".join([*kept, *(git(folder / "shop", "cat-file", "-p", each) for each in objects)]))


def found_in(folder: Path) -> list[str]:
    return [canary for canary in CANARIES if canary.casefold() in written(folder).casefold()]


DECLINED = [calls(("decline", {"reason": SAID}))]


def test_nothing_that_a_run_said_reaches_a_public_repository(tmp_path: Path) -> None:
    leaky = repeating([calls(LEAKY, RETRY), *submission()[1:]])
    again = [calls(("edit_file", {"path": "test_retry.py", "old": f"# {SAID}\n", "new": ""})), leaky[-1], leaky[-1]]
    model = ScriptedModel([*leaky, *again, *DECLINED])
    live(stages_in(tmp_path, model))
    told = json.dumps(model.seen)
    assert "test_retry.py: everybody can read this repository" in told
    assert "submitted so again, these texts are left out" in told
    text = written(tmp_path)
    assert "words are left out here" in text
    assert "Mend the lifecycle in settings.py" in text
    assert "no other change was drafted" in text
    assert found_in(tmp_path) == []


def test_the_same_search_finds_it_all_where_the_owners_allow_it(tmp_path: Path) -> None:
    model = ScriptedModel([*repeating(submission(RETRY)), *DECLINED])
    live(stages_in(tmp_path, model, allowed=True))
    assert set(found_in(tmp_path)) >= {CANARIES[0], CANARIES[3]}


def test_a_repository_that_became_public_meanwhile_is_not_told_either(tmp_path: Path) -> None:
    stages = stages_in(tmp_path, ScriptedModel([calls(LEAKY, RETRY), submission()[-1]]))
    private = replace(stages, forge_of=lambda _, path: LocalForge(Path(path), folder=tmp_path / "pull-requests"))
    (task,) = private.choose(LOCAL)
    (proposal_id,) = private.draft(LOCAL, task)
    assert private.ledger.proposal(LOCAL, proposal_id).quotes_runs == ("test_retry.py",)
    hold(stages, proposal_id)
    assert stages.submit(LOCAL, proposal_id) is None
    verdict, reason = last_verdict(stages)
    assert (verdict, "everybody can read this repository" in reason) == (Verdict.OUT_OF_SCOPE, True)
    hold(stages, proposal_id)
    assert private.submit(LOCAL, proposal_id)


def met(key: str, message: str, *users: str) -> list[Failure]:
    return [
        Failure(
            trace_id=f"{number:032x}",
            span_id="b" * 16,
            detector="tool_error",
            key=key,
            message=message,
            reason="A tool failed.",
            occurred_at=NOW,
            user_id=user,
        )
        for number, user in enumerate(users)
    ]


def test_a_title_has_the_words_of_several_people_or_the_kind_alone() -> None:
    mode = replace(MODE, title="track fails: no parcel of Zofia is known …", detector="tool_error", key="track")
    message = "no parcel of Zofia is known here"
    assert public_title(mode, met("track", message, "ann", "ben", "eve")) == mode.title
    kind = "A failure of the kind “tool error”"
    others = met("track", "no parcel is known here", "ben", "eve")
    assert public_title(mode, [*met("track", message, "ann", "ann"), *others]) == f"{kind}: track"
    assert public_title(mode, met("track", message, "ann", "ann")) == kind
    assert public_title(replace(mode, key="track_of_zofia"), others) == kind


def test_what_came_back_and_what_was_parted_is_counted_in_public(tmp_path: Path) -> None:
    store = Store(open_engine(f"sqlite:///{tmp_path / 'tracewright.db'}"), now=Clock())
    ours, strangers = DISCRETIONS.of(LOCAL), shown_to_strangers(DISCRETIONS.of(LOCAL), store, LOCAL)
    found = [Difference("message", f"no parcel of {CANARIES[0]}", 0, 9, 8, 9)]
    mode = replace(MODE, title=f"no parcel of {CANARIES[0]}")
    for shown, is_told in ((ours, True), (strangers, False)):
        told = came_back(found, shown) + parted("release", mode.id, [shown.mode(mode)])
        assert (CANARIES[0] in told) is is_told
        assert "in 8 of 9 failing runs now, in 0 of 9 before" in told
