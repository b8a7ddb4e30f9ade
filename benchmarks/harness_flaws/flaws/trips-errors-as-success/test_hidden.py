HARNESS = "trips"


def test_a_booking_that_failed_is_not_called_a_booking(fresh):
    assert fresh("sold_out").wrong == []
