from typing import Any

import pytest

from webhooks.attributes import indexed, integer, number, parsed, text


@pytest.mark.parametrize("value", [True, None, "", "nan", "1e999", 10**400, [1], "one"])
def test_what_is_no_finite_number_reads_as_absent(value: object) -> None:
    assert (number(value), integer(value)) == (None, None)


@pytest.mark.parametrize(
    ("value", "expected"), [("a", "a"), (None, None), ({"a": 1}, '{"a":1}'), (True, "true"), (2**70, None)]
)
def test_text_is_kept_and_anything_else_becomes_json(value: object, expected: str | None) -> None:
    assert text(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [('"TOOL"', "TOOL"), ("[1]", [1]), ("{broken", "{broken"), ("12", "12"), (3, 3)]
)
def test_only_a_string_of_json_is_parsed(value: object, expected: Any) -> None:  # noqa: ANN401  # any JSON value
    assert parsed(value) == expected


def test_a_flattened_list_ignores_what_is_no_number() -> None:
    attributes = {
        "m.1.a": 1,
        "m.0.a": 0,
        "m.0.b": 2,
        "m.x.a": 3,
        "m.1": 4,
        "mm.0.a": 5,
        f"m.{'9' * 5000}.a": 6,
        "m.\u0663.a": 7,
    }
    assert indexed(attributes, "m") == [{"a": 0, "b": 2}, {"a": 1}]
