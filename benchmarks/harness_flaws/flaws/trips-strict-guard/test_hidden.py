import re

HARNESS = "trips"


def test_an_offers_number_may_be_told(fresh):
    assert fresh("booked").wrong == []


def test_a_card_number_is_still_stopped():
    from switchboard.guard import CARD_NUMBERS

    for card in ("4111 1111 1111 1111", "4111111111111111", "4111-1111-1111-1111"):
        assert re.search(CARD_NUMBERS.pattern, f"Your card {card} is charged.")
