"""The loop: ask, run the tools that the model calls, ask again."""

import json
from pathlib import Path

from desk import llm
from desk.history import shorten
from desk.telemetry import conversation, tool_run
from desk.tools import SCHEMAS, ToolFailed

PROMPT = Path(__file__).parents[1] / "prompts" / "desk.txt"
MAX_ROUNDS = 5


def converse(client, toolbox, turns, session_id, user_id):
    """Answer the turns of one conversation; return the last answer and the conversation's span."""
    with conversation(turns, session_id, user_id) as span:
        messages = [{"role": "system", "content": PROMPT.read_text(encoding="utf-8")}]
        answer = ""
        for turn in turns:
            messages.append({"role": "user", "content": turn})
            answer = answer_turn(client, toolbox, messages)
            messages.append({"role": "assistant", "content": answer})
        span.set_attribute("output.value", answer)
        return answer, span.get_span_context()


def answer_turn(client, toolbox, messages):
    for _ in range(MAX_ROUNDS):
        message = llm.ask(client, shorten(messages), tools=SCHEMAS)
        if not message.tool_calls:
            return message.content or ""
        messages.append(message.model_dump(exclude_none=True))
        messages.extend(run_calls(toolbox, message.tool_calls))
    # Out of rounds: let the model say what it has found so far.
    message = llm.ask(client, shorten(messages), tools=SCHEMAS, tool_choice="none")
    return message.content or ""


def run_calls(toolbox, calls):
    """Run the calls of one message and return a tool message for each."""
    answers = []
    for call in calls:
        answers.append({"role": "tool", "tool_call_id": call.id, "content": run_call(toolbox, call)})
    return answers


def run_call(toolbox, call):
    name = call.function.name
    try:
        arguments = json.loads(call.function.arguments)
    except ValueError as error:
        return json.dumps({"error": f"the arguments of {name} are not valid JSON: {error}"})
    with tool_run(call.id, name, arguments) as span:
        try:
            result = json.dumps(toolbox.run(name, arguments))
        except ToolFailed as error:
            span.record_exception(error)
            result = json.dumps({"error": str(error)})
        span.set_attribute("output.value", result)
    return result
