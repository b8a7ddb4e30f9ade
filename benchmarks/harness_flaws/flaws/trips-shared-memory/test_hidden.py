HARNESS = "trips"


def test_nobody_travels_to_somebody_elses_home(fresh):
    held = fresh("home", "home_unknown", n=6)
    assert held.wrong == []


def test_a_conversation_remembers_what_it_was_told(fresh):
    assert fresh("home", n=3).wrong == []
