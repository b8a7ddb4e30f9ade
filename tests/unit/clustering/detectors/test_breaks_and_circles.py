import pytest

from clustering.detectors.cancellations import Cancellations
from clustering.detectors.exhausted_retries import ExhaustedRetries
from clustering.detectors.limits import Limits
from clustering.detectors.loops import Loops
from clustering.detectors.provider_errors import ProviderErrors
from clustering.detectors.repeated_reads import RepeatedReads
from clustering.detectors.trial_and_error import TrialAndError
from clustering.detectors.unanswered_calls import UnansweredCalls
from clustering.detectors.unfinished_runs import UnfinishedRuns
from clustering.outliers import outliers
from tests.unit.clustering.detectors.said import chat
from tests.unit.clustering.runs import Run


@pytest.mark.parametrize(
    ("error", "key"),
    [
        (("RateLimitError", "Error code: 429 - quota"), "rate_limit"),
        (("APIStatusError", "Error code: 529 - Overloaded"), "server_error"),
        (("APITimeoutError", "Request timed out."), "timeout"),
        (("BadRequestError", "This model's maximum context length is 8192 tokens"), "context_length"),
        (("BadRequestError", "blocked by Azure's content management policy"), "content_filter"),
        (("AuthenticationError", "Error code: 401 - Incorrect API key provided"), "authentication"),
    ],
)
def test_a_refusal_is_known_by_its_class(run: Run, error: tuple[str, str], key: str) -> None:
    run.agent(error=error)
    run.llm(error=error)
    assert [(f.key, f.span_id) for f in ProviderErrors()(run.trace)] == [(key, "02")]


@pytest.mark.parametrize(
    ("attributes", "key"),
    [
        ({"llm.finish_reason": "content_filter"}, "content_filter"),
        ({"http.response.status_code": 429}, "rate_limit"),
        ({"output.value": '{"error": {"message": "Overloaded"}}'}, "server_error"),
    ],
)
def test_a_refusal_shows_without_an_error_status_too(run: Run, attributes: dict[str, object], key: str) -> None:
    run.agent()
    chat(run, **attributes)
    assert [failure.key for failure in ProviderErrors()(run.trace)] == [key]


def test_an_unknown_error_and_one_that_was_got_over_are_no_refusal(run: Run) -> None:
    run.agent()
    run.llm(error=("RateLimitError", "429"))
    run.llm(error=("ValueError", "no such key"))
    run.llm()
    assert list(ProviderErrors()(run.trace)) == []


def test_a_cancelled_run_is_a_failure(run: Run) -> None:
    run.agent(error=("CancelledError", ""))
    assert [failure.span_id for failure in Cancellations()(run.trace)] == ["01"]


def test_a_cancelled_step_that_the_run_went_on_from_is_none(run: Run) -> None:
    run.agent()
    run.tool("cancel_order", error=("asyncio.CancelledError", ""))
    run.llm()
    assert list(Cancellations()(run.trace)) == []


@pytest.mark.parametrize("text", ["Max retries exceeded with url: /v1", "giving up after 3 attempts"])
def test_attempts_that_were_given_up_are_a_failure(run: Run, text: str) -> None:
    run.agent()
    run.tool(result=text)
    assert [failure.key for failure in ExhaustedRetries()(run.trace)] == ["retries"]


def test_a_page_about_retries_is_none(run: Run) -> None:
    run.agent()
    run.tool(result="How to set max retries. " + "x" * 600 + " max retries exceeded")
    assert list(ExhaustedRetries()(run.trace)) == []


@pytest.mark.parametrize(
    ("notice", "key"), [("Time limit reached.", "time"), ("Stopped: the cost limit of $2 is spent.", "cost")]
)
def test_a_notice_of_time_or_cost_instead_of_an_answer_is_a_limit(run: Run, notice: str, key: str) -> None:
    run.agent(answer=notice)
    run.llm()
    assert [failure.key for failure in Limits()(run.trace)] == [key]


def test_a_request_that_timed_out_is_no_time_limit(run: Run) -> None:
    run.agent(answer=None, error=("APITimeoutError", "Request timed out."))
    assert list(Limits()(run.trace)) == []


def circle(run: Run, rounds: int, *, moving: bool = False) -> list[str]:
    run.agent()
    for number in range(rounds):
        run.tool("get_a", str(number if moving else 0), arguments={"a": 1})
        run.tool("get_b", "b", arguments={"b": 1})
    return [failure.key for failure in Loops()(run.trace)]


def test_three_rounds_of_the_same_two_calls_are_a_circle(run: Run) -> None:
    assert circle(run, 3) == ["get_a, get_b"]
    assert circle(Run(), 2) == []
    assert circle(Run(), 4, moving=True) == []


def read_twice(run: Run, *between: str, again: str = "1") -> list[str]:
    run.agent()
    run.tool("get_order", "1", arguments={"id": 1})
    for name in between:
        run.tool(name, "x", arguments={"n": 1})
    run.tool("get_order", again, arguments={"id": 1})
    return [failure.key for failure in RepeatedReads()(run.trace)]


def test_asking_again_for_what_is_known_is_no_progress(run: Run) -> None:
    assert read_twice(run, "get_user") == ["get_order"]


def test_a_retry_a_poll_and_a_look_after_a_change_are_progress() -> None:
    assert read_twice(Run()) == []
    assert read_twice(Run(), "get_user", again="2") == []
    assert read_twice(Run(), "update_order") == []


def refused(run: Run, tool: str, times: int, *, same: bool = False) -> list[str]:
    run.agent()
    for number in range(times):
        run.tool(tool, "Error: no", arguments={"n": 0 if same else number})
    run.tool(tool)
    return [failure.key for failure in TrialAndError()(run.trace)]


def test_a_tool_that_refuses_one_call_after_another_is_tried_out() -> None:
    assert refused(Run(), "book_flight", 2) == ["book_flight"]
    assert refused(Run(), "find_user", 3) == ["find_user"]


def test_one_slip_a_short_search_and_a_retry_are_not() -> None:
    assert refused(Run(), "book_flight", 1) == []
    assert refused(Run(), "find_user", 2) == []
    assert refused(Run(), "book_flight", 3, same=True) == []


def history(*roles: str) -> str:
    call = {"id": "c", "type": "function", "function": {"name": "get_order", "arguments": "{}"}}
    said = {"calls": {"role": "assistant", "content": "", "tool_calls": [call, call]}, "tool": {"role": "tool"}}
    turns = [said.get(role, {"role": role}) | {"content": "x"} for role in roles]
    return str(turns).replace("'", '"')


@pytest.mark.parametrize(
    ("roles", "lost"),
    [
        (("user", "calls", "tool", "user"), ["get_order"]),
        (("user", "calls", "tool", "tool", "user"), []),
        (("user", "calls", "user"), []),  # this tracer records no results at all
    ],
)
def test_a_result_that_the_model_is_not_sent_is_lost(run: Run, roles: tuple[str, ...], lost: list[str]) -> None:
    run.agent()
    chat(run, **{"gen_ai.input.messages": history(*roles)})
    assert [failure.key for failure in UnansweredCalls()(run.trace)] == lost


def test_a_root_that_never_ended_after_a_call_for_tools_is_abandoned(run: Run) -> None:
    run.agent(answer=None)
    run.spans[0] = type(run.spans[0])(trace_id=run.trace_id, span_id="01", name="run", start=run.spans[0].start)
    chat(run, calls=[("get_order", "{}")])
    assert [failure.span_id for failure in UnfinishedRuns()(run.trace)] == ["01"]
    chat(run, answer="Here.")
    assert list(UnfinishedRuns()(run.trace)) == []


def of_length(number: int, steps: int) -> Run:
    run = Run(f"{number:032x}")
    run.agent()
    for _ in range(steps):
        run.llm()
    return run


def test_a_run_far_above_its_kind_is_an_outlier_and_a_slightly_longer_one_is_not() -> None:
    steps = [5, 6, 5, 7, 6] * 5 + [8, 40]
    found = outliers([of_length(number, n).trace for number, n in enumerate(steps)])
    assert {failure.trace_id for failure in found} == {f"{26:032x}"}
    assert [failure.key for failure in found] == ["model calls"]  # which took more seconds, too


def test_few_runs_have_no_outliers() -> None:
    assert outliers([of_length(number, n).trace for number, n in enumerate([5, 5, 5, 40])]) == []


def test_a_run_that_calls_no_tool_where_others_do_did_nothing() -> None:
    runs = [of_length(number, 3) for number in range(24)]
    for run in runs[1:]:
        for _ in range(3):
            run.tool()
    assert [(failure.trace_id, failure.key) for failure in outliers([run.trace for run in runs])] == [
        (f"{0:032x}", "no tool calls")
    ]


def test_what_a_call_cost_is_measured_where_the_tracer_says_so() -> None:
    runs = [of_length(number, 1) for number in range(24)]
    for number, run in enumerate(runs):
        chat(run, **{"gen_ai.usage.cost": 3.0 if number == 7 else 0.01})
    assert [(failure.trace_id, failure.key) for failure in outliers([run.trace for run in runs])] == [
        (f"{7:032x}", "US dollars")
    ]
