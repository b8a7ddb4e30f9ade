HARNESS = "fleetdesk"


def test_a_long_conversation_keeps_its_instructions(fresh):
    held = fresh("long", n=3)
    assert held.wrong == []
    assert all(request["messages"][0]["role"] == "system" for request in held.provider.requests)


def test_a_long_conversation_is_still_shortened(fresh):
    sent = [len(request["messages"]) for request in fresh("long", n=1).provider.requests]
    assert max(sent) < 52
