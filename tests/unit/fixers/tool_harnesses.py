"""Harnesses that run tools, and keep them in three different ways. For the tests of recipes."""

PLAIN = {
    "shop_agent.py": """
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
            arguments = json.loads(call.function.arguments)
            result = TOOLS[call.function.name](**arguments)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": str(result)})
"""
}
FRAMEWORK = {
    "src/crew/__init__.py": "",
    "src/crew/runner.py": """
import json
from openai import AsyncOpenAI

class Runner:
    def __init__(self, tools: dict):
        self.tools = tools
        self.client = AsyncOpenAI()

    async def run_tool(self, name: str, arguments: str) -> str:
        \"\"\"Run one tool.\"\"\"
        return await self.tools[name](**json.loads(arguments))

    async def run(self, text: str) -> str:
        messages = [{"role": "user", "content": text}]
        while True:
            done = await self.client.chat.completions.create(model="m", messages=messages)
            message = done.choices[0].message
            if not message.tool_calls:
                return message.content
            messages.append(message.model_dump())
            for call in message.tool_calls:
                content = await self.run_tool(call.function.name, call.function.arguments)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
""",
}
BY_HAND = {
    "desk/__init__.py": "",
    "desk/loop.py": """
import json
import httpx

RUN = {}

def ask(messages):
    response = httpx.post("http://127.0.0.1:9/v1/chat/completions", json={"messages": messages})
    return response.json()["choices"][0]["message"]

def talk(question):
\tmessages = [{"role": "user", "content": question}]
\tfor _ in range(5):
\t\tmessage = ask(messages)
\t\tmessages.append(message)
\t\tif not message.get("tool_calls"):
\t\t\treturn message["content"]
\t\tfor call in message["tool_calls"]:
\t\t\tgiven = json.loads(call["function"]["arguments"])
\t\t\ttold = RUN[call["function"]["name"]](**given)
\t\t\tmessages.append({"role": "tool", "tool_call_id": call["id"], "content": json.dumps(told)})
""".replace("    ", "\t"),
}
HARNESSES = {"sdk": PLAIN, "framework": FRAMEWORK, "by hand": BY_HAND}
