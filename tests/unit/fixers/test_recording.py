"""A live run is recorded through the proxy, and plays again when the hosts are gone."""

import json
import os
import shutil
import socket
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fixers.harness import Harness
from fixers.recording.hide import hide
from fixers.recording.run import Recorded, record_run, started
from fixers.replay.authority import Authority
from fixers.replay.cassette import BASE64, NO_ANSWER, TIMED_OUT, Cassette, HttpCall
from fixers.replay.pool import Pool
from fixers.replay.run import Run, replay
from fixers.sandbox import find_sandbox
from tests.unit.fixers.live_hosts import HOST, PICTURE, STREAMED, Hosts, live
from tests.unit.fixers.recorded_runs import unisolated
from webhooks.redaction.secrets import SECRETS

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
ASK = """
import json, os, urllib.error, urllib.request
def ask(url, body=None, timeout=20, **headers):
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    request = urllib.request.Request(url, data, {"content-type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError as error:
        return type(error).__name__
def model(path, **body):
    return ask(os.environ["OPENAI_BASE_URL"] + path, {"model": "m", **body})
given = json.load(open(os.environ["TRACEWRIGHT_INPUT"]))["input"]
"""


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    with live() as found:
        yield found


def recorded(folder: Path, agent: str, hosts: Hosts, *, start: Cassette | None = None, **environ: str) -> Recorded:
    (folder / "agent.py").write_text(ASK + agent)
    env = {**os.environ, "OPENAI_BASE_URL": f"{hosts.url}/v1", "OPENAI_API_KEY": "none", **environ}
    begun = start or started("7", now=NOW)
    return record_run([sys.executable, "agent.py"], begun, cwd=folder, environ=env)


def played(folder: Path, cassette: Cassette, *, isolated: bool = False) -> Run:
    harness = Harness(name="shop", test=("true",), replay=("python", "agent.py"), timeout_s=60.0)
    sandbox = find_sandbox() if isolated else unisolated()
    run = Cassette.from_json(json.loads(json.dumps(cassette.to_json())))
    return replay(run, checkout=folder, harness=harness, sandbox=sandbox, pool=Pool())


def http_calls(done: Recorded) -> list[tuple[str, int, str]]:
    return [(call.method, call.status, call.body) for call in done.cassette.http_calls]


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_a_recorded_run_does_the_same_in_the_sandbox_when_the_hosts_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Authority()
    (tmp_path / "own.pem").write_bytes(own.certificate)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "own.pem"))
    (tmp_path / "repo").mkdir()
    with live() as shop, live(own) as safe:
        agent = f"""
import httpx, requests
said = [model("/chat/completions", messages=[{{"role": "user", "content": given}}]).decode()]
said.append(httpx.get("{safe.url}/orders/7").json())
said.append(requests.get("{safe.url}/moved").json())
said.append(requests.post("{shop.url}/mirror", data={{"a": 1}}).status_code)
said.append(ask("{safe.url}/picture").hex())
open("said.json", "w").write(json.dumps(said))
print(json.dumps(said))
"""
        done = recorded(tmp_path / "repo", agent, shop)
    first = json.loads((tmp_path / "repo" / "said.json").read_text())
    again = played(tmp_path / "repo", done.cassette, isolated=True)
    assert (done.exit_status, done.left_out) == (0, ())
    assert json.loads(again.completed.stdout)[1:] == first[1:] == [{"state": "sent"}] * 2 + [200, PICTURE.hex()]
    assert "It has left." in again.completed.stdout
    assert (again.playback.unrecorded, again.playback.n_recorded) == ([], 6)


def test_no_secret_that_the_run_uses_is_in_the_recording_and_it_plays_without_them(
    tmp_path: Path, hosts: Hosts
) -> None:
    planted = ["hunter2hunter2", "header-v4lue-1234", "appid-0f7e1a9c", "b0dy-in-env-99", "c00kie-of-the-shop-77"]
    agent = f"""
basic = {b64encode(b"me:hunter2hunter2").decode()!r}
url = "{hosts.url}/mirror?q=1&appid=" + os.environ.get("WEATHER_KEY", "none")
body = {{"q": 2, "code": os.environ.get("SHOP_TOKEN", "none")}}
ask("{hosts.url}/orders/7")
ask(url, body, Authorization="Basic " + basic, **{{"X-Api-Key": "header-v4lue-1234"}})
ask("{hosts.url}/mirror", {{}}, Cookie="a=1; sid=c00kie-of-the-shop-77")
"""
    done = recorded(tmp_path, agent, hosts, WEATHER_KEY="appid-0f7e1a9c", SHOP_TOKEN="b0dy-in-env-99")
    kept = hide(done.cassette, SECRETS, done.secrets)
    raw, written = (json.dumps(each.to_json()) for each in (done.cassette, kept))
    assert [secret in raw for secret in planted] == [False, True, True, True, True]  # the mirror told them
    hidden = [*planted, b64encode(b"me:hunter2hunter2").decode()]
    assert [secret for secret in hidden if secret in written] == []
    assert played(tmp_path, kept).playback.unrecorded == []


def test_a_failing_host_is_recorded_as_it_was_and_fails_again(tmp_path: Path, hosts: Hosts) -> None:
    with socket.create_server((HOST, 0)) as closed:
        port = closed.getsockname()[1]
    agent = f"""
print(ask("{hosts.url}/broken"))
print(ask("http://{HOST}:{port}/"))
print(ask("{hosts.url}/late", timeout=0.5))
"""
    done = recorded(tmp_path, agent, hosts)
    assert [status for _, status, _ in http_calls(done)] == [500, NO_ANSWER, NO_ANSWER]
    assert http_calls(done)[0][2] == "<h1>no</h1>"
    assert ["refused" in http_calls(done)[1][2], "did not wait" in http_calls(done)[2][2]] == [True, True]
    assert done.cassette.http_calls[2].duration_ms >= 500
    again = played(tmp_path, done.cassette)
    assert again.completed.stdout.splitlines() == ["(500, b'<h1>no</h1>')", "RemoteDisconnected", "TimeoutError"]
    assert again.playback.unrecorded == []


def test_the_model_is_asked_at_the_operators_endpoint_and_every_kind_of_answer_plays_again(
    tmp_path: Path, hosts: Hosts
) -> None:
    agent = """
def user(text): return [{"role": "user", "content": text}]
print(model("/chat/completions", messages=user("where?"), stream=True).decode())
print(model("/chat/completions", messages=user("too fast")))
first = json.loads(model("/responses", input="hello"))
print(json.loads(model("/responses", input="more", previous_response_id=first["id"]))["output"][0]["content"])
key = {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
print(ask(os.environ["OPENAI_BASE_URL"] + "/embeddings", {"input": "x"}, **key))
"""
    done = recorded(tmp_path, agent, hosts, OPENAI_API_KEY="the-operators-own-1")
    streamed, refused, first, second = done.cassette.model_calls
    assert streamed.response["choices"][0]["message"]["content"] == "".join(STREAMED)
    assert (refused.error.status, refused.error.headers) == (429, {"retry-after": "7"})
    assert [len(call.request["messages"]) for call in (first, second)] == [1, 3]
    assert [call.url for call in done.cassette.http_calls] == ["OPENAI_BASE_URL/embeddings"]
    assert (hosts.seen[-1][1], hosts.seen[-1][2]["authorization"]) == ("/v1/embeddings", "Bearer the-operators-own-1")
    again = played(tmp_path, done.cassette)
    assert again.playback.unrecorded == []
    assert ["".join(STREAMED) in again.completed.stdout, "after resp_real" in again.completed.stdout] == [True, True]


def test_bodies_are_kept_unpacked_and_what_is_no_text_is_said_to_be_none(tmp_path: Path, hosts: Hosts) -> None:
    agent = f"""
ask("{hosts.url}/orders/7", **{{"accept-encoding": "br, gzip"}})
ask("{hosts.url}/picture", bytes(range(255, 0, -1)))
"""
    packed, picture = recorded(tmp_path, agent, hosts).cassette.http_calls
    assert (packed.body, packed.encoding) == ('{"state": "sent"}', "")
    assert (picture.encoding, b64decode(picture.body)) == (BASE64, PICTURE)
    assert picture.sent.startswith("[no text: 255 bytes, sha256 ")
    assert hosts.seen[0][2]["accept-encoding"] == "gzip"


def test_an_answer_that_is_too_long_is_left_out_and_said(
    tmp_path: Path, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fixers.recording.exchange.MAX_KEPT_BYTES", 100)
    done = recorded(tmp_path, f'print(len(ask("{hosts.url}/picture?token=t")))', hosts)
    assert (done.exit_status, http_calls(done)) == (0, [])
    assert done.left_out == (f"GET {hosts.url}/picture: the body has more than 100 bytes",)


def test_reports_to_tracers_are_passed_on_and_not_recorded(tmp_path: Path, hosts: Hosts) -> None:
    # The operator's own proxy stands in for the tracer's host.
    agent = """
ask("http://cloud.langfuse.com/api/public/ingestion", {})
"""
    environ = pytest.MonkeyPatch()
    with environ.context() as patch:
        patch.setenv("http_proxy", hosts.url)
        done = recorded(tmp_path, agent, hosts)
    assert [path for _, path, _, _ in hosts.seen] == ["http://cloud.langfuse.com/api/public/ingestion"]
    assert (http_calls(done), done.left_out) == ([], ())


def test_what_a_cassette_lacks_is_asked_for_and_what_it_has_is_not(tmp_path: Path, hosts: Hosts) -> None:
    agent = f"""
print(model("/chat/completions", messages=[{{"role": "user", "content": given}}]))
print(ask("{hosts.url}/orders/7"), ask("{hosts.url}/known"))
"""
    first = recorded(tmp_path, agent, hosts)
    known = HttpCall(method="GET", url=f"{hosts.url}/known", status=200, body="kept")
    start = replace(first.cassette, trace_id="t", http_calls=(known,))
    hosts.seen.clear()
    whole = recorded(tmp_path, agent, hosts, start=start).cassette
    assert [path for _, path, _, _ in hosts.seen] == ["/orders/7"]
    assert (whole.trace_id, whole.model_calls) == ("t", start.model_calls)
    assert [call.url for call in whole.http_calls] == [f"{hosts.url}/known", f"{hosts.url}/orders/7"]


def test_a_run_that_is_interrupted_keeps_what_it_was_answered(
    tmp_path: Path, hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(command: list[str], **options: object) -> int:
        subprocess.run(command, check=True, **options)  # type: ignore[call-overload]  # as it was called
        raise KeyboardInterrupt

    monkeypatch.setattr("fixers.recording.run.subprocess.call", interrupted)
    done = recorded(tmp_path, f'ask("{hosts.url}/orders/7")', hosts)
    assert (done.exit_status, len(done.cassette.http_calls)) == (130, 1)


def test_a_tools_server_on_the_same_machine_is_recorded_too(tmp_path: Path) -> None:
    with live(name="127.0.0.1") as hosts:
        agent = f"""
import httpx, requests
print(httpx.get("{hosts.url}/orders/7").json(), requests.get("{hosts.url}/orders/7").json(), ask("{hosts.url}/broken"))
print([get(os.environ["OPENAI_BASE_URL"] + "/models").status_code for get in (httpx.get, requests.get)])
"""
        done = recorded(tmp_path, agent, hosts)
    assert [status for _, status, _ in http_calls(done)] == [200, 200, 500, 404, 404]
    again = played(tmp_path, done.cassette)
    assert again.completed.stdout.splitlines() == [
        "{'state': 'sent'} {'state': 'sent'} (500, b'<h1>no</h1>')",
        "[404, 404]",
    ]
    assert again.playback.unrecorded == []


def test_tools_are_told_by_the_hook(tmp_path: Path, hosts: Hosts) -> None:
    agent = """
hook = os.environ["TRACEWRIGHT_TOOLS_URL"]
call = {"name": "add", "arguments": {"a": 1}}
status = ask(hook, call)
if isinstance(status, tuple):
    assert json.loads(status[1])["run"]
    ask(hook, {**call, "result": {"sum": 1}})
    ask(hook, {"name": "div", "arguments": {}, "error": {"type": "ZeroDivisionError", "message": "no"}})
else:
    print(status.decode())
"""
    done = recorded(tmp_path, agent, hosts)
    add, div = done.cassette.tool_calls
    assert (add.name, add.result, div.error.type) == ("add", '{"sum":1}', "ZeroDivisionError")
    assert played(tmp_path, done.cassette).completed.stdout.strip() == r'{"result":"{\"sum\":1}"}'


def test_a_model_that_lets_wait_too_long_is_recorded_as_a_time_out(tmp_path: Path, hosts: Hosts) -> None:
    agent = 'print(ask(os.environ["OPENAI_BASE_URL"] + "/chat/completions", {"messages": []}, timeout=0.5))'
    hosts.RequestHandlerClass.answer_model, kept = (
        lambda handler, *_: handler.server.is_over.wait(30),
        hosts.RequestHandlerClass.answer_model,
    )
    try:
        (call,) = recorded(tmp_path, agent, hosts).cassette.model_calls
    finally:
        hosts.RequestHandlerClass.answer_model = kept
    assert (call.error.status, call.error.body) == (NO_ANSWER, TIMED_OUT)
