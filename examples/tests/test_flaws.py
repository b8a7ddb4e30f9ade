"""Each flaw shows in the traces of the conversations that meet it, and nowhere else."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from examples.tests.conftest import Ran
from examples.tests.sink import ERROR, Seen
from examples.traffic import CHECKOUT, MIX
from fixers.harness import CONFIGURATION_PATH, read_harnesses

FLAWED_KINDS = (
    "rate_limited",
    "malformed_arguments",
    "refund_in_own_words",
    "long_conversation",
    "many_orders",
    "refund_without_check",
    "two_orders",
    "my_last_order",
)


def root(spans: Sequence[Seen]) -> Seen:
    return next(span for span in spans if not span.parent_span_id)


def of_kind(spans: Sequence[Seen], kind: str) -> list[Seen]:
    return [span for span in spans if span.kind == kind]


def exception_types(spans: Sequence[Seen]) -> set[str]:
    return {exception["exception.type"].rpartition(".")[2] for span in spans for exception in span.exceptions}


def roles(span: Seen) -> list[str]:
    return [message["role"] for message in span.request["messages"]]


def lost_system_prompt(spans: Sequence[Seen]) -> bool:
    return any("system" not in roles(span) for span in of_kind(spans, "LLM"))


def mismatched_results(spans: Sequence[Seen]) -> list[str]:
    returned = {span.attributes["tool_call.id"]: span.attributes["output.value"] for span in of_kind(spans, "TOOL")}
    told = {
        message["tool_call_id"]: message["content"]
        for span in of_kind(spans, "LLM")
        for message in span.request["messages"]
        if message["role"] == "tool"
    }
    return [call_id for call_id, content in told.items() if content != returned[call_id]]


def unchecked_refund(spans: Sequence[Seen]) -> bool:
    tools = {span.name for span in of_kind(spans, "TOOL")}
    return "issue_refund" in tools and "verify_identity" not in tools


def failed_tools(spans: Sequence[Seen]) -> set[str]:
    return {span.name for span in of_kind(spans, "TOOL") if span.status == ERROR}


def empty_answer(spans: Sequence[Seen]) -> bool:
    return root(spans).attributes.get("output.value") == ""


def ratings(spans: Sequence[Seen]) -> list[dict[str, Any]]:
    return [
        dict(attributes) for span in spans for name, attributes in span.events if name == "gen_ai.evaluation.result"
    ]


SIGNS: dict[str, Callable[[Sequence[Seen]], bool]] = {
    "rate_limited": lambda spans: "RateLimitError" in exception_types(spans),
    "malformed_arguments": lambda spans: "JSONDecodeError" in exception_types(spans),
    "refund_in_own_words": lambda spans: "issue_refund" in failed_tools(spans),
    "long_conversation": lost_system_prompt,
    "many_orders": empty_answer,
    "refund_without_check": unchecked_refund,
    "two_orders": lambda spans: bool(mismatched_results(spans)),
}


@pytest.mark.parametrize("kind", SIGNS)
def test_every_conversation_that_meets_a_flaw_shows_it(flawed: Ran, kind: str) -> None:
    met = flawed.of(kind)
    assert len(met) >= 8
    assert all(SIGNS[kind](spans) for _, spans in met)
    assert not any(answered.is_right for answered, _ in met)


@pytest.mark.parametrize("kind", SIGNS)
def test_a_flaw_shows_in_no_conversation_of_another_kind(flawed: Ran, kind: str) -> None:
    others = [entry for other in {*MIX, "second_visit"} - {kind} for entry in flawed.of(other)]
    assert [answered.conversation for answered, spans in others if SIGNS[kind](spans)] == []


def test_customers_complain_that_they_are_shown_someone_else_s_order(flawed: Ran) -> None:
    shown = [(answered, ratings(spans)) for answered, spans in flawed.of("my_last_order") if not answered.is_right]
    complaints = [rating for _, given in shown for rating in given]
    assert len(complaints) >= 8
    assert {rating["gen_ai.evaluation.score.label"] for rating in complaints} == {"thumbs_down"}
    assert all("order" in rating["gen_ai.evaluation.explanation"] for rating in complaints)


def test_half_of_the_long_conversations_are_refused_by_the_provider(flawed: Ran) -> None:
    refused = [answered for answered, spans in flawed.of("long_conversation") if exception_types(spans)]
    assert {answered.error.split(":")[0] for answered in refused if answered.error} == {"BadRequestError"}
    assert 1 <= len(refused) < 8


def test_at_least_thirty_conversations_are_healthy(flawed: Ran) -> None:
    healthy = [entry for entry in flawed.answered if entry.conversation.kind not in FLAWED_KINDS]
    assert len(healthy) >= 30
    assert all(entry.is_right for entry in healthy)
    used = {span.name for kind in {*MIX} - set(FLAWED_KINDS) for _, spans in flawed.of(kind) for span in spans}
    assert {"get_order", "track_shipment", "issue_refund", "verify_identity", "change_address"} <= used


def test_a_crash_is_recorded_on_the_conversation_with_its_stack_trace(flawed: Ran) -> None:
    _, spans = flawed.of("malformed_arguments")[0]
    (exception,) = root(spans).exceptions
    assert "support_agent/agent.py" in exception["exception.stacktrace"]
    assert root(spans).status == ERROR


def test_a_429_is_an_error_of_the_model_call_with_its_request(flawed: Ran) -> None:
    _, spans = flawed.of("rate_limited")[0]
    (call,) = of_kind(spans, "LLM")
    assert call.status == ERROR
    assert "429" in call.exceptions[0]["exception.message"]
    assert len(call.request["tools"]) == 7


def test_a_conversation_is_one_trace_that_says_who_what_and_which_release(flawed: Ran) -> None:
    for answered in flawed.answered:
        span = root(flawed.traces[answered.conversation.session_id])
        assert (span.name, span.kind) == ("support_agent.conversation", "AGENT")
        assert json.loads(span.attributes["input.value"])["turns"] == list(answered.conversation.turns)
        assert span.attributes["user.id"] == answered.conversation.user_id
        assert (span.resource["service.name"], span.resource["service.version"]) == ("support-agent", "1.4.2")
    assert flawed.keys == {"Bearer secret key"}


def test_a_tool_span_names_the_code_that_ran(flawed: Ran) -> None:
    _, spans = flawed.of("refund_in_own_words")[0]
    span = next(span for span in of_kind(spans, "TOOL") if span.name == "issue_refund")
    assert span.attributes["code.file.path"] == "support_agent/tools.py"
    assert span.attributes["code.function.name"] == "issue_refund"
    assert span.attributes["code.line.number"] > 1
    assert json.loads(span.attributes["input.value"])["reason"]
    assert "error" in json.loads(span.attributes["output.value"])
    assert exception_types([span]) == {"ToolError"}


def test_the_repository_s_configuration_is_read(flawed: Ran) -> None:
    (harness,) = read_harnesses((CHECKOUT / CONFIGURATION_PATH).read_text(encoding="utf-8"))
    services = {span.resource["service.name"] for spans in flawed.traces.values() for span in spans}
    assert services == set(harness.services)
    assert harness.replay == ("python", "-m", "support_agent.replay")
    assert [(rule.tool, rule.requires) for rule in harness.policies] == [("issue_refund", "verify_identity")]
