"""Answers in JSON that are wrapped, errors that are swallowed, and state that conversations share."""

from pathlib import Path

import pytest

from fixers.recipes.json_answers import JsonAnswers
from fixers.recipes.recipe import Recipe
from fixers.recipes.shared_state import SharedState
from fixers.recipes.swallowed_errors import SwallowedErrors
from tests.unit.fixers.in_process import after_of, mended
from tests.unit.fixers.red_green import DIAGNOSIS, declined
from tests.unit.fixers.runs import asked_with

STRICT = {
    "function": "import json\n\ndef read_answer(content):\n    return json.loads(content)['answer']\n",
    "method": """
import json

class Reader:
    def read(self, reply: str) -> dict:
        try:
            found = json.loads(reply or "")
        except ValueError as error:
            raise RuntimeError(f"not the JSON that was asked for: {reply!r}") from error
        return {"plan": found["plan"], "done": found.get("done")}
""",
    "async": "import json\n\nasync def parse(raw_text: str):\n    return json.loads(raw_text.strip())\n",
}
SWALLOWING = {
    "middleware": """
class Refused(Exception):
    pass

def told(tool, arguments, proceed):
    try:
        return proceed(tool, arguments)
    except (Refused, KeyError):
        return {"status": "ok"}
""",
    "method": """
class Runner:
    async def run(self, func, args: dict) -> str:
        try:
            return await func(**args)
        except Exception:
            result = "done"
        return result
""",
    "loop": """
import json
from openai import OpenAI

client = OpenAI()
TOOLS = {}

def answer(question):
    messages = [{"role": "user", "content": question}]
    while True:
        message = client.chat.completions.create(model="m", messages=messages).choices[0].message
        if not message.tool_calls:
            return message.content
        messages.append(message)
        for call in message.tool_calls:
            name = call.function.name
            try:
                result = TOOLS[name](**json.loads(call.function.arguments))
            except Exception as failed:
                result = ""
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
""",
}
SHARING = {
    "class body": "class Memory:\n    facts: dict[str, str] = {}\n\n    def note(self, name, value):\n"
    "        self.facts[name] = value\n",
    "beside __init__": """
class Session:
    history = []

    def __init__(self, user):
        \"\"\"Begin.\"\"\"
        self.user = user

    def say(self, text):
        self.history.append(text)
""",
    "default": "class Chat:\n    def __init__(self, messages=[], limit=3):\n        self.messages = messages\n"
    "        self.limit = limit\n\n    def add(self, text):\n        self.messages.append(text)\n",
}
ASYNC_TABLE = {
    "src/crew/__init__.py": "",
    "src/crew/runner.py": """
import json
from openai import AsyncOpenAI

class Runner:
    def __init__(self, tools: dict):
        self.tools = tools
        self.client = AsyncOpenAI()

    async def run(self, text: str) -> str:
        messages = [{"role": "user", "content": text}]
        while True:
            done = await self.client.chat.completions.create(model="m", messages=messages)
            message = done.choices[0].message
            if not message.tool_calls:
                return message.content
            messages.append(message.model_dump())
            for call in message.tool_calls:
                try:
                    content = await self.tools[call.function.name](**json.loads(call.function.arguments))
                except (KeyError, RuntimeError):
                    content = "ok"
                messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
""",
}
CASES: list[tuple[Recipe, str]] = [
    *((JsonAnswers(), text) for text in STRICT.values()),
    *((SwallowedErrors(), text) for text in SWALLOWING.values()),
    *((SharedState(), text) for text in SHARING.values()),
]


@pytest.mark.parametrize(
    ("recipe", "text"), CASES, ids=[f"{recipe.name} {i % 3}" for i, (recipe, _) in enumerate(CASES)]
)
def test_it_is_mended_once(recipe: Recipe, text: str, tmp_path: Path) -> None:
    sources = {"part_of_agent.py": text}
    declined(recipe, after_of(mended(recipe, sources, tmp_path), sources))


def test_what_a_tool_of_an_awaited_table_refused_is_told(tmp_path: Path) -> None:
    fix = mended(SwallowedErrors(), ASYNC_TABLE, tmp_path)
    assert "(KeyError, RuntimeError) as error:" in after_of(fix, ASYNC_TABLE)["src/crew/runner.py"]
    declined(SwallowedErrors(), after_of(fix, ASYNC_TABLE))


@pytest.mark.parametrize(
    ("recipe", "text"),
    [
        (JsonAnswers(), "import json\n\ndef read(path):\n    return json.loads(path.read_text())\n"),
        (JsonAnswers(), "import json\n\ndef read(body):\n    return json.loads(body)\n"),
        (JsonAnswers(), STRICT["function"].replace("    return", "    content = content.split('```')[1]\n    return")),
        (SwallowedErrors(), SWALLOWING["middleware"].replace('{"status": "ok"}', '{"error": "refused"}')),
        (
            SwallowedErrors(),
            "def read(path):\n    try:\n        return open(path).read()\n    except OSError:\n        return ''\n",
        ),
        (SwallowedErrors(), SWALLOWING["middleware"].replace("proceed(tool, arguments)", "len(arguments)")),
        (SharedState(), SHARING["class body"].replace("self.facts[name] = value", "return self.facts.get(name)")),
        (SharedState(), SHARING["class body"].replace("facts", "registry")),
        (SharedState(), SHARING["class body"].replace("class Memory", "@dataclass\nclass Memory")),
        (SharedState(), SHARING["beside __init__"].replace("self.user = user", "self.history = []")),
        (SharedState(), SHARING["default"].replace("messages=[]", "messages=()")),
    ],
)
def test_what_is_right_or_not_plain_is_left_alone(recipe: Recipe, text: str) -> None:
    declined(recipe, text)


def test_answers_are_unwrapped_only_where_a_run_has_a_wrapped_one() -> None:
    sources = {"part_of_agent.py": STRICT["function"]}
    for said, fits in (('```json\n{"answer": "x"}\n```', True), ("I do not know", False), ('{"answer": "x"}', False)):
        fix = JsonAnswers().apply(sources, DIAGNOSIS, seen=asked_with("error", "BadAnswer", said=said))
        assert isinstance(fix, str) is not fits


def test_state_that_is_shared_in_two_places_is_left_to_people() -> None:
    both = {"a_part.py": SHARING["class body"], "b_part.py": SHARING["default"]}
    assert declined(SharedState(), both) == "2 places let instances share what one of them changes"
