HARNESS = "greenhouse"


def test_the_provider_is_asked_again_when_it_says(fresh):
    held = fresh("busy", n=2)
    assert held.wrong == []
    assert len(held.provider.requests) <= 10
