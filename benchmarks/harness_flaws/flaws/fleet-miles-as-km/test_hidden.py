HARNESS = "fleetdesk"


def test_what_is_left_is_told_in_the_unit_of_the_odometer(fresh):
    assert fresh("miles", "left").wrong == []
