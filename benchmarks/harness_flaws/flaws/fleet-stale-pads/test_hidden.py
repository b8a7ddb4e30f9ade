HARNESS = "fleetdesk"


def test_the_pads_that_are_sold_today_are_looked_up(fresh):
    assert fresh("sprinter_pads", n=4).wrong == []


def test_the_other_pads_stay_what_they_are(fresh):
    assert fresh("pads", n=6).wrong == []
