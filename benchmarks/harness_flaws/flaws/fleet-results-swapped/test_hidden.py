HARNESS = "fleetdesk"


def test_each_call_gets_its_own_result(fresh):
    assert fresh("both").wrong == []
