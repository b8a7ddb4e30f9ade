from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import pytest

from bot.errors import UnreadableRecord
from bot.store.codec import from_json, to_json


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    colour: Colour
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    name: str
    leaves: tuple[Leaf, ...] = ()
    pair: tuple[str, int] = ("", 0)
    ratio: float = 0.0
    scores: dict[str, float] | None = None
    anything: Any = None
    words: list[str] | None = None


def test_a_record_comes_back_as_it_was() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    leaves = (Leaf(colour=Colour.RED, at=at), Leaf(colour=Colour.RED))
    tree = Tree(
        name="oak", leaves=leaves, pair=("a", 1), ratio=1.5, scores={"x": 2.0}, anything=[1, {"y": None}], words=["w"]
    )
    assert from_json(Tree, to_json(tree)) == tree


@pytest.mark.parametrize("text", ["\0", "\ud800", "a\u202eb", '"}', "é\n"])
def test_any_text_survives_as_plain_ascii(text: str) -> None:
    encoded = to_json(Tree(name=text))
    assert encoded.isascii()
    assert "\0" not in encoded
    assert from_json(Tree, encoded).name == text


def test_a_record_of_an_older_version_takes_the_defaults() -> None:
    assert from_json(Tree, '{"name": "oak"}') == Tree(name="oak")


def test_a_record_of_a_newer_version_is_read_without_its_new_fields() -> None:
    assert from_json(Tree, '{"name": "oak", "height": 3}') == Tree(name="oak")


def test_an_integer_is_read_where_a_float_is_wanted() -> None:
    assert from_json(Tree, '{"name": "oak", "ratio": 2}').ratio == 2.0


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        "{}",
        '{"name": 3}',
        '{"name": "oak", "leaves": [{"colour": "blue"}]}',
        '{"name": "oak", "leaves": {"colour": "red"}}',
        '{"name": "oak", "leaves": [{"colour": "red", "at": "noon"}]}',
        '{"name": "oak", "pair": ["a", 1, 2]}',
        '{"name": "oak", "ratio": true}',
        '{"name": "oak", "scores": [1]}',
    ],
)
def test_a_record_that_is_not_what_its_type_says_is_named(text: str) -> None:
    with pytest.raises(UnreadableRecord, match="not a Tree"):
        from_json(Tree, text)
