"""A trend is what chance, a busy day and a chatty user do not explain."""

import numpy as np
import pytest

from clustering.score import Traffic, severity
from clustering.trend import MIN_PEOPLE, PAST_DAYS, RECENT_DAYS, Days, Trend, growth_of, growths
from tests.unit.clustering.test_score import mode

LAST = 20_000
PAST = range(LAST - RECENT_DAYS - PAST_DAYS + 1, LAST - RECENT_DAYS + 1)
LATE = range(LAST - RECENT_DAYS + 1, LAST + 1)


def days(past: int, late: int, *, traffic_past: int = 100, traffic_late: int = 100, people: int = 50) -> Days:
    traffic = dict.fromkeys(PAST, traffic_past) | dict.fromkeys(LATE, traffic_late)
    reached = dict.fromkeys(PAST, past) | dict.fromkeys(LATE, late)
    return Days(traffic=traffic, reached={"m": reached}, of_late={"m": people})


def test_what_grew_against_its_past_is_growing_by_less_than_it_seems() -> None:
    found = growths(days(past=2, late=8))["m"]
    assert found.trend is Trend.GROWING
    assert 1.5 < found.factor < 4


def test_what_fell_is_falling() -> None:
    found = growths(days(past=8, late=2))["m"]
    assert found.trend is Trend.FALLING
    assert 0.25 < found.factor < 0.8


def test_what_grew_as_traffic_did_is_steady() -> None:
    assert growths(days(past=2, late=8, traffic_late=400))["m"] == (Trend.STEADY, 1.0)


@pytest.mark.parametrize(
    ("late", "early", "trend"), [(1, 0, Trend.STEADY), (2, 1, Trend.STEADY), (4, 0, Trend.GROWING)]
)
def test_a_few_are_no_trend_where_chance_may_bring_them(late: int, early: int, trend: Trend) -> None:
    assert growth_of(late, early, 300, 2_800).trend is trend


def test_chance_is_taken_for_a_trend_as_seldom_as_said() -> None:
    draw = np.random.default_rng(0)
    late, early = draw.poisson(6, 3_000), draw.poisson(56, 3_000)
    found = [growth_of(int(k), int(n), 300, 2_800).trend for k, n in zip(late, early, strict=True)]
    assert 0 < sum(trend is Trend.GROWING for trend in found) <= 15  # 0.5 % of 3,000
    assert sum(trend is Trend.FALLING for trend in found) <= 15


def test_without_a_past_there_is_no_trend() -> None:
    assert growth_of(50, 0, 300, 0).trend is Trend.UNKNOWN
    assert growth_of(0, 50, 0, 300).trend is Trend.UNKNOWN
    assert growths(Days(traffic={}, reached={"m": {LAST: 3}}, of_late={"m": 3})) == {}


def test_all_of_late_and_all_of_all_are_counted() -> None:
    assert growth_of(300, 0, 300, 2_800).trend is Trend.GROWING
    assert growth_of(0, 2_800, 300, 2_800) == (Trend.FALLING, growth_of(0, 2_800, 300, 2_800).factor)


def test_fewer_people_than_a_handful_are_no_growth_however_often_they_come() -> None:
    assert growths(days(past=0, late=2, people=MIN_PEOPLE - 1))["m"].trend is Trend.STEADY
    assert growths(days(past=0, late=2, people=MIN_PEOPLE))["m"].trend is Trend.GROWING


def test_what_grows_outranks_an_equal_steady_one_and_that_one_outranks_what_falls() -> None:
    traffic = Traffic(n_traces=100, n_sessions=100, n_users=100)
    equal = mode(n_traces=9, n_sessions=9, n_users=9)
    falling, steady, growing = (severity(equal, traffic, growth) for growth in (0.6, 1.0, 1.5))
    assert falling < steady < growing < 1


def test_no_growth_makes_a_loop_of_one_user_worse_than_a_crash_of_many() -> None:
    traffic = Traffic(n_traces=100, n_sessions=100, n_users=100)
    loop = mode(n_traces=50, n_sessions=1, n_users=1, detector="loop")
    assert severity(loop, traffic, 1_000.0) < severity(mode(n_traces=9, n_sessions=9, n_users=9), traffic, 0.001)
