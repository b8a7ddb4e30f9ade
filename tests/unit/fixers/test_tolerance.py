"""What a replay may say differently and still be answered: ids and clocks of its own making, and nothing else."""

from datetime import UTC, datetime
from typing import Any

import pytest

from fixers.replay.cassette import Cassette, ModelCall, ToolCall
from fixers.replay.playback import Playback
from fixers.replay.pool import Pool

RECORDED = "2026-03-01T09:00:00+00:00"
NOW = datetime(2026, 11, 28, 16, tzinfo=UTC)
OLD, NEW = "7c9e6679-7425-40de-944b-e07fc1f90ae7", "11111111-2222-4333-8444-555555555555"
ANSWER = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}]}


def request(*texts: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text} for text in texts]}


def run(*calls: ModelCall, tools: tuple[ToolCall, ...] = (), asked: str = "{}", trace_id: str = "t") -> Cassette:
    return Cassette(
        trace_id=trace_id, service="", input=asked, model_calls=calls, tool_calls=tools, recorded_at=RECORDED
    )


def answers(recorded: str, replayed: str, *, asked: str = "{}") -> bool:
    cassette = run(ModelCall(request=request(recorded), response=ANSWER), asked=asked)
    return Playback(cassette, pool=Pool(), now=NOW).model(request(replayed)) is not None


@pytest.mark.parametrize(
    ("recorded", "replayed"),
    [
        (f"session {OLD}", f"session {NEW}"),
        ("trace 0af7651916cd43dd8448eb211c80319c", "trace b7ad6b7169203331aaaaaaaaaaaaaaa1"),
        ("Today is 2026-03-01.", "Today is 2026-11-28."),
        ("It is Sunday, March 1, 2026, 9:00 AM", "It is Saturday, November 28, 2026, 4:03 PM"),
        ("Now: 2026-03-01T09:00:00.123Z", "Now: 2026-11-28T16:00:07.5Z"),
        ("Yesterday was 28 Feb 2026", "Yesterday was 27 Nov 2026"),
        ("at 1772355600", "at 1795881600"),
        (f"{OLD} again {OLD}", f"{NEW} again {NEW}"),
    ],
)
def test_ids_and_clocks_of_its_own_making_may_differ(recorded: str, replayed: str) -> None:
    assert answers(recorded, replayed)


@pytest.mark.parametrize(
    ("recorded", "replayed"),
    [
        ("Today is 2026-03-01.", "Today is 2026-11-29."),  # another day from the run's own
        ("Deliver by 2026-06-01", "Deliver by 2026-07-01"),  # no clock: far from the run's day
        (f"{OLD} again {OLD}", f"{NEW} again {OLD}"),
        ("order 1234", "order 1235"),
        (f"session {OLD}", "session"),
    ],
)
def test_what_is_data_may_not(recorded: str, replayed: str) -> None:
    assert not answers(recorded, replayed)


def test_an_id_or_a_date_that_came_from_outside_is_data() -> None:
    assert not answers(f"customer {OLD}", f"customer {NEW}", asked=f'{{"customer": "{OLD}"}}')
    assert not answers("born 2026-03-01", "born 2026-11-28", asked='{"born": "2026-03-01"}')


def test_the_same_words_come_before_tolerated_ones() -> None:
    first, second = (
        ToolCall(name="f", arguments=f'{{"key": "{NEW}"}}', result="new"),
        ToolCall(name="f", arguments=f'{{"key": "{OLD}"}}', result="old"),
    )
    playback = Playback(run(tools=(first, second)), pool=Pool(), now=NOW)
    found = [playback.tool("f", {"key": key}) for key in (OLD, "33333333-2222-4333-8444-555555555555")]
    assert [call.result for call in found if call] == ["old", "new"]


def test_another_recorded_run_is_found_by_the_same_tolerance() -> None:
    other = run(ModelCall(request=request(f"session {OLD}, 2026-03-01"), response=ANSWER), trace_id="o")
    playback = Playback(run(), pool=Pool([other]), now=NOW)
    assert playback.model(request(f"session {NEW}, 2026-11-28")) is not None
    assert playback.n_pooled == 1
