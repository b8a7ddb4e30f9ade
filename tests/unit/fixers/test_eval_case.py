"""A case for the repository's eval set, made of a run that failed."""

import json
from dataclasses import replace

import pytest

from fixers.assignment import Assignment
from fixers.code_index import CodeIndex
from fixers.eval_case import ADDED, with_eval_case
from fixers.harness import Harness
from fixers.proposal import Edit, Proposal
from tests.unit.fixers.red_green import DIAGNOSIS, HARNESSES
from tests.unit.fixers.runs import NOW, failure_of, mode_of
from webhooks.trace import Span, Trace

PATH = "evals/cases.jsonl"
PROPOSAL = Proposal(
    failure_mode_id="m1", base_sha="0" * 40, diagnosis=DIAGNOSIS, author="agent", title="Fix it", rationale="", risk="",
    edits=(Edit(path="agent.py", before="", after="x = 1\n"),), regression_test="agent.py",
)  # fmt: skip


def run(trace_id: str, *asked: str, answered: str = "") -> Trace:
    attributes = {
        "openinference.span.kind": "LLM",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.content": answered,
    }
    for index, words in enumerate(asked):
        attributes[f"llm.input_messages.{index}.message.role"] = "user"
        attributes[f"llm.input_messages.{index}.message.content"] = words
    return Trace.from_spans(
        [Span(trace_id=trace_id, span_id="s0", name="chat", start=NOW, end=NOW, attributes=attributes)]
    )


def tried(cases: list[object], *asked: str, healthy: tuple[Trace, ...] = (), may_be_shown: bool = True) -> Proposal:
    text = "".join(json.dumps(case) + "\n" for case in cases)
    assignment = Assignment(
        mode=mode_of("error"), failures=[failure_of("error", "x")], traces={"t1": run("t1", *(asked or ("Where?",)))},
        healthy=healthy, diagnosis=DIAGNOSIS, checkout=HARNESSES, index=CodeIndex({PATH: text.encode()}),
        harness=Harness(name="agent", evals=PATH), base_sha="0" * 40,
    )  # fmt: skip
    return with_eval_case(PROPOSAL, assignment, may_be_shown=lambda _: may_be_shown)


def added(proposal: Proposal) -> object:
    assert (proposal.eval_set, proposal.eval_note) == (PATH, ADDED)
    edit = proposal.edits[-1]
    assert edit.after is not None
    return json.loads(edit.after.removeprefix(edit.before or ""))


def test_the_case_has_the_fields_of_the_others_and_what_the_run_was_asked() -> None:
    cases = [{"id": n, "question": f"What {n}?", "tags": ["chat"]} for n in (1, 4)]
    assert added(tried([*cases])) == {"id": 5, "question": "Where?", "tags": ["chat"]}
    named = [{"id": f"case-{n}", "input": f"What {n}?"} for n in (1, 4)]
    assert added(tried([*named])) == {"id": "trace-t1", "input": "Where?"}


def test_what_is_expected_is_what_healthy_runs_agree_on() -> None:
    cases: list[object] = [{"input": "What?", "expected": "That."}]
    agreeing = (run("h1", " where? ", answered="Here."), run("h2", "Who?", answered="Me."))
    assert added(tried(cases, healthy=agreeing)) == {"input": "Where?", "expected": "Here."}
    disagreeing = (*agreeing, run("h3", "Where?", answered="There."))
    for healthy in ((), disagreeing):
        found = tried(cases, healthy=healthy)
        assert found.edits == PROPOSAL.edits
        assert "what is expected is not known" in found.eval_note


@pytest.mark.parametrize(
    ("cases", "reason"),
    [
        ([], "no case whose fields"),
        ([{"q": "What?"}], "which field holds the question"),
        ([{"input": "What?", "question": "Who?"}], "which field holds the question"),
        ([{"input": [{"role": "user"}]}], "which field holds the question"),
        ([{"input": "What?", "grader": "exact"}, {"input": "Who?", "grader": "model"}], "meaning is not plain"),
        ([{"input": "WHERE?  "}], "asks the same already"),
        (["What?"], "named fields"),
    ],
)
def test_a_shape_that_is_not_plain_is_left_alone_and_the_reason_is_told(cases: list[object], reason: str) -> None:
    found = tried(cases)
    assert (found.edits, found.eval_set) == (PROPOSAL.edits, "")
    assert reason in found.eval_note


def test_a_run_of_several_turns_makes_no_case() -> None:
    assert "single question" in tried([{"input": "What?"}], "Where?", "And why?").eval_note


def test_words_that_may_not_be_shown_are_not_written() -> None:
    assert "may not stand in this repository" in tried([{"input": "What?"}], may_be_shown=False).eval_note


def test_words_of_a_run_stay_out_of_the_note() -> None:
    found = tried([{"input": "What?"}], "Look at https://evil.example/x")
    assert (found.edits, "evil" in found.eval_note) == (PROPOSAL.edits, False)
    assert "refused by the scope" in found.eval_note


def test_a_revised_fix_keeps_the_case_that_it_had() -> None:
    cases: list[object] = [{"input": "What?"}]
    first = tried(cases)
    again = replace(PROPOSAL, edits=first.edits)
    assignment = Assignment(
        mode=mode_of("error"), failures=[], traces={}, healthy=(), diagnosis=DIAGNOSIS, checkout=HARNESSES,
        index=CodeIndex({}), harness=Harness(name="agent", evals=PATH), base_sha="0" * 40,
    )  # fmt: skip
    assert with_eval_case(again, assignment, may_be_shown=lambda _: False) == first
