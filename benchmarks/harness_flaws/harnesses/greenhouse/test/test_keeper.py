import json

import httpx
import pytest

import beds
import keeper
from provider import Provider


def message(content=None, *calls):
    made = [{"id": f"k{n}", "type": "function", "function": {"name": c[0], "arguments": json.dumps(c[1])}} for n, c in enumerate(calls)]
    return {"role": "assistant", "content": content, **({"tool_calls": made} if made else {})}


def provider_of(*messages):
    waiting, seen = list(messages), []

    def answer(request):
        seen.append(json.loads(request.content))
        return httpx.Response(200, json={"choices": [{"message": waiting.pop(0)}]})

    return Provider("http://model.test/v1", "k", httpx.MockTransport(answer)), seen


def test_the_sensor_is_read_and_told():
    provider, seen = provider_of(message(None, ("read_sensor", {"code": "F-1"})), message('{"answer": "55 percent"}'))
    answer, _ = keeper.talk(provider, ["How moist is F-1?"], session="s", user="u")
    assert answer == "55 percent"
    assert json.loads(seen[1]["messages"][-1]["content"])["moisture_percent"] == 55


def test_a_bed_that_does_not_exist_is_named():
    with pytest.raises(beds.BedError, match="Z-9"):
        beds.read_sensor("Z-9")


def test_a_wet_bed_needs_no_water(monkeypatch):
    monkeypatch.setitem(beds.BEDS, "W-1", ("herbs", 10_000, 90, 20.0))
    assert beds.water_needed("W-1")["litres"] == 0


def test_too_much_water_is_refused():
    with pytest.raises(beds.BedError, match="litres"):
        beds.give_water("F-1", 90)


def test_a_short_conversation_is_sent_whole():
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    assert keeper.window(messages) == messages


def test_a_request_that_is_refused_is_not_sent_again():
    sent = []
    transport = httpx.MockTransport(lambda request: sent.append(request) or httpx.Response(401))
    with pytest.raises(httpx.HTTPStatusError):
        Provider("http://model.test/v1", "k", transport).complete([], [])
    assert len(sent) == 1


def test_the_prompt_holds_the_skills():
    assert "Where things grow" in keeper.system_prompt()
