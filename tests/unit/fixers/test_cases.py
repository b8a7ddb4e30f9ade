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
