HARNESS = "fleetdesk"


def test_an_estimate_is_the_total_and_no_other_number(fresh):
    assert fresh("wordy_estimate", "estimate").wrong == []
