HARNESS = "greenhouse"


def test_a_long_conversation_can_go_on(fresh):
    assert fresh("long", n=4).wrong == []


def test_a_long_conversation_is_still_cut(fresh):
    sent = [len(request["messages"]) for request in fresh("long", n=2).provider.requests]
    assert max(sent) <= 18
