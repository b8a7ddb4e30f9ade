HARNESS = "trips"


def test_long_answers_are_whole(fresh):
    assert fresh("listed").wrong == []
