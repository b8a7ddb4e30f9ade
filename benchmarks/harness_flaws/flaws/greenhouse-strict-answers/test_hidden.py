HARNESS = "greenhouse"


def test_an_answer_may_be_wrapped(fresh):
    assert fresh("wrapped").wrong == []
