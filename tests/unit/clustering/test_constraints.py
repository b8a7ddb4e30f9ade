import json

from clustering.constraints import MAX_CHECKS, constraint_log
from clustering.rule import Rule, Unless
from tests.unit.clustering.runs import Run

YES = Rule(name="yes first", tool="cancel_*", confirmed=True)
ONCE = Rule(name="once", tool="change", at_most=1)
SHIPPED = Rule(name="shipped stays", tool="cancel_*", unless=Unless(tool="look", field="status", value="Shipped"))


def log(run: Run, *rules: Rule) -> list[tuple[str, str, bool]]:
    return [(check.span_id, check.constraint, check.held) for check in constraint_log(run.trace, rules)]


def declare(run: Run, *calls: tuple[str, str]) -> None:
    tool = {"name": "refund", "parameters": {"type": "object", "required": ["order"], "properties": {}}}
    asked = [{"id": f"c{at}", "function": {"name": name, "arguments": told}} for at, (name, told) in enumerate(calls)]
    run.add(
        "chat",
        {
            "openinference.span.kind": "LLM",
            "gen_ai.tool.definitions": json.dumps([{"type": "function", "function": tool}]),
            "gen_ai.output.messages": json.dumps([{"role": "assistant", "content": "", "tool_calls": asked}]),
        },
    )


def test_calls_are_held_against_the_schemas_that_their_request_declared(run: Run) -> None:
    run.agent()
    declare(run, ("refund", '{"order": 7}'), ("refund", "{}"), ("erase", "{}"))
    assert log(run) == [
        ("02", "schema of refund", True),
        ("02", "schema of refund", False),
        ("02", "schema of erase", False),
    ]
    assert constraint_log(run.trace)[1].why == "refund: the arguments: order is missing."


def test_each_time_a_guarded_tool_runs_is_in_the_log(run: Run) -> None:
    run.agent()
    for _ in range(2):
        run.tool("change")
    assert log(run, ONCE) == [("02", "once", True), ("03", "once", False)]


def test_the_users_last_words_must_agree(run: Run) -> None:
    run.agent()
    run.llm(("user", "Cancel order 7?"))
    run.tool("cancel_order")
    run.llm(("user", "Cancel order 7?"), ("assistant", "Shall I?"), ("user", "Yes, go ahead."))
    run.tool("cancel_order")
    run.llm(("user", "Cancel order 7?"), ("user", "Yes, go ahead."), ("user", "No, don't proceed."))
    run.tool("cancel_order")
    assert [held for *_, held in log(run, YES)] == [False, True, False]


def test_what_a_lookup_said_of_the_same_thing_forbids_a_call(run: Run) -> None:
    run.agent()
    run.tool("look", '{"order": {"status": "shipped"}}', arguments={"order_id": "A-1"})
    run.tool("look", '{"order": {"status": "pending"}}', arguments={"order_id": "A-2"})
    run.tool("cancel_order", arguments={"order_id": "A-2", "reason": "none"})
    run.tool("cancel_order", arguments={"order_id": "A-1", "reason": "none"})
    run.tool("look", '{"order": {"status": "pending"}}', arguments={"order_id": "A-1"})
    run.tool("cancel_order", arguments={"order_id": "A-1", "reason": "none"})
    assert [held for *_, held in log(run, SHIPPED)] == [True, False, True]


def test_a_call_that_was_refused_is_not_in_the_log(run: Run) -> None:
    run.agent()
    run.tool("change", "Error: no")
    assert log(run, ONCE) == []


def test_a_long_log_keeps_its_beginning_and_what_was_broken(run: Run) -> None:
    run.agent()
    run.tool("verify")
    needs = Rule(name="late", tool="late", requires="never")
    for _ in range(300):
        run.tool("change")
    run.tool("late")
    found = log(run, Rule(name="verified", tool="change", requires="verify"), needs)
    assert len(found) == MAX_CHECKS + 1
    assert found[-1][1:] == ("late", False)


def test_a_rule_reads_as_a_sentence() -> None:
    assert YES.sentence == "cancel_* needs the user's yes."
    assert SHIPPED.sentence == "cancel_* must not run when look says status is Shipped."
