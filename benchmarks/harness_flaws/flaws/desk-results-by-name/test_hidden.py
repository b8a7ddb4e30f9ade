HARNESS = "desk"


def test_each_call_gets_its_own_result(fresh):
    held = fresh("compared")
    assert held.wrong == []
