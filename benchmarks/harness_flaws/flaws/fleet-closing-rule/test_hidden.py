HARNESS = "fleetdesk"


def test_no_order_is_closed_without_an_inspection(fresh):
    assert fresh("close", n=4).wrong == []
