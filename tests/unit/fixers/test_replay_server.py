"""The replay server as clients see it, and what it makes of hostile requests."""

import gzip
import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from fixers.replay.cassette import NO_ANSWER, Cassette, ModelCall, ModelError
from fixers.replay.forward import listening
from fixers.replay.live import LiveEndpoint
from fixers.replay.match import model_fingerprint, tool_fingerprint
from fixers.replay.playback import Playback
from fixers.replay.pool import Pool
from fixers.replay.server import serving
from fixers.replay.wire import capped_headers
from tests.unit.fixers.served import client

ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a"'}}
SAID = {"role": "assistant", "content": None, "tool_calls": [CALL]}
COMPLETION = {"choices": [{"index": 0, "message": SAID, "finish_reason": "tool_calls"}]}
LIMITED = ModelError(status=429, body={"error": {"message": "slow down"}}, headers={"retry-after": "0"})


def cassette(*calls: ModelCall) -> Cassette:
    return Cassette(trace_id="t", service="shop", input="{}", model_calls=calls, tool_calls=())


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s")


class Served:
    """A playback on a Unix socket, and clients of it."""

    def __init__(self, path: Path, playback: Playback) -> None:
        self.playback = playback
        self.http = httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://replay")

    def post(self, path: str, **fields: object) -> httpx.Response:
        return self.http.post(path, **fields)


@pytest.fixture
def served(folder: Path) -> Iterator[Served]:
    playback = Playback(cassette(ModelCall(request=ASKED, response=COMPLETION)), pool=Pool())
    with serving(folder / "r", playback):
        client = Served(folder / "r", playback)
        yield client
        client.http.close()


def test_a_recorded_answer_is_served_once(served: Served) -> None:
    first, second = (served.post("/v1/chat/completions", json=ASKED) for _ in range(2))
    assert (first.status_code, first.json()["choices"]) == (200, COMPLETION["choices"])
    assert (second.status_code, second.json()["error"]["type"]) == (424, "unrecorded")


def test_a_client_that_does_not_wait_as_long_as_it_is_told_is_refused_again(folder: Path) -> None:
    busy = ModelError(status=429, body={"error": {}}, headers={"retry-after": "60"})
    calls = (ModelCall(request=ASKED, error=busy), ModelCall(request=ASKED, response=COMPLETION))
    with serving(folder / "r", Playback(cassette(*calls), pool=Pool())):
        http = Served(folder / "r", Playback(cassette(), pool=Pool())).http
        answers = [http.post("/v1/chat/completions", json=ASKED) for _ in range(3)]
        http.close()
    assert [(answer.status_code, answer.headers["retry-after"]) for answer in answers] == [(429, "1")] * 3


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/v1/embeddings", "POST OPENAI_BASE_URL/embeddings was not recorded"),
        ("/v1/audio/speech?n=1", "POST OPENAI_BASE_URL/audio/speech?n=1 was not recorded"),
        ("/etc/passwd", "a call to '/etc/passwd' is never recorded"),
    ],
)
def test_a_call_of_another_kind_makes_the_run_inconclusive(served: Served, path: str, reason: str) -> None:
    assert served.post(path, json={}).status_code == 424
    assert served.playback.unrecorded == [reason]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000, b"\xff"])
def test_what_is_no_json_object_is_refused(served: Served, body: bytes) -> None:
    assert served.post("/v1/chat/completions", content=body).status_code == 400
    assert served.post("/tools", content=body).status_code == 400


def test_a_damaged_or_huge_export_is_refused_and_the_server_goes_on(served: Served) -> None:
    headers = {"content-type": "application/x-protobuf"}
    assert served.post("/v1/traces", content=b"\xff\xff", headers=headers).status_code == 400
    bomb = gzip.compress(bytes(64 * 1024**2))
    assert served.post("/v1/traces", content=bomb, headers={**headers, "content-encoding": "gzip"}).status_code == 413
    assert served.post("/v1/traces", content=b"", headers=headers).status_code == 200


@pytest.mark.usefixtures("served")
def test_a_body_without_length_or_beyond_the_limit_is_refused(folder: Path) -> None:
    for header, status in (("X-None: 1", 411), ("Content-Length: 99999999999", 413)):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(folder / "r"))
            client.sendall(f"POST /tools HTTP/1.1\r\nHost: r\r\n{header}\r\n\r\n".encode())
            answer = http.client.HTTPResponse(client)
            answer.begin()
            assert answer.status == status
            answer.close()


@pytest.fixture
def port(folder: Path) -> Iterator[int]:
    with listening(str(folder / "r")) as found:
        yield found


def test_a_stream_brings_the_recorded_answer_in_chunks(folder: Path, port: int) -> None:
    playback = Playback(cassette(ModelCall(request=ASKED, response=COMPLETION)), pool=Pool())
    with serving(folder / "r", playback), client(port) as api:
        options = {"include_usage": True}
        chunks = list(api.chat.completions.create(**ASKED, stream=True, stream_options=options))
        first = chunks[0].choices[0].delta.tool_calls[0].function
        assert (first.name, first.arguments, chunks[1].choices[0].finish_reason) == ("f", '{"a"', "tool_calls")


def test_a_recorded_time_out_drops_the_connection(folder: Path, port: int) -> None:
    error = ModelError(status=NO_ANSWER, body={})
    playback = Playback(cassette(ModelCall(request=ASKED, error=error)), pool=Pool())
    with serving(folder / "r", playback), client(port) as api, pytest.raises(openai.APIConnectionError):
        api.chat.completions.create(**ASKED)


def test_a_client_that_retries_by_itself_meets_the_recorded_error_each_time(folder: Path, port: int) -> None:
    playback = Playback(cassette(ModelCall(request=ASKED, error=LIMITED)), pool=Pool())
    with serving(folder / "r", playback), client(port, max_retries=2) as api, pytest.raises(openai.RateLimitError):
        api.chat.completions.create(**ASKED)
    assert (playback.n_recorded, playback.sdk_retries_seen, playback.unrecorded) == (1, 2, [])


def test_a_retry_beyond_those_that_were_recorded_goes_to_the_pool() -> None:
    other = Cassette(
        trace_id="o",
        service="",
        input=None,
        model_calls=(ModelCall(request=ASKED, response=COMPLETION),),
        tool_calls=(),
    )
    playback = Playback(cassette(ModelCall(request=ASKED, error=LIMITED)), pool=Pool([other]), sdk_retries=1)
    answers = [playback.model(ASKED, retry=retry) for retry in range(3)]
    assert [answer.status for answer in answers if answer] == [429, 429, 200]
    assert (playback.n_recorded, playback.n_pooled) == (1, 1)


def test_a_run_does_not_answer_itself_from_the_pool() -> None:
    own = cassette(ModelCall(request=ASKED, response=COMPLETION))
    playback = Playback(own, pool=Pool([own]))
    assert playback.model(ASKED) is not None
    assert playback.model(ASKED) is None


def turn(call_id: str, arguments: str, *, content: object = "hi") -> dict[str, Any]:
    call = {"id": call_id, "type": "function", "function": {"name": "f", "arguments": arguments}}
    return {
        "messages": [
            {"role": "user", "content": content},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call_id, "content": "done"},
        ]
    }


def test_ids_spacing_and_the_order_of_keys_do_not_tell_requests_apart() -> None:
    first = model_fingerprint(turn("x", '{"a": 1, "b": 2.0}'))
    assert first == model_fingerprint(turn("y", '{"b":2,"a":1}', content=[{"type": "text", "text": "hi"}]))


@pytest.mark.parametrize(
    "other",
    [
        turn("x", '{"a": 2}'),
        turn("x", '{"a": 1'),
        turn("x", '{"a": 1}', content="bye"),
        turn("x", '{"a": 1}') | {"tools": [{"type": "function"}]},
        turn("x", '{"a": 1}') | {"response_format": {"type": "json_object"}},
    ],
)
def test_what_a_model_can_see_tells_requests_apart(other: dict[str, Any]) -> None:
    assert model_fingerprint(turn("x", '{"a": 1}')) != model_fingerprint(other)


def test_an_answer_to_the_wrong_call_tells_requests_apart() -> None:
    right, wrong = turn("x", "{}"), turn("x", "{}")
    wrong["messages"][2]["tool_call_id"] = "z"
    assert model_fingerprint(right) != model_fingerprint(wrong)


def test_deep_nesting_ends_no_server() -> None:
    deep: Any = "bottom"
    for _ in range(5_000):
        deep = [deep]
    assert model_fingerprint({"messages": [{"role": "user", "content": deep}]})


def test_tool_arguments_match_as_json_or_as_text() -> None:
    assert tool_fingerprint("f", '{"a": 1}') == tool_fingerprint("f", {"a": 1})
    assert tool_fingerprint("f", "{broken") != tool_fingerprint("f", "{}")


@pytest.mark.parametrize(
    ("recorded", "sent"), [("20", "1"), ("0.25", "0.25"), ("-3", "0"), ("Mon, 22 Nov", "0"), ("nan", "0")]
)
def test_retry_after_is_kept_and_capped(recorded: str, sent: str) -> None:
    assert capped_headers({"Retry-After": recorded, "set-cookie": "x"}) == {"retry-after": sent}


def test_the_live_model_is_asked_with_its_own_name_and_never_streams() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=COMPLETION, headers={"set-cookie": "secret", "retry-after": "3"})

    with httpx.Client(transport=httpx.MockTransport(answer)) as transport:
        live = LiveEndpoint(name="live-1", base_url="http://model/v1/", api_key="key", client=transport)
        status, headers, _ = live.complete({**ASKED, "stream": True, "user": "u", "base_url": "http://evil"})
    assert (status, headers) == (200, {"retry-after": "3"})
    assert json.loads(seen[0].content) == {"model": "live-1", "messages": ASKED["messages"]}
    assert (str(seen[0].url), seen[0].headers["authorization"]) == ("http://model/v1/chat/completions", "Bearer key")


def test_a_live_model_out_of_reach_makes_the_run_inconclusive() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with httpx.Client(transport=httpx.MockTransport(refuse)) as transport:
        live = LiveEndpoint(name="m", base_url="http://model/v1", api_key="key", client=transport)
        playback = Playback(cassette(), pool=Pool(), live=live)
        assert playback.model(ASKED) is None
    assert "did not answer" in playback.unrecorded[0]
