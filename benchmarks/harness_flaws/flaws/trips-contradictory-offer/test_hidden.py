HARNESS = "trips"


def test_a_train_that_was_found_can_be_booked(fresh):
    assert fresh("booked").wrong == []
