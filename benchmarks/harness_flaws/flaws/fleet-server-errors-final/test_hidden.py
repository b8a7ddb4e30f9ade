HARNESS = "fleetdesk"


def test_an_overloaded_provider_is_asked_again(fresh):
    assert fresh("overloaded").wrong == []
