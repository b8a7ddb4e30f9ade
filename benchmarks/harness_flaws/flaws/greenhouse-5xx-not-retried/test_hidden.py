HARNESS = "greenhouse"


def test_an_overloaded_provider_is_asked_again(fresh):
    assert fresh("overloaded").wrong == []


def test_what_stays_down_is_given_up(fresh, domain):
    (visit,) = domain.visits(["overloaded"], n=1, seed=5)
    held = fresh(visits=[type(visit)(turns=visit.turns, quirk="503x9")])
    assert 1 < len(held.provider.requests) <= 10
