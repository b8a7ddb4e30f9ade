"""Awaited tools that never answer, in harnesses that keep their tools in three different ways."""

from datetime import timedelta
from pathlib import Path

import pytest

from fixers.recipes.recipe import Seen
from fixers.recipes.tool_time_limit import ToolTimeLimit
from tests.unit.fixers.in_process import after_of, mended
from tests.unit.fixers.red_green import DIAGNOSIS, declined
from tests.unit.fixers.runs import NOW, failure_of, mode_of
from tests.unit.fixers.tool_harnesses import FRAMEWORK, PLAIN
from webhooks.trace import Span, Trace

SDK = (
    PLAIN["shop_agent.py"]
    .replace("OpenAI", "AsyncOpenAI")
    .replace("def answer", "async def answer")
    .replace('client.chat.completions.create(model="m", messages=messages).choices', "MODEL.choices")
    .replace("MODEL", '(await client.chat.completions.create(model="m", messages=messages))')
    .replace("result = TOOLS", "result = await TOOLS")
)
BY_HAND = """
import json
import httpx

class Desk:
    def __init__(self, run: dict):
        self.run = run
        self.http = httpx.AsyncClient(base_url="http://127.0.0.1:9/v1")

    async def talk(self, question: str) -> str:
        messages = [{"role": "user", "content": question}]
        for _ in range(5):
            response = await self.http.post("/chat/completions", json={"messages": messages})
            message = response.json()["choices"][0]["message"]
            messages.append(message)
            if not message.get("tool_calls"):
                return message["content"]
            for call in message["tool_calls"]:
                given = json.loads(call["function"]["arguments"])
                told = await self.run[call["function"]["name"]](**given)
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": json.dumps(told)})
"""
HARNESSES = {
    "sdk": {"shop_agent.py": SDK},
    "framework": FRAMEWORK,
    "by hand": {"desk/__init__.py": "", "desk/loop.py": BY_HAND},
}


@pytest.mark.parametrize("name", HARNESSES)
def test_the_model_is_told_that_a_tool_does_not_answer(name: str, tmp_path: Path) -> None:
    fix = mended(ToolTimeLimit(), HARNESSES[name], tmp_path)
    assert "already limits the time" in declined(ToolTimeLimit(), after_of(fix, HARNESSES[name]))


AWAITED = "result = await TOOLS[call.function.name](**arguments)"
GUARD = f"try:\n                {AWAITED}\n            except Exception as error:\n                result = error"
RIGHT = {
    "a block": f"async with asyncio.timeout(9):\n                {AWAITED}",
    "all at once": AWAITED.replace("await ", "await asyncio.wait_for(").replace("arguments)", "arguments), 9)"),
    "not awaited": AWAITED.replace("await ", ""),
    "handled": GUARD,
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_limited_or_cannot_be_is_left_alone(name: str) -> None:
    changed = SDK.replace(AWAITED, RIGHT[name])
    assert changed != SDK
    declined(ToolTimeLimit(), changed)


@pytest.mark.parametrize(("seconds", "fits"), [(None, True), (75.0, True), (3.0, False)])
def test_only_runs_in_which_a_tool_hung_are_mended(seconds: float | None, *, fits: bool) -> None:
    end = None if seconds is None else NOW + timedelta(seconds=seconds)
    told = {"openinference.span.kind": "TOOL", "tool.name": "look_up"}
    tool = Span(trace_id="t1", span_id="s0", name="look_up", start=NOW, end=end, attributes=told)
    seen = Seen(failures=[failure_of("abandoned", "unfinished")], traces={"t1": Trace.from_spans([tool])})
    found = ToolTimeLimit().apply(HARNESSES["sdk"], DIAGNOSIS, seen=seen)
    assert isinstance(found, str) is not fits
    assert fits or found == "no tool of the failing runs took 60 s or never ended"


@pytest.mark.parametrize(("detector", "fits"), [("abandoned", True), ("outlier", True), ("tool_error", False)])
def test_it_is_for_runs_that_were_left_or_too_long(detector: str, *, fits: bool) -> None:
    assert ToolTimeLimit().fits(mode_of(detector), [failure_of(detector, "")]) is fits
