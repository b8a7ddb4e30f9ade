"""The same flaws in harnesses that are cut differently: helpers, methods, other modules, clients of their own."""

from pathlib import Path

import pytest

from fixers.recipes.retry import Retry
from fixers.recipes.tool_arguments import ToolArguments
from tests.unit.fixers.in_process import after_of, mended
from tests.unit.fixers.red_green import declined

HELPER = {
    "shop_agent.py": """
import json
from openai import OpenAI

def arguments_of(call):
    return json.loads(call.function.arguments)

def answer(question):
    client = OpenAI()
    messages = [{"role": "user", "content": question}]
    for _ in range(4):
        message = client.chat.completions.create(model="m", messages=messages).choices[0].message
        if not message.tool_calls:
            return message.content
        messages.append(message)
        for call in message.tool_calls:
            arguments = arguments_of(call)
            result = str(len(arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
"""
}
PACKAGE = {
    "src/desk/__init__.py": "",
    "src/desk/wire.py": """
import json
import httpx

URL = "http://127.0.0.1:9/v1/chat/completions"

class Wire:
    def complete(self, messages):
        response = httpx.post(URL, json={"model": "m", "messages": messages}, timeout=5)
        response.raise_for_status()
        return response.json()["choices"][0]["message"]

def decode(text):
    parsed = json.loads(text or "{}")
    return parsed
""",
    "src/desk/loop.py": """
from dataclasses import dataclass

from desk.wire import Wire, decode

@dataclass
class Settings:
    name: str
    n_turns: int = 4

class Desk:
    def __init__(self, settings: Settings):
        self.settings = settings
        self.wire = Wire()
        self.history = []

    def record(self, call_id, text):
        self.history.append({"role": "tool", "tool_call_id": call_id, "content": text})

    def ask(self, question: str) -> str:
        self.history.append({"role": "user", "content": question})
        for _ in range(self.settings.n_turns):
            message = self.wire.complete(self.history)
            self.history.append(message)
            if not message.get("tool_calls"):
                return message["content"]
            for call in message["tool_calls"]:
                arguments = decode(call["function"]["arguments"])
                self.record(call["id"], self.run(call["function"]["name"], arguments))
        return ""

    def run(self, name, arguments):
        return f"{name} {sorted(arguments)}"
""",
}
ASYNC_STEP = {
    "app/__init__.py": "",
    "app/steps.py": """
import json

async def run_call(call):
    arguments = json.loads(call.function.arguments)
    return f"{call.function.name} {sorted(arguments)}"
""",
    "app/agent_loop.py": """
import asyncio
from openai import AsyncOpenAI
from app.steps import run_call

class Loop:
    def __init__(self):
        self.client = AsyncOpenAI()

    async def go(self, question: str):
        messages = [{"role": "user", "content": question}]
        while True:
            answer = await self.client.chat.completions.create(model="m", messages=messages)
            message = answer.choices[0].message
            if not message.tool_calls:
                return message.content
            messages.append(message.model_dump(exclude_none=True))
            texts = await asyncio.gather(*map(run_call, message.tool_calls))
            for call, text in zip(message.tool_calls, texts):
                messages.append({"role": "tool", "tool_call_id": call.id, "content": text})
""",
}
SHAPES = {"helper function": HELPER, "src layout": PACKAGE, "async step of another module": ASYNC_STEP}


@pytest.mark.parametrize("name", SHAPES)
def test_malformed_arguments_are_reported_wherever_they_are_parsed(name: str, tmp_path: Path) -> None:
    mended(ToolArguments(), SHAPES[name], tmp_path)


def test_a_mended_parsing_function_is_left_alone(tmp_path: Path) -> None:
    declined(ToolArguments(), after_of(mended(ToolArguments(), HELPER, tmp_path), HELPER))


def test_a_parsing_function_whose_caller_handles_errors_is_left_alone() -> None:
    call = "            arguments = arguments_of(call)\n"
    guarded = f"            try:\n    {call}            except ValueError:\n                continue\n"
    text = HELPER["shop_agent.py"].replace(call, guarded)
    assert "already handle" in declined(ToolArguments(), text)


def test_a_client_that_a_method_keeps_to_itself_is_told_to_retry(tmp_path: Path) -> None:
    text = """
from openai import AsyncOpenAI

class Model:
    async def complete(self, messages):
        async with AsyncOpenAI(max_retries=0) as client:
            done = await client.chat.completions.create(model="m", messages=messages)
        return done.choices[0].message.content
"""
    fix = mended(Retry(), {"model_wrapper.py": text}, tmp_path)
    assert "max_retries=5" in (fix.edits[0].after or "")
