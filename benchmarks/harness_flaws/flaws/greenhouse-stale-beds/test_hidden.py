HARNESS = "greenhouse"


def test_crops_that_moved_are_found(fresh):
    assert fresh("moved").wrong == []
