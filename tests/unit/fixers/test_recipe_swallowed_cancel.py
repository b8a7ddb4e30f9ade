"""Cancellations that a handler swallows, in harnesses of three styles."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from fixers.recipes.recipe import Seen
from fixers.recipes.swallowed_cancel import SwallowedCancel
from tests.unit.fixers.in_process import after_of, mended
from tests.unit.fixers.red_green import DIAGNOSIS, declined
from tests.unit.fixers.runs import NOW, failure_of, mode_of
from tests.unit.fixers.tool_harnesses import FRAMEWORK
from webhooks.trace import Event, Span, Trace

CALLED = "                content = await self.run_tool(call.function.name, call.function.arguments)\n"
HANDLED = f"""                try:
    {CALLED}                except asyncio.CancelledError:
                    content = "the tool was cancelled"
"""
RUNNER = FRAMEWORK["src/crew/runner.py"].replace(CALLED, HANDLED).replace("import json", "import asyncio\nimport json")
BARE = """
import httpx

class Desk:
    def __init__(self, url: str = "http://127.0.0.1:9/v1"):
        self.url = url
        self.http = httpx.AsyncClient()

    async def chat(self, question: str) -> str:
        body = {"messages": [{"role": "user", "content": question}]}
        try:
            response = await self.http.post(f"{self.url}/chat/completions", json=body)
        except BaseException:
            return "Sorry, that did not work."
        return response.json()["choices"][0]["message"]["content"]
"""
LISTED = """
import json
from asyncio import CancelledError
from openai import AsyncOpenAI

client = AsyncOpenAI()
TOOLS = {}

async def answer(question):
    messages = [{"role": "user", "content": question}]
    for _ in range(5):
        done = await client.chat.completions.create(model="m", messages=messages)
        message = done.choices[0].message
        if not message.tool_calls:
            return message.content
        messages.append(message.model_dump())
        for call in message.tool_calls:
            content = "that took too long"
            try:
                content = await TOOLS[call.function.name](**json.loads(call.function.arguments))
            except (TimeoutError, CancelledError):
                pass
            messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
"""
HARNESSES = {
    "framework": FRAMEWORK | {"src/crew/runner.py": RUNNER},
    "by hand": {"desk/__init__.py": "", "desk/wire.py": BARE},
    "sdk": {"shop_agent.py": LISTED},
}


@pytest.mark.parametrize("name", HARNESSES)
def test_a_cancelled_run_ends(name: str, tmp_path: Path) -> None:
    fix = mended(SwallowedCancel(), HARNESSES[name], tmp_path)
    assert declined(SwallowedCancel(), after_of(fix, HARNESSES[name])) == "no handler swallows a cancellation"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("except BaseException:", "except Exception:"),
        ('return "Sorry, that did not work."', "raise"),
        ("        try:", "        self.last.cancel()\n        try:"),
        ("async def", "def"),
    ],
)
def test_what_passes_it_on_or_cancels_itself_is_left_alone(old: str, new: str) -> None:
    changed = BARE.replace(old, new)
    assert changed != BARE
    declined(SwallowedCancel(), changed.replace("await ", "") if new == "def" else changed)


def test_clean_up_stays_and_other_errors_are_handled_as_before(tmp_path: Path) -> None:
    block = 'content = "cancelled"\n                    self.tools.clear()'
    kept = RUNNER.replace('content = "the tool was cancelled"', block)
    fix = mended(SwallowedCancel(), HARNESSES["framework"] | {"src/crew/runner.py": kept}, tmp_path)
    assert "self.tools.clear()\n                    raise\n" in (fix.edits[0].after or "")
    fix = mended(SwallowedCancel(), HARNESSES["sdk"], tmp_path / "sdk")
    assert "except CancelledError:\n                raise\n" in (fix.edits[0].after or "")
    assert "except (TimeoutError, CancelledError):" in (fix.edits[0].after or "")


def cancelled_run(*, later_s: float, ended: bool = False) -> Seen:
    """Return a run in which a tool was cancelled, with a step that begins so many seconds after that.

    Where it has `ended`, the run itself was cancelled too.
    """
    raised = Event(name="exception", time=NOW, attributes={"exception.type": "asyncio.exceptions.CancelledError"})
    tool = Span(trace_id="t1", span_id="s0", name="tool", start=NOW, end=NOW, events=(raised,))
    tool = replace(tool, parent_span_id="r")
    root = replace(tool, span_id="r", parent_span_id=None, start=NOW - timedelta(5), events=(raised,) if ended else ())
    step = replace(tool, span_id="s1", start=NOW + timedelta(seconds=later_s), events=())
    return Seen(failures=[failure_of("tool_error", "look_up")], traces={"t1": Trace.from_spans([root, tool, step])})


@pytest.mark.parametrize(("later_s", "ended", "fits"), [(1.0, False, True), (-1.0, False, False), (1.0, True, False)])
def test_only_runs_that_went_on_are_mended(later_s: float, *, ended: bool, fits: bool) -> None:
    found = SwallowedCancel().apply(HARNESSES["sdk"], DIAGNOSIS, seen=cancelled_run(later_s=later_s, ended=ended))
    assert isinstance(found, str) is not fits
    assert fits or found == "no failing run went on after it was cancelled"


@pytest.mark.parametrize(("detector", "fits"), [("cancelled", True), ("tool_error", True), ("invalid_output", False)])
def test_it_is_for_runs_that_stopped_or_went_wrong_after_it(detector: str, *, fits: bool) -> None:
    assert SwallowedCancel().fits(mode_of(detector), [failure_of(detector, "")]) is fits
