HARNESS = "desk"


def test_arguments_that_are_no_json_are_sent_back_to_the_model(fresh):
    held = fresh("bad_arguments")
    assert held.wrong == []
    told = [m for r in held.provider.requests for m in r["messages"] if m["role"] == "tool"]
    assert told
