"""Which runs a proposal is tried on."""

from dataclasses import replace

from fixers.cases import choose_cases, tools_of
from tests.unit.fixers.recorded_runs import Recording, failing, healthy
from webhooks.trace import Trace


def using(number: int, *tools: str) -> Trace:
    recording = Recording(f"{number:032x}", f"Turn {number}")
    for tool in tools:
        recording.calls(tool, "{}", "done")
    return recording.answers("Done.").trace


def test_as_many_healthy_runs_are_chosen_as_failing_ones() -> None:
    failed, guards = choose_cases([failing(n) for n in range(1, 20)], [healthy(n) for n in range(1, 20)], n=3)
    assert [trace.trace_id for trace in failed] == [failing(n).trace_id for n in (1, 2, 3)]
    assert [trace.trace_id for trace in guards] == [healthy(n).trace_id for n in (1, 2, 3)]


def test_healthy_runs_that_share_a_tool_with_the_failing_ones_come_first() -> None:
    chosen = choose_cases([using(1, "refund")], [using(2, "search"), using(3, "refund")])
    assert [tools_of(trace) for trace in chosen.guard] == [frozenset({"refund"})]


def test_different_sets_of_tools_come_before_more_of_the_same() -> None:
    alike = [using(n, "refund") for n in (10, 11, 12)]
    chosen = choose_cases([using(1, "refund"), using(2, "refund")], [*alike, using(13, "refund", "search")])
    assert [sorted(tools_of(trace)) for trace in chosen.guard] == [["refund"], ["refund", "search"]]


def test_no_failing_runs_need_no_healthy_ones() -> None:
    assert choose_cases([], [healthy(1)]) == ([], [])


def test_few_healthy_runs_are_all_there_are() -> None:
    assert len(choose_cases([failing(1), failing(2)], [healthy(1)]).guard) == 1


def located(number: int, path: str) -> Trace:
    run = using(number, "search")
    spans = [
        replace(span, attributes={**span.attributes, "code.file.path": path, "code.line.number": 3})
        for span in run.spans
    ]
    return Trace.from_spans(spans)


def test_healthy_runs_through_an_edited_file_come_before_those_that_share_a_tool() -> None:
    failed = [using(1, "refund")]
    others = [using(2, "refund"), located(3, "/srv/app/shop/search.py"), located(4, "/srv/other/search.py")]
    chosen = choose_cases(failed, others, edited=["shop/search.py"])
    assert [trace.trace_id for trace in chosen.guard] == [others[1].trace_id]


def test_healthy_runs_that_the_proposal_says_are_at_risk_come_first() -> None:
    others = [using(2, "refund"), using(3, "search")]
    chosen = choose_cases([using(1, "refund")], others, at_risk=[others[1].trace_id])
    assert chosen.guard == [others[1]]


def test_among_equals_the_runs_that_were_asked_alike_come_first() -> None:
    others = [healthy(2, "Tell me a joke"), healthy(3, "Where is parcel nine?")]
    assert choose_cases([failing(1, "Where is parcel seven?")], others).guard == [others[1]]


def test_half_of_the_failing_runs_are_such_that_the_drafter_did_not_see() -> None:
    failed = [failing(number) for number in range(1, 11)]
    seen = [trace.trace_id for trace in failed[:7]]
    chosen = choose_cases(failed, [], n=4, seen=seen).failing
    assert [trace.trace_id in seen for trace in chosen] == [True, True, False, False]
    assert choose_cases(failed, [], n=8, seen=seen).failing == [*failed[:5], *failed[7:]]
    assert choose_cases(failed[:7], [], n=4, seen=seen).failing == failed[:4]
