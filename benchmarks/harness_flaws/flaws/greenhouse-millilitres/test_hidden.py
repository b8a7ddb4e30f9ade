HARNESS = "greenhouse"


def test_beds_get_as_much_as_they_need(fresh):
    assert fresh("water").wrong == []
