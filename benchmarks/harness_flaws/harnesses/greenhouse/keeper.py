"""The keeper: one conversation with a gardener."""

import json
import re
from pathlib import Path

import yaml

import beds
import spans

HERE = Path(__file__).parent
MAX_STEPS = 8
KEEP = 16


class BadAnswer(Exception):
    """The model's last message is not the object that was asked for."""


def system_prompt():
    prompts = yaml.safe_load((HERE / "prompts.yaml").read_text(encoding="utf-8"))
    skills = [path.read_text(encoding="utf-8") for path in sorted((HERE / "skills").glob("*.md"))]
    return "\n".join([prompts["keeper"], prompts["notes"], *skills])


def talk(provider, turns, *, session, user, run=None):
    """Answer every turn; return the last answer and the id of the conversation's span."""
    run = run or run_tool
    with spans.conversation(turns, session, user) as span:
        messages = [{"role": "system", "content": system_prompt()}]
        answer = ""
        for turn in turns:
            messages.append({"role": "user", "content": turn})
            answer = step_until_answered(provider, messages, run)
        span.output(answer)
        return answer, span


def step_until_answered(provider, messages, run):
    for _ in range(MAX_STEPS):
        message = provider.complete(window(messages), beds.TOOLS)
        messages.append(message)
        calls = message.get("tool_calls") or []
        if not calls:
            return read_answer(message["content"])
        for call in calls:
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": run(call)})
    return "I am still looking into it; please ask me again in a moment."


def window(messages):
    """The system prompt and the newest messages, cut only where a gardener begins to speak."""
    if len(messages) <= KEEP:
        return messages
    starts = [i for i, message in enumerate(messages) if message["role"] == "user"]
    start = next((i for i in starts if len(messages) - i < KEEP), starts[-1])
    return [messages[0], *messages[start:]]


def read_answer(content):
    """Return the answer out of the model's JSON, also when it stands in a fence or between words."""
    found = re.search(r"\{.*\}", content or "", re.DOTALL)
    try:
        return json.loads(found[0])["answer"] if found else (content or "").strip()
    except (ValueError, KeyError, TypeError):
        return (content or "").strip()


def run_tool(call):
    """Run one tool call and return what the model is told."""
    name = call["function"]["name"]
    try:
        arguments = json.loads(call["function"]["arguments"] or "{}")
    except ValueError:
        return json.dumps({"error": "the arguments are not JSON; send them again"})
    with spans.tool(call["id"], name, arguments) as span:
        try:
            result = json.dumps(beds.RUN[name](**arguments))
        except (beds.BedError, TypeError, KeyError) as error:
            span.failed(error)
            result = json.dumps({"error": str(error)})
        span.output(result)
        return result
