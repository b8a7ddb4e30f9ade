HARNESS = "greenhouse"


def test_a_slow_answer_is_waited_for(fresh):
    held = fresh("slow", n=3)
    assert held.wrong == []
    assert len(held.provider.requests) == 6
