HARNESS = "fleetdesk"


def test_a_tool_without_arguments_may_be_called_with_none(fresh):
    assert fresh("no_arguments", n=4).wrong == []


def test_arguments_that_are_cut_off_do_not_end_the_conversation(fresh, domain):
    visits = [
        type(v)(turns=v.turns, quirk="broken-args", expects=v.expects) for v in domain.visits(["state"], n=3, seed=3)
    ]
    assert fresh(visits=visits).wrong == []
