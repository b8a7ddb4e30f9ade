"""What came over the wire, told as a cassette keeps it; and what cannot be told."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event, Thread, Timer
from typing import Any

import pytest

from fixers.errors import NotRecordable
from fixers.recording.exchange import Exchange, http_call, model_call
from fixers.recording.hide import hide
from fixers.recording.recorder import Recorder
from fixers.recording.run import started
from fixers.recording.streamed import completion_of
from fixers.replay.blanks import blanked, secret_places
from fixers.replay.cassette import HttpCall
from fixers.replay.http_tools import body_of, sent_text

SECRET = "[redacted:canary:0123456789ab]"
SSE = {"content-type": "text/event-stream; charset=utf-8"}


def exchange(body: bytes = b"{}", *, status: int = 200, trouble: str = "", **head: str) -> Exchange:
    named = {name.replace("_", "-"): value for name, value in head.items()}
    return Exchange(
        method="POST",
        url="http://h/x?key=k",
        sent_head={},
        sent=b"",
        status=status,
        head=named,
        body=body,
        trouble=trouble,
    )


def stream(*deltas: dict[str, Any], finish: str | None = "stop") -> bytes:
    parts = [{"index": 0, "delta": delta} for delta in deltas]
    ended = [*parts, {"index": 0, "delta": {}, "finish_reason": finish}]
    lines = [b"data: " + json.dumps({"id": "c", "choices": [part]}).encode() for part in ended]
    return b": hello\n\n" + b"\n\n".join([*lines, b"data: [DONE]"])


def call(index: int | None, **told: str) -> dict[str, Any]:
    named = {"id": told.pop("id")} if "id" in told else {}
    place = {} if index is None else {"index": index}
    return {"tool_calls": [{**place, **named, "function": told}]}


def test_streamed_tool_calls_come_together_by_their_places() -> None:
    body = stream(
        {"role": "assistant", "content": None},
        call(0, id="a", name="f", arguments=""),
        call(0, arguments='{"x"'),
        call(1, id="b", name="g", arguments="{}"),
        call(0, arguments=": 1}"),
        finish="tool_calls",
    )
    whole = completion_of(body)
    assert whole is not None
    calls = whole["choices"][0]["message"]["tool_calls"]
    assert [(each["id"], each["function"]) for each in calls] == [
        ("a", {"name": "f", "arguments": '{"x": 1}'}),
        ("b", {"name": "g", "arguments": "{}"}),
    ]


def test_tool_calls_without_places_are_each_their_own() -> None:
    whole = completion_of(
        stream(call(None, id="a", name="f", arguments="1"), call(None, id="b", name="g", arguments="2"))
    )
    assert whole is not None
    assert [each["id"] for each in whole["choices"][0]["message"]["tool_calls"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("got", "reason"),
    [
        (exchange(stream({"content": "half"}, finish=None), trouble="gone", **SSE), "the stream has no end: gone"),
        (exchange(b'data: {"error": {"message": "no"}}\n\n', **SSE), "the stream has no end"),
        (exchange(b"<html>", status=200), "no JSON object: '<html>'"),
        (exchange(b'{"object": "list"}'), "no completion"),
        (exchange(b'{"cho', trouble="reset"), "cut short after 5 bytes: reset"),
        (exchange(b"{}", content_encoding="br"), "must be gzip, deflate, zstd or identity: 'br'"),
    ],
)
def test_what_is_no_whole_answer_is_named_without_its_parameters(got: Exchange, reason: str) -> None:
    with pytest.raises(NotRecordable) as raised:
        model_call(got, {"messages": []})
    assert str(raised.value).startswith("POST http://h/x: ")
    assert reason in str(raised.value)


def test_a_stream_whose_reader_left_after_the_last_event_is_whole() -> None:
    kept = model_call(exchange(stream({"content": "done"}), trouble="gone", **SSE), {"messages": []})
    assert kept.response is not None
    assert kept.response["choices"][0]["message"]["content"] == "done"


def test_an_error_page_of_a_gateway_is_the_errors_message() -> None:
    kept = model_call(exchange(b"<h1>Bad Gateway</h1>", status=502), {"messages": []})
    assert kept.error is not None
    assert (kept.error.status, kept.error.body["error"]["message"]) == (502, "<h1>Bad Gateway</h1>")


def test_text_of_another_charset_and_the_heads_that_matter_are_kept() -> None:
    head = {"content-type": "text/plain; charset=ISO-8859-1", "set-cookie": "a=1", "link": "<n>", "x-auth": "s"}
    kept = http_call(exchange("Grüße".encode("latin-1"), **head))
    assert (kept.body, kept.content_type) == ("Grüße", "text/plain; charset=utf-8")
    assert kept.headers == {"link": "<n>"}


def test_a_damaged_picture_in_a_cassette_is_no_picture() -> None:
    assert body_of(HttpCall(method="GET", url="u", status=200, body="###=", encoding="base64")) == b""


def test_forms_with_files_are_the_same_whatever_their_boundary() -> None:
    first, second = (sent_text(f"--{mark}\r\n\xff".encode("latin-1"), f"x; boundary={mark}") for mark in ("aa", "bbbb"))
    assert first == second


@pytest.mark.parametrize(
    ("recorded", "asked", "sent", "asks"),
    [
        (f"https://h/x?a=1&appid={SECRET}", "https://h/x?a=1&appid=", "", ""),
        (f"https://h/bot{SECRET}/send", "https://h/bot12:ab/send", "", ""),
        ("https://h/x", "https://h/x", json.dumps({"in": [{"code": SECRET}]}), '{"in": [{"code": "other"}]}'),
        ("https://h/x", "https://h/x", f"a=1&code={SECRET}", "a=1&code=other"),
    ],
)
def test_where_a_secret_was_any_value_is_the_same(recorded: str, asked: str, sent: str, asks: str) -> None:
    places = secret_places([HttpCall(method="GET", url=recorded, sent=sent, status=200, body="")])
    assert blanked(recorded, sent, places) == blanked(asked, asks, places)


@pytest.mark.parametrize("url", ["https://h/x?a=2&appid=1", "https://h/y?a=1&appid=1", "https://g/x?a=1&appid=1"])
def test_beside_a_secret_everything_counts(url: str) -> None:
    recorded = f"https://h/x?a=1&appid={SECRET}"
    places = secret_places([HttpCall(method="GET", url=recorded, status=200, body="")])
    assert blanked(recorded, "", places) != blanked(url, "", places)


def test_words_of_a_header_or_a_setting_are_no_secrets() -> None:
    recorder = Recorder()
    recorder.know_header("X-Api-Key", "customer")
    recorder.know_header("Idempotency-Key", "0f7e1a9c-55aa")
    recorder.know_header("Cookie", "theme=standard; sid=9f8e7d6c5b")
    recorder.know_environment({"AUTH_KEY": "production", "PATH_TO_X": "a1b2c3d4e5", "SHOP_TOKEN": "a1b2c3d4"})
    assert recorder.secrets == {"9f8e7d6c5b", "a1b2c3d4"}


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("https://h/x?page=2&token=ab12cd34ef&q=1", {"ab12cd34ef"}),
        ("https://h/x?sig=a%2Fb12cd34e%3D", {"a/b12cd34e="}),
        ("grant=code&client_secret=ab12cd34ef", {"ab12cd34ef"}),
        ('{"access_token": "ab12cd34ef", "expires": 3600}', {"ab12cd34ef"}),
        (r'{"inner": "{\"token\": \"ab12cd34ef\"}"}', {"ab12cd34ef"}),
        ('{"max_tokens": "ab12cd34ef", "next_page_token": "ab12cd34ef"}', set()),
        ("https://h/x?token=next&password=changeme&auth=ab12cd34ef", set()),
    ],
)
def test_fields_that_are_named_for_secrets_hold_them(text: str, secrets: set[str]) -> None:
    recorder = Recorder()
    recorder.keep(0, HttpCall(method="GET", url="http://h/", sent=text, status=200, body=""))
    assert recorder.secrets == secrets


@pytest.mark.parametrize(
    ("secret", "written"),
    [("a/b12cd34e=", "a%2Fb12cd34e%3D"), ("p@ss w0rd12", "p%40ss+w0rd12"), ("grü1234567", "grü1234567")],
)
def test_a_secret_is_hidden_as_addresses_and_forms_write_it(secret: str, written: str) -> None:
    call = HttpCall(
        method="GET", url=f"http://h/?q={written}", sent=f"q={written}", status=200, body=f"it is {secret}!"
    )
    kept = hide(replace(started(secret, now=datetime.now(UTC)), http_calls=(call,)), (), {secret})
    assert [text for text in (secret, written) if text in json.dumps(kept.to_json(), ensure_ascii=False)] == []


def test_a_call_that_is_being_kept_when_the_run_ends_is_waited_for() -> None:
    recorder, begun, end = Recorder(), Event(), Event()

    def keep() -> None:
        with recorder.call() as place:
            begun.set()
            end.wait(30)
            recorder.keep(place, HttpCall(method="GET", url="http://h/", status=200, body=""))

    Thread(target=keep, daemon=True).start()
    begun.wait(30)
    Timer(0.05, end.set).start()
    recorder.settle(30)
    assert len(recorder.cassette(started("", now=datetime.now(UTC)), ()).http_calls) == 1
