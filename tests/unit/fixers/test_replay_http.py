"""A tool's HTTP requests are answered from the recording, through the proxy that the environment names."""

import shutil
import ssl
import urllib.request
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from fixers.harness import Harness
from fixers.replay.authority import authority
from fixers.replay.cassette import Cassette, HttpCall
from fixers.replay.forward import environment
from fixers.replay.playback import Playback
from fixers.replay.pool import Pool
from fixers.replay.record import record
from fixers.replay.run import replay
from fixers.sandbox import find_sandbox
from tests.unit.fixers.recorded_runs import healthy
from tests.unit.fixers.served import port_of
from webhooks.trace import Span, Trace

ORDER = HttpCall(method="GET", url="https://shop.example/orders/7?a=1&b=2", status=200, body='{"state": "sent"}')
PLACED = HttpCall(
    method="POST", url="http://shop.example/orders", sent='{"item": 1}', status=409, body='{"no": "stock"}'
)

TOOL = f"""
import urllib.error, urllib.request
print(urllib.request.urlopen({ORDER.url!r}).read().decode())
try:
    urllib.request.urlopen("https://shop.example/orders/8")
except urllib.error.HTTPError as error:
    print(error.code)
"""


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s")


def playback(*calls: HttpCall, pool: Pool | None = None) -> Playback:
    run = Cassette(trace_id="t", service="", input="{}", model_calls=(), tool_calls=(), http_calls=calls)
    return Playback(run, pool=pool or Pool())


def http(port: int) -> httpx.Client:
    trusted = ssl.create_default_context(cadata=authority().certificate.decode())
    return httpx.Client(proxy=f"http://127.0.0.1:{port}", verify=trusted)


def test_requests_over_http_and_https_get_what_was_recorded(folder: Path) -> None:
    with port_of(folder, playback(ORDER, PLACED), authority()) as (port, server), http(port) as tool:
        got = tool.get("https://shop.example:443/orders/7?b=2&a=1")
        refused = tool.post("http://shop.example/orders", json={"item": 1})
    assert (got.status_code, got.json(), got.headers["content-type"]) == (200, {"state": "sent"}, "application/json")
    assert (refused.status_code, refused.json()) == (409, {"no": "stock"})
    assert (server.playback.n_recorded, server.playback.unrecorded) == (2, [])


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("GET", "https://shop.example/orders/8", None),
        ("DELETE", "https://shop.example/orders/7?a=1&b=2", None),
        ("GET", "https://elsewhere.example/orders/7?a=1&b=2", None),
        ("POST", "http://shop.example/orders", b'{"item": 2}'),
    ],
)
def test_a_request_that_was_not_recorded_makes_the_run_inconclusive(
    folder: Path, method: str, url: str, body: bytes | None
) -> None:
    with port_of(folder, playback(ORDER, PLACED), authority()) as (port, server), http(port) as tool:
        assert tool.request(method, url, content=body).status_code == 424
    assert [method in reason and "was not recorded" in reason for reason in server.playback.unrecorded] == [True]


def test_reports_to_tracers_are_no_business_of_the_replay(folder: Path) -> None:
    with port_of(folder, playback(), authority()) as (port, server), http(port) as tool:
        assert tool.post("https://cloud.langfuse.com/api/public/ingestion", json={}).status_code == 424
    assert server.playback.unrecorded == []


def test_a_client_that_does_not_trust_the_replay_leaves_a_reason_unless_it_only_reports(folder: Path) -> None:
    with port_of(folder, playback(ORDER), authority()) as (port, server):
        strict = httpx.Client(proxy=f"http://127.0.0.1:{port}", verify=ssl.create_default_context())
        with strict as tool:
            for url in (ORDER.url, "https://cloud.langfuse.com/api/public/ingestion"):
                with pytest.raises(httpx.ConnectError):
                    tool.post(url)
    assert ["shop.example" in reason for reason in server.playback.unrecorded] == [True]


def test_the_environment_leads_plain_urllib_to_the_recording(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = tmp_path / "authority.pem"
    trusted.write_bytes(authority().certificate)
    with port_of(folder, playback(ORDER), authority()) as (port, _):
        for name, value in environment(port, "input.json", str(trusted)).items():
            monkeypatch.setenv(name, value)
        with urllib.request.urlopen(ORDER.url) as answer:
            assert answer.read() == ORDER.body.encode()


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_a_tool_in_the_sandbox_reaches_the_recording_and_nothing_else(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "tool.py").write_text(TOOL)
    run = Cassette(trace_id="t", service="", input="{}", model_calls=(), tool_calls=(), http_calls=(ORDER,))
    harness = Harness(name="shop", test=("true",), replay=("python", "tool.py"), timeout_s=30.0)
    done = replay(run, checkout=checkout, harness=harness, sandbox=find_sandbox(), pool=Pool())
    assert done.completed.stdout.splitlines() == [ORDER.body, "424"], done.completed.stderr
    assert done.playback.unrecorded == ["GET https://shop.example/orders/8 was not recorded"]


def test_another_runs_answer_serves_too() -> None:
    other = Cassette(trace_id="o", service="", input="{}", model_calls=(), tool_calls=(), http_calls=(ORDER,))
    assert playback(pool=Pool([other])).http("GET", ORDER.url, "") == ORDER


def test_a_request_whose_body_nobody_recorded_is_found_by_its_address() -> None:
    assert playback(replace(PLACED, sent="")).http("POST", PLACED.url, '{"item": 5}') is not None


def span_of(trace: Trace, **attributes: object) -> Span:
    values = {name.replace("_", "."): value for name, value in attributes.items()}
    return replace(trace.spans[-1], span_id="f" * 16, name="GET", kind="client", attributes=values)


def test_a_trace_with_the_answers_of_its_requests_becomes_a_cassette_with_them() -> None:
    run = healthy(1)
    asked = {
        "http.request.method": "GET",
        "url.full": ORDER.url,
        "http.response.status_code": 200,
        "http.response.body.text": ORDER.body,
    }
    span = replace(span_of(run), attributes=asked)
    (kept,) = record(Trace.from_spans([*run.spans, span])).http_calls
    assert replace(kept, began_ms=None, duration_ms=0.0) == ORDER
    without = replace(span, attributes={key: asked[key] for key in list(asked)[:3]})
    assert record(Trace.from_spans([*run.spans, without])).http_calls == ()
