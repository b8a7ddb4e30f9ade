"""Conversations that are shortened by their own rules, and results that are matched by position."""

from pathlib import Path

import pytest

from fixers.recipes.joined_results import JoinedResults
from fixers.recipes.lost_prompt import LostPrompt
from fixers.recipes.truncation import Truncation
from tests.unit.fixers.in_process import after_of, mended
from tests.unit.fixers.red_green import DIAGNOSIS, declined
from tests.unit.fixers.runs import asked_with, failed_with, mode_of

FORGETFUL = {
    "slice": "def trim(messages, limit=6):\n    tail = messages[-limit:]\n"
    "    while tail and tail[0]['role'] != 'user':\n        tail = tail[1:]\n    return tail\n",
    "budget": "def within(history, budget=30):\n    kept = []\n    for message in reversed(history):\n"
    "        budget -= len(message['content']) // 40\n        if budget < 0:\n            break\n"
    "        kept.insert(0, message)\n    return kept\n",
    "object": "from dataclasses import dataclass\n\n@dataclass\nclass Window:\n    messages: list\n    dropped: int\n\n"
    "class Context:\n    def fit(self, conversation: list, max_messages: int = 4) -> Window:\n"
    "        cut = max(len(conversation) - max_messages, 0)\n        rest = conversation[cut:]\n"
    "        return Window(messages=rest, dropped=cut)\n",
}


@pytest.mark.parametrize("name", FORGETFUL)
def test_what_is_kept_begins_with_the_system_prompt(name: str, tmp_path: Path) -> None:
    sources = {"memory/__init__.py": "", "memory/window_of.py": FORGETFUL[name]}
    declined(LostPrompt(), after_of(mended(LostPrompt(), sources, tmp_path), sources))


@pytest.mark.parametrize(
    "text",
    [
        "def trim(messages):\n    system = messages[:1]\n    kept = messages[-4:]\n    return system + kept\n",
        "def last_answer(messages):\n    return messages[-1]['content']\n",
        "def recent(orders):\n    kept = orders[-4:]\n    return kept\n",
        "def fix(messages):\n    '''Mend.\n\n    In the limit.\n    '''\n    rest = messages[-4:]\n    return rest\n",
    ],
    ids=["keeps it", "one message", "no conversation", "not for that"],
)
def test_other_functions_are_left_alone(text: str) -> None:
    declined(LostPrompt(), text)


JOINED = {
    "starred": "KEEP = 6\n\ndef window(messages):\n    if len(messages) <= KEEP:\n        return messages\n"
    "    return [messages[0], *messages[-KEEP + 1 :]]\n",
    "added": "def window(history, limit=6):\n    return history[:1] + history[-(limit - 1):]\n",
    "number": "class Log:\n    def recent(self, messages: list):\n        return [messages[0], *messages[-5:]]\n",
}


@pytest.mark.parametrize("name", JOINED)
def test_a_result_stays_with_its_call(name: str, tmp_path: Path) -> None:
    sources = {"context_of.py": JOINED[name]}
    declined(Truncation(), after_of(mended(Truncation(), sources, tmp_path), sources))


def test_a_refusal_without_words_counts_only_where_a_result_stands_without_its_call() -> None:
    refused = failed_with("BadRequestError", "Error code: 400")
    assert Truncation().fits(mode_of("error", "BadRequestError"), refused.failures)
    assert "no request" in str(Truncation().apply({"context_of.py": JOINED["number"]}, DIAGNOSIS, seen=refused))
    whole = asked_with("error", "BadRequestError", messages=[{"role": "user", "content": "hello"}])
    assert "no request" in str(Truncation().apply({"context_of.py": JOINED["number"]}, DIAGNOSIS, seen=whole))
    parted = asked_with("error", "BadRequestError", messages=[{"role": "tool", "content": "x", "tool_call_id": "c1"}])
    assert not isinstance(Truncation().apply({"context_of.py": JOINED["number"]}, DIAGNOSIS, seen=parted), str)


LOOP = """
    def turn(self, question: str) -> str:
        messages = [{"role": "user", "content": question}]
        while True:
            message = CREATE
            if not message.tool_calls:
                return message.content
            messages.append(message)
            texts = TEXTS
            for call, text in zip(message.tool_calls, texts):
                messages.append({"role": "tool", "tool_call_id": call.id, "content": text})
"""
THREADS = (
    "import json\nimport time\nfrom concurrent.futures import ThreadPoolExecutor, as_completed\n"
    "from openai import OpenAI\n\nclient = OpenAI()\n\ndef run_one(call):\n    return call.function.name\n\nclass Desk:"
    + LOOP.replace("CREATE", "client.chat.completions.create(model='m', messages=messages).choices[0].message")
).replace(
    "            texts = TEXTS\n",
    "            with ThreadPoolExecutor() as pool:\n"
    "                futures = [pool.submit(run_one, call) for call in message.tool_calls]\n"
    "                texts = [done.result() for done in as_completed(futures)]\n",
)
ASYNC = (
    "import asyncio\nfrom openai import AsyncOpenAI\n\nclass Desk:\n    def __init__(self):\n"
    "        self.client = AsyncOpenAI()\n\n    async def one(self, call):\n        return call.function.name\n"
    + LOOP.replace("    def turn", "    async def turn")
    .replace("CREATE", "(await self.client.chat.completions.create(model='m', messages=messages)).choices[0].message")
    .replace("TEXTS", "[await each for each in asyncio.as_completed([self.one(call) for call in message.tool_calls])]")
)
POSTED = (
    "import asyncio\nimport httpx\n\nasync def run_one(call):\n    return call['function']['name']\n\nclass Desk:"
    + LOOP.replace("    def turn", "    async def turn")
    .replace(
        "CREATE",
        "(await httpx.AsyncClient().post('http://127.0.0.1:9/v1/chat/completions', json={'messages': messages}))"
        ".json()['choices'][0]['message']",
    )
    .replace("message.tool_calls:", "message.get('tool_calls'):")
    .replace("message.tool_calls", "message['tool_calls']")
    .replace("message.content", "message['content']")
    .replace("call.id", "call['id']")
    .replace("TEXTS", "[await each for each in asyncio.as_completed([run_one(c) for c in message['tool_calls']])]")
)


@pytest.mark.parametrize("text", [THREADS, ASYNC, POSTED], ids=["threads", "async", "by hand"])
def test_results_are_in_the_order_of_the_calls(text: str, tmp_path: Path) -> None:
    declined(JoinedResults(), after_of(mended(JoinedResults(), {"desk_of.py": text}, tmp_path), {"desk_of.py": text}))


@pytest.mark.parametrize(
    "text",
    [
        THREADS.replace("zip(message.tool_calls, texts)", "zip('ab', texts)"),
        ASYNC.replace("asyncio.as_completed([", "sorted([").replace("await each", "each"),
    ],
    ids=["not matched with calls", "another order"],
)
def test_results_that_no_position_matches_are_left_alone(text: str) -> None:
    declined(JoinedResults(), text)
