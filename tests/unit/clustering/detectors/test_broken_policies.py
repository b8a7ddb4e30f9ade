from clustering.detectors.broken_policies import BrokenPolicies
from clustering.rule import Rule
from tests.unit.clustering.runs import Run

IDENTITY = Rule(name="identity-before-refund", tool="refund_order", requires="verify_identity")


def found(run: Run, *rules: Rule) -> list[tuple[str, str]]:
    return [(failure.key, failure.span_id) for failure in BrokenPolicies(rules=rules or (IDENTITY,))(run.trace)]


def test_a_guarded_tool_without_the_required_call_breaks_the_rule_once(run: Run) -> None:
    run.agent()
    run.tool("refund_order")
    run.tool("refund_order")
    assert found(run) == [("identity-before-refund", "02")]


def test_the_required_call_must_come_first(run: Run) -> None:
    run.agent()
    run.tool("refund_order")
    run.tool("verify_identity")
    assert len(found(run)) == 1


def test_the_required_call_must_have_succeeded(run: Run) -> None:
    run.agent()
    run.tool("verify_identity", result='{"error": "wrong e-mail"}')
    run.tool("refund_order")
    assert len(found(run)) == 1


def test_a_run_that_keeps_the_rule_is_healthy(run: Run) -> None:
    run.agent()
    run.tool("verify_identity")
    run.tool("refund_order")
    assert found(run) == []


def test_a_guarded_tool_that_refused_did_no_harm(run: Run) -> None:
    run.agent()
    run.tool("refund_order", result="Error: identity not verified")
    assert found(run) == []


def test_each_rule_is_judged_on_its_own(run: Run) -> None:
    run.agent()
    run.tool("refund_order")
    run.tool("cancel_order")
    rules = (IDENTITY, Rule(name="look-before-cancel", tool="cancel_order", requires="get_order"))
    assert [key for key, _ in found(run, *rules)] == ["identity-before-refund", "look-before-cancel"]
