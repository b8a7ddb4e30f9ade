"""A small agent with a flaw (no retry), its repository, and recorded runs of it. For the tests of replay and verify."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from clustering.failure import Failure
from fixers.diagnosis import Diagnosis, Layer
from fixers.harness import Harness
from fixers.proposal import Edit, Proposal
from fixers.sandbox import Completed, Unisolated
from webhooks.trace import Event, Span, StatusCode, Trace

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
SYSTEM = "You help the customers of a shop."
TOOL = {"type": "function", "function": {"name": "get_order", "parameters": {"type": "object"}}}

# Asks with urllib, since importing the openai client takes longer than everything else here.
URLLIB_MODEL = """
import json, os, time, urllib.request, urllib.error
class RateLimitError(Exception): pass
def complete(body):
    request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode())
    try:
        return json.load(urllib.request.urlopen(request))["choices"][0]["message"]
    except urllib.error.HTTPError as error:
        if error.code == 429:
            raise RateLimitError(f"Error code: 429 - {error.read().decode()}") from error
        raise
"""
OPENAI_MODEL = """
import openai
from openai import RateLimitError
def complete(body):
    client = openai.OpenAI(max_retries=0)
    return client.chat.completions.create(**body).choices[0].message.model_dump(exclude_none=True)
"""
AGENT = """
import json, os, sys, time, urllib.request, urllib.error
from model import RateLimitError, complete
from settings import ATTEMPTS, SYSTEM
TOOLS = [{"type": "function", "function": {"name": "get_order", "parameters": {"type": "object"}}}]
spans = []

def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        return json.load(urllib.request.urlopen(request))
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return json.load(error)
        raise

def span(name, kind, attributes, error=None, parent="01"):
    pairs = {"openinference.span.kind": kind, **attributes}
    number = len(spans) + 2
    made = {
        "traceId": "f" * 32, "spanId": f"{1 if parent is None else number:016x}", "name": name,
        "startTimeUnixNano": str(time.time_ns()), "endTimeUnixNano": str(time.time_ns()),
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in pairs.items()],
        "status": {"code": 2, "message": str(error)} if error else {"code": 1},
    }
    if parent:
        made["parentSpanId"] = f"{int(parent):016x}"
    if error:
        fields = {"exception.type": type(error).__name__, "exception.message": str(error)}
        made["events"] = [{
            "name": "exception", "timeUnixNano": str(time.time_ns()),
            "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in fields.items()],
        }]
    spans.append(made)

def ask(messages):
    body = {"model": "m", "messages": messages, "tools": TOOLS}
    for attempt in range(ATTEMPTS):
        try:
            said = complete(body)
        except Exception as error:
            span("chat", "LLM", {"input.value": json.dumps(body)}, error)
            if attempt + 1 == ATTEMPTS or not isinstance(error, RateLimitError):
                raise
        else:
            output = {"choices": [{"index": 0, "message": said, "finish_reason": "stop"}]}
            span("chat", "LLM", {"input.value": json.dumps(body), "output.value": json.dumps(output)})
            return said

def run_tool(name, arguments):
    answer = post(os.environ["TRACEWRIGHT_TOOLS_URL"], {"name": name, "arguments": arguments})
    if answer.get("unrecorded"):
        if not answer["run"]:
            raise RuntimeError("not recorded")
        answer = {"result": "real " + name}
    if "error" in answer:
        raise RuntimeError(answer["error"]["message"])
    span(name, "TOOL", {"tool.name": name, "input.value": json.dumps(arguments), "output.value": answer["result"]})
    return answer["result"]

def converse(turn):
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": turn}]
    while True:
        said = ask(messages)
        messages.append(said)
        if not said.get("tool_calls"):
            return said["content"]
        for call in said["tool_calls"]:
            result = run_tool(call["function"]["name"], json.loads(call["function"]["arguments"]))
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})

def main():
    asked = json.load(open(os.environ["TRACEWRIGHT_INPUT"]))["input"]
    error, answer = None, ""
    try:
        answer = converse(json.loads(asked)["turns"][0])
    except Exception as raised:
        error = raised
    span("conversation", "AGENT", {"input.value": asked, "output.value": answer}, error, parent=None)
    scope = {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}
    post(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces", scope)

if __name__ == "__main__":
    main()
"""
REPOSITORY = {
    "agent.py": AGENT,
    "model.py": URLLIB_MODEL,
    "settings.py": f'ATTEMPTS = 1\nSYSTEM = "{SYSTEM}"\n',
    "test_agent.py": "def test_settings():\n    import settings\n    assert settings.ATTEMPTS < 9\n",
}
REGRESSION_TEST = "import settings\ndef test_a_429_is_tried_again():\n    assert settings.ATTEMPTS > 1\n"
# Not pytest, which takes a second to start.
OWN_TESTS = ("python", "-c", "import test_agent; test_agent.test_settings()")
HARNESS = Harness(name="shop", test=OWN_TESTS, replay=("python", "agent.py"), timeout_s=60.0)


def write_repository(folder: Path, files: Mapping[str, str] = REPOSITORY) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


#: Loading the plugins that happen to be installed takes pytest six times as long as what these tests need.
PLAIN_PYTEST = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


class Quick(Unisolated):
    """Starts pytest without plugins."""

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        timeout_s: float,
        sockets: Sequence[Path] = (),
        readable: Sequence[Path] = (),
    ) -> Completed:
        """Run `command` as an ordinary child process."""
        env = {**PLAIN_PYTEST, **env}
        return super().run(command, cwd=cwd, env=env, timeout_s=timeout_s, sockets=sockets, readable=readable)


def unisolated() -> Unisolated:
    """Return a way to run the agent above, our own code, without isolation: the tests of isolation are elsewhere."""
    return Quick(python=Path(sys.executable))


def edit(name: str, after: str | None) -> Edit:
    return Edit(path=name, before=REPOSITORY.get(name), after=after)


def settings(attempts: int, *, system: str = SYSTEM) -> str:
    return f'ATTEMPTS = {attempts}\nSYSTEM = "{system}"\n'


def proposal(*edits: Edit, test: str = REGRESSION_TEST) -> Proposal:
    made = edits or (edit("settings.py", settings(2)),)
    return Proposal(
        failure_mode_id="fm",
        base_sha="0" * 40,
        diagnosis=Diagnosis(failure_mode_id="fm", cause="No retry.", layer=Layer.LIFECYCLE, location=None, quotes=()),
        author="recipe:retry",
        title="Try again after 429",
        rationale="The provider asks for it.",
        edits=(*made, Edit(path="test_retry.py", before=None, after=test)),
        regression_test="test_retry.py",
        risk="None.",
    )


class Recording:
    """Builds the trace of one conversation, as the agent above would have been traced in production."""

    def __init__(self, trace_id: str, turn: str) -> None:
        self.trace_id = trace_id
        self.messages: list[dict[str, Any]] = [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": turn},
        ]
        asked = json.dumps({"turns": [turn]})
        self.spans: list[Span] = []
        self._add("AGENT", {"input.value": asked, "output.value": "Done."}, parent=None)

    def rate_limited(self) -> "Recording":
        error = ("openai.RateLimitError", "Error code: 429 - slow down")
        self._add("LLM", {"input.value": json.dumps(self._request())}, error=error)
        return self

    def calls(self, tool: str, arguments: str, result: str | None) -> "Recording":
        call = {"id": f"call-{self.trace_id[:4]}", "type": "function"}
        said = {"role": "assistant", "tool_calls": [call | {"function": {"name": tool, "arguments": arguments}}]}
        self._answered(said)
        if result is not None:
            self._add("TOOL", {"tool.name": tool, "input.value": arguments, "output.value": result})
            self.messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})
        return self

    def answers(self, text: str) -> "Recording":
        self._answered({"role": "assistant", "content": text})
        return self

    @property
    def trace(self) -> Trace:
        return Trace.from_spans(self.spans)

    def _answered(self, said: dict[str, Any]) -> None:
        body = {"choices": [{"index": 0, "message": said, "finish_reason": "stop"}]}
        self._add("LLM", {"input.value": json.dumps(self._request()), "output.value": json.dumps(body)})
        self.messages.append(said)

    def _request(self) -> dict[str, Any]:
        return {"model": "m", "messages": list(self.messages), "tools": [TOOL]}

    def _add(
        self,
        kind: str,
        attributes: dict[str, Any],
        *,
        error: tuple[str, str] | None = None,
        parent: str | None = "0" * 15 + "1",
    ) -> None:
        start = START + timedelta(seconds=len(self.spans))
        fields = {"exception.type": error[0], "exception.message": error[1]} if error else {}
        span = Span(
            trace_id=self.trace_id,
            span_id=f"{len(self.spans) + 1:016x}",
            parent_span_id=parent,
            name=kind.lower(),
            start=start,
            end=start + timedelta(seconds=0.5),
            status=StatusCode.ERROR if error else StatusCode.OK,
            attributes={"openinference.span.kind": kind, **attributes},
            events=(Event(name="exception", time=start, attributes=fields),) if error else (),
            resource={"service.name": "shop"},
        )
        self.spans.append(span)


def healthy(number: int, turn: str | None = None) -> Trace:
    run = Recording(f"{number:032x}", turn or f"Where is order {number}?")
    return run.calls("get_order", f'{{"id": {number}}}', f"order {number} has left").answers("It has left.").trace


def failing(number: int, turn: str | None = None) -> Trace:
    return Recording(f"{number + 1000:032x}", turn or f"Where is order {number}?").rate_limited().trace


def rate_limit(trace: Trace) -> Failure:
    return Failure(
        trace_id=trace.trace_id,
        span_id=trace.spans[-1].span_id,
        detector="error",
        key="RateLimitError",
        message="429",
        reason="The provider refused.",
        occurred_at=START,
    )
