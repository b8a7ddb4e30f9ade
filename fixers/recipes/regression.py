"""Write a regression test for the user's repository: short, offline, red before the fix and green after it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import libcst as cst

from fixers.proposal import Edit
from fixers.recipes.calls import needs
from fixers.recipes.layout import Import, test_path
from fixers.recipes.source import Source, is_harness_file
from fixers.recipes.style import as_unittest, uses_unittest

_THIRD_PARTY = {
    r"\bAsyncOpenAI[(.]": "from openai import AsyncOpenAI",
    r"\bOpenAI[(.]": "from openai import OpenAI",
    r"\bhttpx\.": "import httpx",
    r"(?<![\w.])openai\.[A-Z]": "import openai",
    r"(?<![\w.])requests\.(?!append|pop)[A-Z]": "import requests",
    r"\bChatCompletion\.": "from openai.types.chat import ChatCompletion",
    r"\bAsyncCompletions\b": "from openai.resources.chat.completions import AsyncCompletions",
    r"(?<!Async)\bCompletions\b": "from openai.resources.chat.completions import Completions",
    r"\bpytest\.": "import pytest",
}
_STANDARD = {
    r"\bThreadingHTTPServer\b": "from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer",
    r"\bPath\(": "from pathlib import Path",
    r"\bSimpleNamespace\(": "from types import SimpleNamespace",
    r"\bunittest\.TestCase\b": "import unittest",
    r"\bmock\.patch\b": "from unittest import mock",
}
_REQUIRED = re.compile(r"""\benviron\[["'](?!TRACEWRIGHT)([A-Z][A-Z0-9_]*)["']\](?!\s*=[^=])""")
MAX_NEIGHBOURS = 20
#: Names that a test's own lines use, so that a module called so must be imported as something else.
RESERVED = frozenset(
    {"json", "httpx", "requests", "pytest", "asyncio", "openai", "sent", "subject", "completion", "copy", "os", "sys"}
)

COMPLETION = '''
def completion(content=None, calls=()):
    """An answer of the model: words, or tool calls as (id, name, arguments)."""
    message = {"role": "assistant", "content": content}
    if calls:
        message["tool_calls"] = [
            {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
            for id_, name, arguments in calls
        ]
    choice = {"index": 0, "finish_reason": "tool_calls" if calls else "stop", "message": message}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {"id": "1", "object": "chat.completion", "created": 0, "model": "test", "choices": [choice], "usage": usage}
'''

_ANYTHING = '''
class Anything:
    """Stands for what this test does not need: each of its methods answers "ok"."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_args, **_kwargs: "ok"
'''

_OPENAI = '''
def fake_provider(monkeypatch, answer):
    """Let `answer(request)` stand for the provider; return the requests that it gets."""
    sent = []

    {async_}def create(_completions, **request):
        messages = [m if isinstance(m, dict) else m.model_dump() for m in request["messages"]]
        sent.append(dict(request, messages=messages))
        return ChatCompletion.model_validate(answer(sent[-1]))

    monkeypatch.setattr({target}, "create", create)
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    return sent
'''

_HTTP = '''
def fake_provider(monkeypatch, answer):
    """Let `answer(request)` stand for the provider; return the requests that it gets."""
    sent = []

    {async_}def send(_client, request, **_options):
        sent.append(json.loads(request.{body}))
        return {response}

    monkeypatch.setattr({target}, "send", send)
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    return sent
'''

REQUESTS_RESPONSE = '''
def http_response(status, body, headers=None):
    """What `requests` returns for an answer with this status and JSON body."""
    response = requests.Response()
    response.status_code, response.headers = status, headers or {}
    response._content = json.dumps(body).encode()
    return response
'''


@dataclass(frozen=True, slots=True)
class Transport:
    """How the harness reaches its provider: "openai", "httpx" or "requests", and whether it awaits."""

    library: str
    is_async: bool

    def fake_provider(self) -> str:
        """Return a test's `fake_provider` function for this transport."""
        async_ = "async " if self.is_async else ""
        prefix = "Async" if self.is_async else ""
        if self.library == "openai":
            return _OPENAI.format(async_=async_, target=f"{prefix}Completions")
        if self.library == "httpx":
            response = "httpx.Response(200, json=answer(sent[-1]), request=request)"
            return _HTTP.format(async_=async_, target=f"httpx.{prefix}Client", body="content", response=response)
        fake = _HTTP.format(
            async_="", target="requests.Session", body="body", response="http_response(200, answer(sent[-1]))"
        )
        return f"{REQUESTS_RESPONSE}\n{fake}"


def transport_of(source: Source, sources: Mapping[str, str], *, is_async: bool = False) -> Transport | None:
    """Return how the file, or else the only other file that does so, calls the model; None when that is not plain.

    Where there is an awaiting way and another one, `is_async` chooses.
    """
    here = transports_in(source)
    if not here:
        for path, text in sources.items():
            if is_harness_file(path) and path != source.path and re.search(r"chat[./]completions", text):
                other = Source.parse(path, text)
                here |= transports_in(other) if other is not None else set()
    if len(here) > 1:
        here = {transport for transport in here if transport.is_async is is_async}
    return here.pop() if len(here) == 1 else None


def transports_in(source: Source) -> set[Transport]:
    """Return every way in which a file calls a chat-completions endpoint without streaming."""
    found = set()
    for call in source.find(cst.Call):
        name = source.code(call.func)
        function = source.function_of(call)
        awaited = isinstance(next(source.ancestors(call)), cst.Await)
        is_async = awaited or (function is not None and function.asynchronous is not None and "Async" in source.text)
        if name.endswith(".chat.completions.create"):
            found.add(Transport("openai", is_async))
        elif name.endswith((".post", ".request")) and re.search(r"chat/completions", source.text):
            library = "httpx" if "httpx" in source.text else "requests" if "requests" in source.text else ""
            if library and "openai.com" not in name:
                found.add(Transport(library, is_async))
    return found


def write_test(
    *,
    name: str,
    doc: str,
    imported: Import,
    source: Source,
    sources: Mapping[str, str],
    helpers: Sequence[str],
    test: str,
) -> Edit:
    """Return the edit that adds the test file.

    Parameters
    ----------
    name
        What the file is called for: `test_<name>.py`.
    doc
        The file's docstring, one sentence.
    imported
        The module under test, imported by `{import}` inside the test: it may need the environment that the test sets.
    source, sources
        The file under test, and the repository.
    helpers
        Functions of the test file, each as text.
    test
        The test function's text, with a line `{import}`.

    """
    path = test_path(name, source.path, sources)
    anything = [_ANYTHING] if "Anything()" in test else []
    needed = [f"    {line}\n" for line in _environment(source, sources)] if "(monkeypatch)" in test else []
    prepared = test.replace("    {import}\n", "".join(needed) + "    {import}\n")
    prepared = prepared.replace("{import}", imported.statement())
    patches = ""
    if uses_unittest(path, sources):
        prepared, patches = as_unittest(prepared, name)
    parts = [*anything, *([patches] if patches else []), *helpers, prepared]
    body = "\n\n".join(text.strip("\n") + "\n" for text in parts)
    found = _imports(body)
    if not imported.known:
        found["standard"] = sorted({*found["standard"], "import sys", "from pathlib import Path"}, key=_isort)
        body = f"{_path_line(path, imported)}\n\n{body}"
    elif helpers:
        body = f"\n{body}"
    head = "\n\n".join("\n".join(found[kind]) for kind in ("standard", "third") if found[kind])
    text = "\n\n".join(part.strip("\n") if part is head else part for part in (head, body) if part)
    return Edit(path=path, before=None, after=f'"""{doc}"""\n\n{text}')


def lines(text: str) -> str:
    """Return a template as lines."""
    return text.strip("\n") + "\n"


def usable(imported: Import | None) -> Import | str:
    """Return the import when a test can use its name, else why not."""
    if imported is None:
        return "the file has no name that a test could import"
    if imported.module in RESERVED:
        return f"a test cannot import a module called {imported.module} without hiding its own"
    return imported


def _environment(source: Source, sources: Mapping[str, str]) -> list[str]:
    """Return the lines that set what the file and its neighbours cannot do without."""
    home = source.path.rpartition("/")[0]
    near = [path for path in sorted(sources) if is_harness_file(path) and path.rpartition("/")[0] == home]
    names = {name for path in (source.path, *near[:MAX_NEIGHBOURS]) for name in _REQUIRED.findall(sources[path])}
    return [f'monkeypatch.setenv("{name}", "{_setting(name)}")' for name in sorted(names - {"OPENAI_API_KEY"})]


def _setting(name: str) -> str:
    return "http://127.0.0.1:9/v1" if re.search(r"URL|BASE|ENDPOINT|HOST", name) else "test"


def _imports(body: str) -> dict[str, list[str]]:
    standard = [*needs(body), *(line for mark, line in _STANDARD.items() if re.search(mark, body))]
    third = [line for mark, line in _THIRD_PARTY.items() if re.search(mark, body)]
    return {"standard": sorted(set(standard), key=_isort), "third": sorted(set(third), key=_isort)}


def _isort(line: str) -> tuple[bool, str]:
    return (line.startswith("from"), line)


def _path_line(path: str, imported: Import) -> str:
    """Return the line that makes the module importable from wherever pytest is started."""
    root = f"Path(__file__).parents[{path.count('/')}]"
    folder = f' / "{imported.root}"' if imported.root else ""
    return f"sys.path.insert(0, str({root}{folder}))\n"
