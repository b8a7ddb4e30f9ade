"""A small mend of each flaw lets the same conversations succeed."""

from collections.abc import Callable

import pytest

from examples.tests.conftest import Ran
from examples.traffic import MIX

RunEdited = Callable[..., Ran]
Edits = tuple[tuple[str, str, str], ...]

AGENT = "support_agent/agent.py"
PARSE = "            arguments = json.loads(call.function.arguments)\n"
KEYED_BY_NAME = "results[call.function.name] = self.run_tool(call.id, call.function.name, arguments)"

RETRY: Edits = (("support_agent/client.py", "max_retries=0", "max_retries=3"),)
REPORT_ERROR: Edits = (
    (
        AGENT,
        PARSE,
        """            try:
                arguments = json.loads(call.function.arguments)
            except json.JSONDecodeError as error:
                results[call.function.name] = json.dumps({"error": f"arguments are not JSON: {error}"})
                continue
""",
    ),
)
EMPTY_OBJECT: Edits = (
    (
        AGENT,
        PARSE,
        """            try:
                arguments = json.loads(call.function.arguments)
            except json.JSONDecodeError:
                arguments = {}
""",
    ),
)
NUMBER_SCHEMA: Edits = (
    (
        "support_agent/schemas.py",
        """amount={"type": "string", "description": "How much to pay back"}""",
        """amount={"type": "number", "description": "How much to pay back, in EUR"}""",
    ),
    (
        "support_agent/schemas.py",
        """reason={"type": "string", "description": "Why the customer wants the money back"}""",
        """reason={"type": "string", "enum": ["damaged", "late", "wrong_item", "changed_mind"]}""",
    ),
)
HELPFUL_REFUSALS: Edits = (
    (
        "support_agent/tools.py",
        '    except InvalidOperation as error:\n        raise ToolError(f"invalid amount: {amount!r}") from error',
        """    except InvalidOperation as error:
        raise ToolError(f"invalid amount: {amount!r}, use a plain number such as 12.50") from error""",
    ),
    (
        "support_agent/tools.py",
        'raise ToolError(f"unknown reason: {reason!r}")',
        'raise ToolError(f"unknown reason: {reason!r}, use one of {REFUND_REASONS}")',
    ),
)
KEEP_SYSTEM_PROMPT: Edits = (
    (
        "support_agent/context.py",
        "    return messages[-limit:]",
        """    start = len(messages) - limit + 1
    while messages[start]["role"] == "tool":
        start += 1
    return [messages[0], *messages[start:]]""",
    ),
)
ANSWER_WITHOUT_TOOLS: Edits = (
    (
        AGENT,
        '        return ""\n',
        """        completion = self.client.chat.completions.create(model=model_name(), messages=truncate(messages))
        return completion.choices[0].message.content or ""
""",
    ),
)
ASK_TO_WRAP_UP: Edits = (
    (
        AGENT,
        '        return ""\n',
        """        messages.append({"role": "user", "content": "Please give your best reply with what you have found."})
        completion = self.client.chat.completions.create(model=model_name(), messages=messages, tools=TOOLS)
        return completion.choices[0].message.content or ""
""",
    ),
)
MORE_STEPS: Edits = ((AGENT, "MAX_STEPS = 6", "MAX_STEPS = 12"),)
RULE_IN_PROMPT: Edits = (
    (
        "prompts/refunds.md",
        "- Never refund more",
        "- Before issuing a refund, check with verify_identity whose order it is.\n- Never refund more",
    ),
)
RULE_IN_TOOL: Edits = (
    (
        "support_agent/schemas.py",
        '"Pay money back for an order."',
        '"Pay money back for an order. Call verify_identity first."',
    ),
)
KEYED_BY_CALL: Edits = (
    (AGENT, KEYED_BY_NAME, KEYED_BY_NAME.replace("results[call.function.name]", "results[call.id]")),
    (AGENT, '"content": results[call.function.name]}', '"content": results[call.id]}'),
)
FORGET: Edits = (
    (
        "support_agent/batch.py",
        "        agent = SupportAgent(",
        "        memory._facts.clear()\n        agent = SupportAgent(",
    ),
    (
        "support_agent/batch.py",
        "from support_agent import database, feedback",
        "from support_agent import database, feedback, memory",
    ),
)


@pytest.mark.parametrize(
    ("kind", "edits"),
    [
        pytest.param("rate_limited", RETRY, id="retry"),
        pytest.param("malformed_arguments", REPORT_ERROR, id="report the error to the model"),
        pytest.param("malformed_arguments", EMPTY_OBJECT, id="take broken arguments for none"),
        pytest.param("refund_in_own_words", NUMBER_SCHEMA, id="number and enum in the schema"),
        pytest.param("refund_in_own_words", HELPFUL_REFUSALS, id="refusals that say what is right"),
        pytest.param("long_conversation", KEEP_SYSTEM_PROMPT, id="keep the system prompt and whole pairs"),
        pytest.param("many_orders", ANSWER_WITHOUT_TOOLS, id="last call without tools"),
        pytest.param("many_orders", ASK_TO_WRAP_UP, id="ask to wrap up"),
        pytest.param("many_orders", MORE_STEPS, id="more steps"),
        pytest.param("refund_without_check", RULE_IN_PROMPT, id="rule in the prompt"),
        pytest.param("refund_without_check", RULE_IN_TOOL, id="rule in the tool's description"),
        pytest.param("two_orders", KEYED_BY_CALL, id="results by call id"),
        pytest.param("my_last_order", FORGET, id="forget between conversations"),
    ],
)
def test_a_small_mend_lets_the_same_conversations_succeed(run_edited: RunEdited, kind: str, edits: Edits) -> None:
    ran = run_edited({kind, "order_status"}, *edits)
    assert len(ran.of(kind)) >= 8
    assert [(entry.conversation.turns, entry.answer, entry.error) for entry in ran.answered if not entry.is_right] == []


def test_all_mends_together_leave_no_conversation_unhelped(run_edited: RunEdited) -> None:
    edits = [
        *(RETRY + NUMBER_SCHEMA + KEEP_SYSTEM_PROMPT + ANSWER_WITHOUT_TOOLS + RULE_IN_PROMPT + FORGET),
        (AGENT, PARSE, REPORT_ERROR[0][2].replace("results[call.function.name]", "results[call.id]")),
        *KEYED_BY_CALL,
    ]
    ran = run_edited({*MIX, "second_visit"}, *edits)
    assert len(ran.answered) == 96
    assert [(entry.conversation.turns, entry.answer, entry.error) for entry in ran.answered if not entry.is_right] == []
