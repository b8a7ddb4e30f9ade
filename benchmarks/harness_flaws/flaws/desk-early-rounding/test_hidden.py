HARNESS = "desk"


def test_amounts_are_converted_to_the_cent(fresh):
    assert fresh("euros").wrong == []
