# ruff: noqa: E501, RUF001 - tables of texts, look-alike letters among them
"""Patches as engineers write them: each is a file, its text before and after. Data for the gate's tests."""

import textwrap

AGENT = "import json\n\n\ndef answer(text):\n    return json.loads(text)\n"
NET = (
    "import os\nimport subprocess\n\nimport httpx\n\nURL = 'https://api.acme.com/v1'\n\n\ndef ask(path):\n"
    "    subprocess.run(['ls', path], check=True)\n    return httpx.get(URL + path, timeout=5)\n"
)


def _in_agent(*statements: str) -> tuple[str, str | None, str]:
    return (
        "agent.py",
        AGENT,
        AGENT.replace("    return", textwrap.indent("\n".join(statements), "    ") + "\n    return"),
    )


def _in_net(*statements: str) -> tuple[str, str | None, str]:
    return "net.py", NET, NET.replace("    return", textwrap.indent("\n".join(statements), "    ") + "\n    return")


def _test(text: str) -> tuple[str, str | None, str]:
    return "tests/test_new.py", None, text


#: Name -> path, before, after.
EVERYDAY: dict[str, tuple[str, str | None, str]] = {
    "wait with jitter": _in_agent("import time, random", "time.sleep(random.random())"),
    "a retry loop": _in_agent("for attempt in range(3):", "    if text: break"),
    "logging": _in_agent("import logging", "logging.getLogger(__name__).warning('empty: %s', text)"),
    "a limit from the environment": _in_agent("import os", "limit = int(os.environ.get('MAX_TOKENS', '512'))"),
    "a model from the environment": _in_agent("import os", "model = os.getenv('MODEL', 'small')"),
    "a flag": _in_agent("import os", "debug = 'DEBUG' in os.environ"),
    "a base address from the environment": _in_agent("import os", "base = os.environ['OPENAI_BASE_URL']"),
    "an api key from the environment": _in_agent("import os", "key = os.environ['OPENAI_API_KEY']"),
    "a path beside the file": _in_agent("from pathlib import Path", "here = Path(__file__).parent / 'prompts'"),
    "a temporary file": _in_agent("import tempfile", "file = tempfile.NamedTemporaryFile()"),
    "an atomic write": _in_agent("import os", "os.replace('a.tmp', 'a')"),
    "a new folder": _in_agent("import os", "os.makedirs('out', exist_ok=True)"),
    "a cache": ("agent.py", AGENT, AGENT.replace("def", "@functools.cache\ndef").replace("json\n", "json\nimport functools\n", 1)),
    "a regular expression": _in_agent("import re", "text = re.compile(r'\\s+').sub(' ', text)"),
    "an exception handler": _in_agent("try:", "    json.loads(text)", "except ValueError:", "    return {}"),
    "a dataclass": ("state.py", None, "from dataclasses import dataclass\n\n\n@dataclass\nclass State:\n    n: int = 0\n"),
    "a helper": ("trim.py", None, "def trim(messages, limit):\n    return messages[-limit:]\n"),
    "a timeout with asyncio": _in_agent("import asyncio", "asyncio.wait_for(text, timeout=5)"),
    "threads": _in_agent("from concurrent.futures import ThreadPoolExecutor", "pool = ThreadPoolExecutor(4)"),
    "a lock": _in_agent("import threading", "lock = threading.Lock()"),
    "a tool table": _in_agent("handler = getattr(answer, 'tool_' + text, None)"),
    "a class's module": _in_agent("name = type(text).__name__"),
    "a deadline signal": _in_agent("import signal", "signal.alarm(30)"),
    "a plug-in by name": _in_agent("import importlib", "importlib.import_module('plugins.' + text)"),
    "a parsed address": _in_agent("from urllib.parse import urlparse", "host = urlparse(text).netloc"),
    "a quoted date": _in_agent("from datetime import datetime, UTC", "now = datetime.now(UTC).isoformat()"),
    "a hash": _in_agent("import hashlib", "key = hashlib.sha256(text.encode()).hexdigest()"),
    "a deep copy": _in_agent("import copy", "text = copy.deepcopy(text)"),
    "a renamed argument": ("agent.py", AGENT, AGENT.replace("text", "arguments")),
    "types": ("agent.py", AGENT, AGENT.replace("(text)", "(text: str) -> dict", 1)),
    "a docstring with a link": ("agent.py", AGENT, AGENT.replace("    return", '    """See https://docs.acme.org/x."""\n    return')),
    "a comment with a link": ("agent.py", AGENT, AGENT.replace("    return", "    # https://docs.acme.org/x\n    return")),
    "a link in documentation": ("README.md", "# Agent\n", "# Agent\n\nSee https://docs.acme.org/agent.\n"),
    "a prompt": ("prompts/system.md", "Be kind.\n", "Be kind. Ask before a refund.\n"),
    "a prompt in Greek and Russian": ("prompts/system.md", "Be kind.\n", "Be kind. Добрый день. Γειά, 5 μs.\n"),
    "a template": ("prompts/a.j2", "{{ a }}\n", "{% for m in messages %}{{ m.text }}{% endfor %}\n"),
    "a setting": ("config.yaml", "retries: 1\n", "retries: 3\ntimeout_s: 30\n"),
    "a schema": ("tools.json", '{"type": "object"}\n', '{"type": "object", "required": ["id"]}\n'),
    "a Greek variable": _in_agent("α = 0.5"),
    "a constant of its own class": _in_agent("name = answer.__class__.__name__"),
    "an own tool by name": _in_agent("from agent import tools", "tool = getattr(tools, text, None)"),
    "a module of one's own called requests": _in_agent("from agent.requests import RefundRequest", "RefundRequest(text)"),
    "a quoted type": ("agent.py", AGENT, AGENT.replace("(text)", "(text: 'str | None') -> 'dict[str, int]'", 1)),
    "an average": _in_agent("import statistics", "statistics.mean([1, 2])"),
    "a table of differences": _in_agent("import difflib", "difflib.unified_diff([], [])"),
    "a zone": _in_agent("from zoneinfo import ZoneInfo", "ZoneInfo('Europe/Athens')"),
    "a path of the system's kind": _in_agent("import os", "name = os.path.basename(text)"),
    "a tidy exit": _in_agent("import atexit", "atexit.register(print, 'bye')"),
    "a new test": _test("from agent import answer\n\n\ndef test_a():\n    assert answer('1') == 1\n"),
    "a test with monkeypatch": _test("import time\n\n\ndef test_a(monkeypatch):\n    monkeypatch.setattr(time, 'sleep', print)\n    assert 1\n"),
    "a test with an environment": _test("def test_a(monkeypatch):\n    monkeypatch.setenv('MODEL', 'x')\n    assert 1\n"),
    "a test with a mock": _test("from unittest.mock import patch\n\n\ndef test_a():\n    with patch('agent.answer'):\n        assert 1\n"),
    "a test with a transport": _test("import httpx\n\n\ndef test_a():\n    assert httpx.MockTransport(lambda r: httpx.Response(200))\n"),
    "a test with a local server": _test("from http.server import HTTPServer\n\n\ndef test_a():\n    assert HTTPServer\n"),
    "a test of the command line": _test("import subprocess, sys\n\n\ndef test_a():\n    assert subprocess.run([sys.executable, '-m', 'agent']).returncode == 0\n"),
    "a test of a nobody's address": _test("def test_a():\n    assert 'https://api.example.com/x'.endswith('x')\n"),
    # Processes and the network, where they are used already.
    "a longer timeout": ("net.py", NET, NET.replace("timeout=5", "timeout=httpx.Timeout(30, connect=5)")),
    "a client": ("net.py", NET, NET.replace("httpx.get(", "httpx.Client().get(")),
    "a transport with retries": _in_net("transport = httpx.HTTPTransport(retries=3)"),
    "a status check": _in_net("httpx.get(URL).raise_for_status()"),
    "a network error": _in_net("try:", "    httpx.get(URL)", "except httpx.ConnectError:", "    return None"),
    "another path": ("net.py", NET, NET.replace("/v1", "/v2")),
    "a program's timeout": ("net.py", NET, NET.replace("check=True", "check=True, timeout=10")),
    "a program's output": ("net.py", NET, NET.replace("check=True", "check=True, capture_output=True, text=True")),
    "a program's error": _in_net("try:", "    subprocess.run(['ls'])", "except subprocess.TimeoutExpired:", "    return ''"),
    "an open process": _in_net("process = subprocess.Popen(['ls'], shell=False)", "process.wait()"),
    "a header": _in_net("httpx.get(URL, headers={'Idempotency-Key': path})"),
    "a post": _in_net("httpx.post(URL, json={'path': path})"),
}  # fmt: skip
#: Refused, though an engineer meant well: they bring a power that the gate leaves to people.
REFUSED_TODAY = frozenset(
    {
        "an api key from the environment",
        "a deadline signal",
        "a plug-in by name",
        "a link in documentation",
        "a test of the command line",
    }
)
