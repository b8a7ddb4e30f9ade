"""The evidence in full: whole, readable, bounded, and without what is nobody's business."""

import json

from bot import bundle as module
from bot.bundle import bundle
from fixers.replay.cassette import Cassette, ModelCall, ToolCall
from tests.unit.bot.test_submit import EVIDENCE, MODE, PROPOSAL

ASKED = {"messages": [{"role": "user", "content": "write to ada@example.com"}]}


def cassette(number: int, *, filling: str = "") -> Cassette:
    return Cassette(
        trace_id=f"{number:032d}",
        service="shop",
        input="ada@example.com asks",
        model_calls=(ModelCall(request=ASKED, response={"text": filling}),),
        tool_calls=(ToolCall(name="find", arguments="{}", result="ada@example.com"),),
    )


def hide(text: str) -> str:
    return text.replace("ada@example.com", "[e-mail]").replace("0" * 31, "[number]")


def test_a_bundle_holds_everything_that_was_tried() -> None:
    files = bundle(PROPOSAL, EVIDENCE, MODE, [cassette(1), cassette(2)], redact=str)
    assert sorted(files) == [
        "README.md",
        "cassettes/01.json",
        "cassettes/02.json",
        "evidence.json",
        "failure-mode.json",
        "proposal.json",
    ]
    assert json.loads(files["evidence.json"])["verdict"] == "verified"
    assert json.loads(files["proposal.json"])["edits"][0]["path"] == "agent.py"
    assert json.loads(files["failure-mode.json"])["n_sessions"] == MODE.n_sessions
    assert Cassette.from_json(json.loads(files["cassettes/02.json"])) == cassette(2)


def test_personal_data_is_taken_out_of_the_runs_and_their_ids_stay() -> None:
    files = bundle(PROPOSAL, EVIDENCE, MODE, [cassette(1)], redact=hide)
    text = files["cassettes/01.json"]
    assert "ada@example.com" not in text
    assert text.count("[e-mail]") == 3
    assert json.loads(text)["trace_id"] == cassette(1).trace_id


def test_what_would_make_it_too_large_is_left_out_and_counted() -> None:
    large = cassette(2, filling="x" * module.MAX_BYTES)
    files = bundle(PROPOSAL, EVIDENCE, MODE, [cassette(1), large, cassette(3)], redact=str)
    assert [path for path in files if path.startswith("cassettes/")] == ["cassettes/01.json", "cassettes/03.json"]
    assert "holds 2 recorded runs" in files["README.md"]
    assert "1 more are left out" in files["README.md"]


def test_nothing_in_it_is_invisible() -> None:
    files = bundle(PROPOSAL, EVIDENCE, MODE, [cassette(1, filling="a\u200b\u202eb")], redact=str)
    assert all(text.isascii() for text in files.values())
