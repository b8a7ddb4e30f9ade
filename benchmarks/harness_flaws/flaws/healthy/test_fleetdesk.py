HARNESS = "fleetdesk"


def test_what_works_still_works(fresh, healthy_kinds):
    assert fresh(*healthy_kinds, n=12).wrong == []
