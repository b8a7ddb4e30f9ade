HARNESS = "trips"


def test_days_arrive_as_the_tool_needs_them(fresh):
    assert fresh("first", "listed", "booked").wrong == []
