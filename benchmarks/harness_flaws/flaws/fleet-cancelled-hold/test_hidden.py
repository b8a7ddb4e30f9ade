HARNESS = "fleetdesk"


def test_what_was_cancelled_can_be_reserved_again(fresh, domain):
    visits = domain.visits(["reserve_again"], n=60, seed=4711)
    by_part = {visit.turns[0].split()[1]: visit for visit in visits}
    assert fresh(visits=list(by_part.values())[:4]).wrong == []
