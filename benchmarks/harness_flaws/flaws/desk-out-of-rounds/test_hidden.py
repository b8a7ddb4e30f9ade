HARNESS = "desk"


def test_who_asks_for_much_gets_what_was_found(fresh):
    assert fresh("summed", n=4).wrong == []


def test_the_number_of_rounds_stays_limited(fresh):
    held = fresh("summed", n=1)
    assert len(held.provider.requests) <= 12
