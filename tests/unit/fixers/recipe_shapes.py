"""Small harnesses of three styles, with the marks that the recipes' tests fill in.

`{...}` marks are replaced by `shaped`, so that each test writes only what its flaw is about.
"""

PLAIN = {
    "shop_agent.py": """
import json
import time
import openai
from openai import OpenAI

client = OpenAI(MAKING)

HEAD

def ask(messages):
    ASKING

def answer(question):
    messages = [{"role": "user", "content": question}]
    return ask(messages).choices[0].message.content
"""
}
FRAMEWORK = {
    "src/crew/__init__.py": "",
    "src/crew/model.py": """
import asyncio
import openai

HEAD

class ChatModel:
    def __init__(self, name: str = "m"):
        self.name = name
        self.client = openai.AsyncOpenAI(MAKING)

    async def complete(self, messages: list) -> str:
        ASKING
""",
    "src/crew/agent.py": """
from dataclasses import dataclass, field

from crew.model import ChatModel

@dataclass
class Agent:
    instructions: str
    model: ChatModel = field(default_factory=ChatModel)

    async def run(self, text: str) -> str:
        asked = [{"role": "system", "content": self.instructions}, {"role": "user", "content": text}]
        return await self.model.complete(asked)
""",
}
RAW = {
    "desk/__init__.py": "",
    "desk/wire.py": """
import time
import httpx

HEAD

class Wire:
    def __init__(self, url: str = "http://127.0.0.1:9/v1"):
        self.url = url
        self.http = httpx.Client(MAKING)

    def chat(self, messages: list) -> dict:
        ASKING
""",
}


def shaped(sources: dict[str, str], *, head: str = "", making: str = "", asking: str) -> dict[str, str]:
    """Return the harness with its marks filled in; `asking` is written without indentation."""
    found = {}
    for path, text in sources.items():
        indent = next((line.partition("ASKING")[0] for line in text.splitlines() if "ASKING" in line), "")
        body = ("\n" + indent).join(asking.strip("\n").splitlines())
        found[path] = text.replace("HEAD", head.strip("\n")).replace("MAKING", making).replace("ASKING", body)
    return found
