import pytest

from switchboard import ToolError
from trips.assistant import ASSISTANT
from trips.tools import book_seat, find_trains


def test_four_trains_a_day():
    assert len(find_trains.function("Chur", "Basel", "2026-12-14")) == 4


def test_a_station_that_does_not_exist_is_named():
    with pytest.raises(ToolError, match="Atlantis"):
        find_trains.function("Atlantis", "Basel", "2026-12-14")


def test_an_offer_can_be_booked():
    first = find_trains.function("Chur", "Basel", "2026-12-14")[0]
    assert book_seat.function(first["offer_id"])["train"] == first["train"]


def test_a_sold_out_train_cannot_be_booked():
    first = find_trains.function("Basel", "Genf", "2026-12-14")[0]
    with pytest.raises(ToolError, match="sold out"):
        book_seat.function(first["offer_id"])


def test_the_assistant_has_its_tools():
    assert {each.name for each in ASSISTANT.tools} == {"find_trains", "book_seat", "remember"}
