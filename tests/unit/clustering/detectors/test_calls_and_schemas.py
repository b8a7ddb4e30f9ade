import json

import pytest

from clustering.detectors.invalid_outputs import InvalidOutputs
from clustering.detectors.invalid_tool_arguments import InvalidToolArguments
from clustering.detectors.ungrounded_arguments import UngroundedArguments
from clustering.detectors.unknown_tools import UnknownTools
from clustering.tool_schema import schema_violation
from tests.unit.clustering.detectors.said import REFUND, chat
from tests.unit.clustering.runs import Run

TOOLS = {"refund": REFUND}


@pytest.mark.parametrize(
    ("arguments", "violation"),
    [
        ('{"amount": 3}', "the arguments: order_id is missing"),
        ('{"order_id": 7}', "order_id: integer instead of string"),
        ('{"order_id": "A", "amount": -1}', "amount: breaks the schema's minimum"),
        ('{"order_id": "A", "why": "x"}', "the arguments: a field that the schema does not have"),
        ('{"order_id": "A"', "the arguments are not JSON"),
    ],
)
def test_arguments_that_break_the_tools_schema_are_a_failure(run: Run, arguments: str, violation: str) -> None:
    run.agent()
    chat(run, calls=[("refund", arguments)], tools=TOOLS)
    assert [(f.key, f.span_id, f.message) for f in InvalidToolArguments()(run.trace)] == [("refund", "02", violation)]


def test_arguments_that_fit_or_cannot_be_judged_are_none(run: Run) -> None:
    run.agent()
    chat(run, calls=[("refund", '{"order_id": "A", "amount": 2.5}')], tools=TOOLS)
    chat(run, calls=[("refund", "{}")])
    chat(run, calls=[("ping", "")], tools={"ping": {"type": "object", "properties": {}}})
    assert list(InvalidToolArguments()(run.trace)) == []


def test_a_later_call_that_fits_makes_up_for_bad_arguments(run: Run) -> None:
    run.agent()
    chat(run, calls=[("refund", "{}")], tools=TOOLS)
    chat(run, calls=[("refund", '{"order_id": "A"}')], tools=TOOLS)
    assert list(InvalidToolArguments()(run.trace)) == []


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "no such type"},
        {"properties": 3},
        {"items": [1]},
        {"$ref": "https://example.com/schema.json"},
        {"properties": {"a": {"pattern": "(a+)+$"}}},
        {"anyOf": 7},
    ],
)
def test_a_schema_that_cannot_be_trusted_judges_nothing(schema: dict[str, object]) -> None:
    assert schema_violation({"a": "a" * 100 + "!"}, schema) is None


def test_a_tool_that_was_not_offered_is_unknown(run: Run) -> None:
    run.agent()
    chat(run, calls=[("delete_all", "{}"), ("refund", "{}")], tools=TOOLS)
    chat(run, calls=[("delete_all", "{}")], tools=TOOLS)
    assert [(f.key, f.span_id) for f in UnknownTools()(run.trace)] == [("delete_all", "02")]


def test_without_declared_tools_none_is_unknown(run: Run) -> None:
    run.agent()
    chat(run, calls=[("delete_all", "{}")])
    assert list(UnknownTools()(run.trace)) == []


def test_an_answer_that_is_not_the_json_that_was_asked_for_is_a_failure(run: Run) -> None:
    run.agent()
    asked = {"response_format": {"type": "json_object"}}
    chat(run, answer="Sure! {", **{"llm.invocation_parameters": json.dumps(asked)})
    assert [(f.key, f.message) for f in InvalidOutputs()(run.trace)] == [("json_object", "the answer is not JSON")]


def test_an_answer_must_fit_the_schema_that_was_asked_for(run: Run) -> None:
    run.agent()
    asked = {"response_format": {"type": "json_schema", "json_schema": {"name": "r", "schema": REFUND}}}
    parameters = {"llm.invocation_parameters": json.dumps(asked)}
    chat(run, answer='{"amount": 1}', **parameters)
    assert [f.message for f in InvalidOutputs()(run.trace)] == ["the arguments: order_id is missing"]
    chat(run, answer='{"order_id": "A"}', **parameters)
    assert list(InvalidOutputs()(run.trace)) == []


def test_prose_that_nobody_wanted_as_json_is_fine(run: Run) -> None:
    run.agent()
    chat(run, answer="Sure!")
    assert list(InvalidOutputs()(run.trace)) == []


def changed_with(run: Run, card: str) -> list[str]:
    run.agent()
    arguments = {"payment_id": card}
    chat(run, ("user", "Use card_4421."), calls=[("pay", json.dumps(arguments))])
    run.tool("pay", arguments=arguments)
    return [failure.key for failure in UngroundedArguments()(run.trace)]


def test_a_change_with_an_id_that_nobody_gave_is_a_failure(run: Run) -> None:
    assert changed_with(run, "card_9999") == ["pay.payment_id"]


@pytest.mark.parametrize("known", ["card_4421", "#card_4421", "2026-11-22", "PayPal"])
def test_what_was_said_and_what_is_no_id_is_grounded(run: Run, known: str) -> None:
    assert changed_with(run, known) == []


def test_a_made_up_id_that_was_refused_or_only_looked_up_did_no_harm(run: Run) -> None:
    run.agent()
    chat(run, ("user", "Hi"), calls=[("pay", '{"card_id": "card_1"}'), ("get_card", '{"card_id": "card_2"}')])
    run.tool("pay", "Error: unknown card", arguments={"card_id": "card_1"})
    run.tool("get_card", arguments={"card_id": "card_2"})
    assert list(UngroundedArguments()(run.trace)) == []
