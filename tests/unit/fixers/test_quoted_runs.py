"""Words of recorded runs are found in what would be published, unless the repository says them itself."""

import json
from dataclasses import replace

import pytest

from clustering.failure import Failure
from fixers.proposal import Edit
from fixers.quoted_runs import quoted, quotes_of, template_of
from tests.unit.fixers.scripted_model import failing_trace, failure

SAID = "A RateLimitError! My neighbour Zofia must not learn that order 48213 went to zk@example.com, she said."


def found(text: str, said: str = SAID, known: str = "") -> str:
    return quoted({"cause": text}, [said], [known]).get("cause", "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The agent tells that the neighbour must not learn that it moved.", ""),
        ("A user wrote: MUST not, learn that  order 7.", "must not learn that order"),
        ("It loses order 48213.", "48213"),
        ("It wrote to ZK@example.com.", "zk@example.com"),
        ("What Zofia asked for is lost.", "zofia"),
        ("what zofia asked for is lost", "zofia"),
        ("What a neighbour told her is lost.", ""),
        ("My answer is lost; she asked for 429 of 2,048 tokens.", ""),
        ("A RateLimitError ends it.", ""),
    ],
)
def test_five_words_in_a_row_or_one_that_points_to_somebody(text: str, words: str) -> None:
    assert found(text) == words


def test_what_the_repository_says_itself_is_no_finding() -> None:
    text = "Zofia 48213: must not learn that order, zk@example.com"
    assert found(text) == "48213"
    assert found(text, known='ZOFIA = "zk@example.com"  # 48213') == "must not learn that order"
    assert not found("must not learn that order", known="it (must) not\nlearn 'that' order")


def test_a_word_that_runs_also_write_small_is_no_name() -> None:
    assert found("The Order is lost", "Order 7 is lost, the order of Monday") == ""
    assert found("On Monday it is lost", "Order 7 is lost, the order of Monday") == "monday"


def test_layers_of_escapes_hide_nothing() -> None:
    said = json.dumps({"content": json.dumps({"text": "Hello\nZoë Żak, are you there now?"})})
    assert found("Zoë asked.", said) == "zoë"
    assert found("It said, hello zoë żak are you THERE", said) == "hello zoë żak are you"


def test_code_may_use_the_words_of_the_code_but_not_those_of_runs() -> None:
    trace, fails = failing_trace(), failure(failing_trace())
    trace = replace(trace, spans=tuple(replace(span, status_message=SAID) for span in trace.spans))
    clean = "def test_must_not_learn_that_order():\n    must_not_learn_that_order('A1', limit=30)\n"
    for text, words in {clean: {}, f"# {SAID[:40]}\n{clean}": {"t.py"}, f"{clean}ZOFIA = 48213\n": {"t.py"}}.items():
        edits = [Edit(path="t.py", before=None, after=text)]
        assert quotes_of(edits, {}, [trace], failures=[fails], files={}).keys() == set(words)
    named = [Edit(path="tests/test_order_48213.py", before=None, after=clean)]
    assert quotes_of(named, {}, [trace], failures=[fails], files={}).keys() == {named[0].path}
    kept = [Edit(path="t.py", before=f"# {SAID}\n", after=f"# {SAID}\n{clean}")]
    assert quotes_of(kept, {}, [trace], failures=[fails], files={}) == {}


def test_the_words_of_the_wire_tell_nothing_and_neither_do_values_that_stand_apart() -> None:
    call = '{"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}'
    trace = failing_trace()
    trace = replace(trace, spans=tuple(replace(span, status_message=f"{call} {SAID}") for span in trace.spans))
    for text, is_found in {
        'CALL = {"id": "1", "type": "function", "function": {"name": "look", "arguments": "{}"}}\n': False,
        'WORDS = ["must", "not", "learn", "that", "order"]\n': False,
        'SAID = (\n    "must not learn "\n    "that order"\n)\n': True,
        "# must not learn\n# that order\n": True,
    }.items():
        edits = [Edit(path="t.py", before=None, after=text)]
        found_there = quotes_of(edits, {}, [trace], failures=[failure(trace)], files={})
        assert bool(found_there) is is_found, text


def test_what_many_people_met_is_the_template_of_the_failure() -> None:
    def met(*users: str) -> list[Failure]:
        one = replace(failure(failing_trace()), message="Parcel 48213 of Zofia is held back by customs now")
        return [replace(one, user_id=user) for user in users]

    assert template_of(met("ann", "ben", "eve")) == ["Parcel <number> of Zofia is held back by customs now"]
    assert template_of(met("ann", "ben", "ben", "ben")) == []
