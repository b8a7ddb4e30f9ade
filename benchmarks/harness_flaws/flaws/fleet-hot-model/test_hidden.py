HARNESS = "fleetdesk"


def test_things_are_looked_up(fresh):
    held = fresh("hot", "left")
    assert held.wrong == []
