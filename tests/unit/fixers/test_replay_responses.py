"""The Responses API of the replay server, as the real client sees it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest

from fixers.replay.cassette import NO_ANSWER, Cassette, ModelCall, ModelError
from fixers.replay.playback import Playback
from fixers.replay.pool import Pool
from fixers.replay.record import record
from fixers.replay.responses import as_completion, as_response
from tests.unit.fixers.recorded_runs import Recording
from tests.unit.fixers.served import client, port_of
from webhooks.trace import Trace

TOOL = {"type": "function", "name": "get_order", "parameters": {"type": "object"}, "strict": None}
CHAT_TOOL = {"type": "function", "function": {"name": "get_order", "parameters": {"type": "object"}}}
SYSTEM, TURN = "You help.", {"role": "user", "content": "Where is 7?"}
WISH = {"id": "call_1", "type": "function", "function": {"name": "get_order", "arguments": '{"id": 7}'}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [WISH]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "on its way"}
HEAD = {"role": "system", "content": SYSTEM}


def answer(message: dict[str, Any], reason: str = "stop") -> dict[str, Any]:
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    return {"choices": [{"index": 0, "message": message, "finish_reason": reason}], "usage": usage}


def asked(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"model": "m", "messages": [HEAD, *messages], "tools": [CHAT_TOOL]}


CONVERSATION = (
    ModelCall(request=asked(TURN), response=answer(CALLED, "tool_calls")),
    ModelCall(request=asked(TURN, CALLED, RESULT), response=answer({"role": "assistant", "content": "On its way."})),
)


def playback(*calls: ModelCall) -> Playback:
    run = Cassette(trace_id="t", service="", input="{}", model_calls=calls, tool_calls=())
    return Playback(run, pool=Pool())


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s")


@pytest.fixture
def api(folder: Path) -> Iterator[openai.OpenAI]:
    with port_of(folder, playback(*CONVERSATION)) as (port, _), client(port) as made:
        yield made


def test_a_run_recorded_as_chat_completions_answers_a_harness_that_asks_for_responses(api: openai.OpenAI) -> None:
    fixed: dict[str, Any] = {"model": "m", "instructions": SYSTEM, "tools": [TOOL]}
    first = api.responses.create(**fixed, input=[TURN])
    (wish,) = first.output
    assert (wish.type, wish.name, wish.arguments, wish.call_id) == ("function_call", "get_order", '{"id": 7}', "call_1")
    result = {"type": "function_call_output", "call_id": "call_1", "output": "on its way"}
    second = api.responses.create(**fixed, input=[TURN, wish.model_dump(), result])
    assert (second.output_text, second.usage.total_tokens, second.status) == ("On its way.", 7, "completed")


def test_a_conversation_goes_on_from_the_id_of_the_last_answer(api: openai.OpenAI) -> None:
    fixed: dict[str, Any] = {"model": "m", "instructions": SYSTEM, "tools": [TOOL]}
    first = api.responses.create(**fixed, input="Where is 7?")
    result: Any = [{"type": "function_call_output", "call_id": "call_1", "output": "on its way"}]
    second = api.responses.create(**fixed, input=result, previous_response_id=first.id)
    assert second.output_text == "On its way."
    with pytest.raises(openai.NotFoundError):
        api.responses.create(**fixed, input=result, previous_response_id="resp_of_another_run")


def test_a_streamed_answer_is_the_same_as_a_whole_one(folder: Path) -> None:
    both = replace(CONVERSATION[0], response=answer({**CALLED, "content": "Let me see."}, "tool_calls"))
    with port_of(folder, playback(both, both)) as (port, _), client(port) as api:
        fixed: dict[str, Any] = {"model": "m", "instructions": SYSTEM, "tools": [TOOL], "input": "Where is 7?"}
        whole = api.responses.create(**fixed)
        with api.responses.stream(**fixed) as stream:
            kinds = [event.type for event in stream]
            streamed = stream.get_final_response()
    told = [(item.type, getattr(item, "arguments", None)) for item in streamed.output]
    assert (streamed.output_text, told) == ("Let me see.", [("message", None), ("function_call", '{"id": 7}')])
    assert told == [(item.type, getattr(item, "arguments", None)) for item in whole.output]
    assert {"response.output_text.delta", "response.function_call_arguments.delta"} < set(kinds)
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (ModelError(status=429, body={"error": {"message": "slow down"}}), openai.RateLimitError),
        (ModelError(status=503, body={"error": {"message": "busy"}}), openai.InternalServerError),
        (ModelError(status=NO_ANSWER, body={}), openai.APIConnectionError),
    ],
)
def test_a_recorded_error_comes_as_it_came(folder: Path, error: ModelError, raised: type[Exception]) -> None:
    failed = ModelCall(request=asked(TURN), error=error)
    with port_of(folder, playback(failed)) as (port, _), client(port) as api, pytest.raises(raised):
        api.responses.create(model="m", instructions=SYSTEM, tools=[TOOL], input="Where is 7?")


def test_what_was_not_recorded_makes_the_run_inconclusive(api: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as found:
        api.responses.create(model="m", input="Something else")
    assert found.value.status_code == 424


def test_an_answer_that_was_cut_says_so() -> None:
    cut = as_response(answer({"role": "assistant", "content": "On"}, "length"), {}, answer_id="r")
    assert (cut["status"], cut["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert as_completion(cut)["choices"][0]["finish_reason"] == "length"


def responses_trace() -> Trace:
    """Return a trace whose model calls were recorded as requests to /v1/responses, the second one by reference."""
    built = Recording("e" * 32, "Where is 7?")
    wish = {"type": "function_call", "id": "fc", "call_id": "call_1", "name": "get_order", "arguments": '{"id": 7}'}
    said = {"type": "message", "id": "m", "role": "assistant", "content": [{"type": "output_text", "text": "Soon."}]}
    result = {"type": "function_call_output", "call_id": "call_1", "output": "on its way"}
    thinking = {"type": "reasoning", "id": "rs", "summary": []}
    first = {"model": "m", "instructions": SYSTEM, "tools": [TOOL], "input": "Where is 7?"}
    second = first | {"input": [result], "previous_response_id": "resp_1"}
    for given, answered in (
        (first, {"id": "resp_1", "output": [thinking, wish]}),
        (second, {"id": "resp_2", "output": [said]}),
    ):
        built._add("LLM", {"input.value": json.dumps(given), "output.value": json.dumps(answered)})
    return built.trace


def test_a_run_recorded_with_the_responses_api_is_replayed_with_it(folder: Path) -> None:
    run = record(responses_trace())
    assert run.model_calls[1].request["messages"] == [HEAD, TURN, CALLED, RESULT]
    with port_of(folder, Playback(run, pool=Pool())) as (port, server), client(port) as api:
        fixed: dict[str, Any] = {"model": "m", "instructions": SYSTEM, "tools": [TOOL]}
        first = api.responses.create(**fixed, input="Where is 7?")
        result: Any = [{"type": "function_call_output", "call_id": "call_1", "output": "on its way"}]
        second = api.responses.create(**fixed, input=result, previous_response_id=first.id)
    assert (second.output_text, server.playback.n_recorded, server.playback.unrecorded) == ("Soon.", 2, [])
