HARNESS = "desk"


def test_a_busy_provider_is_asked_again(fresh):
    assert fresh("rate_limited", "overloaded").wrong == []


def test_a_provider_that_stays_down_is_not_asked_for_ever(fresh, domain):
    (visit,) = domain.visits(["rate_limited"], n=1, seed=5)
    held = fresh(visits=[type(visit)(turns=visit.turns, quirk="429x9")])
    assert 1 < len(held.provider.requests) <= 10
