"""A scripted model provider on loopback: chat completions by rules, with the bad days that a visit asks for.

A domain gives the rules, `reply(asked)`. What a provider enforces is enforced here: tool messages answer the calls
before them, `max_tokens` cuts, a limit of requests answers 429. The same request at the same moment of a visit gets the
same answer.
"""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

CHARACTERS_PER_TOKEN = 4
BUSY_S = 1.0  # how long a provider that says Retry-After: 1 stays busy
SLOW_S = 0.8
ERRORS = {
    400: ("invalid_request_error", "Messages with role 'tool' must answer a preceding message with 'tool_calls'."),
    429: ("rate_limit_exceeded", "Rate limit reached for requests. Please try again later."),
    500: ("server_error", "The server had an error while processing your request."),
    503: ("overloaded", "The engine is currently overloaded, please try again later."),
}


class Result(NamedTuple):
    """What a tool told the model."""

    name: str
    arguments: Mapping[str, Any]
    content: str

    @property
    def is_error(self) -> bool:
        """Whether the tool refused."""
        return '"error"' in self.content[:200] or self.content.lower().startswith("error")

    @property
    def value(self) -> Any:  # noqa: ANN401  # JSON
        """The content as JSON, or as it is."""
        try:
            return json.loads(self.content)
        except ValueError:
            return self.content


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the model sees of a request."""

    request: Mapping[str, Any]
    system: str
    #: The last message of the user.
    question: str
    #: What the tools told since then; calls whose arguments could not be read are left out.
    results: Sequence[Result]
    tools: Mapping[str, Mapping[str, Any]]

    def find(self, pattern: str) -> re.Match[str] | None:
        """Search the question, without regard to case."""
        return re.search(pattern, self.question, re.IGNORECASE)

    def told(self, name: str, **arguments: object) -> Result | None:
        """Return the last result of this tool, called with these arguments among others."""
        for result in reversed(self.results):
            if result.name == name and arguments.items() <= dict(result.arguments).items():
                return result
        return None

    @property
    def may_call(self) -> bool:
        """Whether the request lets the model call tools."""
        return bool(self.tools) and self.request.get("tool_choice") != "none"


Message = dict[str, Any]
Reply = Callable[[Asked], Message]


def say(content: str) -> Message:
    """Answer with words."""
    return {"role": "assistant", "content": content}


def call(*calls: tuple[str, Mapping[str, Any]]) -> Message:
    """Answer with tool calls."""
    made = [
        {"id": "", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for name, arguments in calls
    ]
    return {"role": "assistant", "content": None, "tool_calls": made}


def read(request: Mapping[str, Any]) -> Asked:
    """Read a request as the model sees it."""
    messages = request["messages"]
    system = "\n".join(_text(m) for m in messages if m["role"] in {"system", "developer"})
    last = max((place for place, m in enumerate(messages) if m["role"] == "user"), default=-1)
    calls = {c["id"]: c["function"] for m in messages[last + 1 :] for c in m.get("tool_calls") or ()}
    results = []
    for message in messages[last + 1 :]:
        made = calls.get(message.get("tool_call_id"))
        if message["role"] == "tool" and made and (arguments := _arguments(made["arguments"])) is not None:
            results.append(Result(made["name"], arguments, _text(message)))
    tools = {tool["function"]["name"]: tool["function"] for tool in request.get("tools") or ()}
    question = _text(messages[last]) if last >= 0 else ""
    return Asked(request=request, system=system, question=question, results=tuple(results), tools=tools)


@dataclass
class Provider:
    """Serves on loopback while it is entered; `quirks` says what befalls the visit with a question."""

    reply: Reply
    quirks: Mapping[str, str] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    arrived: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._seen: Counter[tuple[str, str]] = Counter()
        self._first: dict[str, float] = {}
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def base_url(self) -> str:
        """What OPENAI_BASE_URL must be."""
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def answer(self, request: dict[str, Any]) -> tuple[int, dict[str, str], dict[str, Any]]:
        """Answer one request with status, headers and body."""
        with self._lock:
            self.requests.append(request)
            self.arrived.append(time.monotonic())
            if problem := disorder(request["messages"]):
                return _error(400, problem)
            asked = read(request)
            status, headers, delay_s, quirk = self._bad_day(asked.question)
        if delay_s:
            time.sleep(delay_s)
        if status:
            return (status, headers, _error(status)[2])
        message = _number_calls(self.reply(asked), len(request["messages"]))
        return 200, {}, _completion(request, _spoiled(message, quirk))

    def _bad_day(self, question: str) -> tuple[int, dict[str, str], float, str]:
        """Return status (0 for none), headers, delay and what spoils the answer."""
        quirk = self.quirks.get(question, "")
        self._seen[question, quirk] += 1
        n = self._seen[question, quirk]
        if failing := re.fullmatch(r"(429|500|503)(?:x(\d))?", quirk):
            return (int(failing[1]) if n <= int(failing[2] or 1) else 0), {}, 0.0, ""
        if quirk == "busy":
            waited = time.monotonic() - self._first.setdefault(question, time.monotonic())
            return (429 if waited < BUSY_S else 0), {"retry-after": "1"}, 0.0, ""
        if quirk == "slow":
            return 0, {}, SLOW_S if n == 1 else 0.0, ""
        if quirk in {"empty-args", "broken-args"} and n > 1:
            return 0, {}, 0.0, ""
        return 0, {}, 0.0, quirk


def disorder(messages: Sequence[Mapping[str, Any]]) -> str:
    """Say what is wrong with the order of tool calls and results, as providers do; "" when nothing is."""
    open_calls: list[str] = []
    for place, message in enumerate(messages):
        if message["role"] == "tool":
            if message.get("tool_call_id") not in open_calls:
                return f"messages.[{place}]: {ERRORS[400][1]}"
            open_calls.remove(message["tool_call_id"])
            continue
        if open_calls:
            return f"messages.[{place}]: an assistant message with 'tool_calls' must be followed by tool messages."
        open_calls = [one["id"] for one in message.get("tool_calls") or ()]
    return f"tool_calls without a result: {', '.join(open_calls)}" if open_calls else ""


def _spoiled(message: Message, quirk: str) -> Message:
    calls = message.get("tool_calls")
    if calls and quirk == "empty-args":
        calls[0]["function"]["arguments"] = ""
    elif calls and quirk == "broken-args":
        calls[0]["function"]["arguments"] = calls[0]["function"]["arguments"][:-2]
    elif message.get("content") and quirk == "fenced":
        return message | {"content": f"```json\n{message['content']}\n```"}
    elif message.get("content") and quirk == "prose":
        return message | {"content": f"Here is what I found in 2026:\n\n{message['content']}"}
    return message


def _number_calls(message: Message, n_messages: int) -> Message:
    for place, made in enumerate(message.get("tool_calls") or ()):
        made["id"] = f"call_{n_messages:02d}_{place}"
    return message


def _completion(request: Mapping[str, Any], message: Message) -> dict[str, Any]:
    limit = request.get("max_tokens") or request.get("max_completion_tokens") or 4096
    reason = "tool_calls" if message.get("tool_calls") else "stop"
    content = message.get("content")
    if content and len(content) > limit * CHARACTERS_PER_TOKEN:
        message, reason = message | {"content": content[: limit * CHARACTERS_PER_TOKEN]}, "length"
    used = (
        len(json.dumps(request["messages"])) // CHARACTERS_PER_TOKEN,
        len(json.dumps(message)) // CHARACTERS_PER_TOKEN,
    )
    return {
        "id": "chatcmpl-scripted",
        "object": "chat.completion",
        "created": 1767225600,
        "model": request.get("model", "scripted-1"),
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {"prompt_tokens": used[0], "completion_tokens": used[1], "total_tokens": sum(used)},
    }


def _error(status: int, message: str = "") -> tuple[int, dict[str, str], dict[str, Any]]:
    code, words = ERRORS[status]
    return status, {}, {"error": {"message": message or words, "type": code, "code": code}}


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "\n".join(str(part.get("text", "")) for part in content)


def _arguments(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, headers, body = provider.answer(request)
            content = json.dumps(body).encode()
            try:
                self.send_response(status)
                for name, value in {"content-type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                self.close_connection = True  # the client did not wait

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
