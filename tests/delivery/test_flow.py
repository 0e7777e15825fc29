"""The arithmetic of pace under a turned clock."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from newsletter.delivery.flow import new_flow, seconds_to_next, slowed, speed, take
from newsletter.values import Flow
from tests.people import NINE

RELAY, LANE = "relay/main", "lane/gmail"


def after(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


@pytest.mark.parametrize("rate", [10.0, 60.0, 5_000.0])
def test_three_workers_who_ask_as_they_please_keep_one_rate(rate: float) -> None:
    """Ten seconds; each asks again at the soonest when it was told to, or up to 0.2 seconds later."""
    dice = random.Random(3)
    flows = {LANE: new_flow(NINE)}
    asks_at = [0.0, 0.01, 0.02]
    given = [0, 0, 0]
    while (moment := min(asks_at)) < 10:
        worker = asks_at.index(moment)
        granted, flows = take(flows, {LANE: rate}, dice.choice([50, 100, 2_000]), NINE + after(moment))
        given[worker] += granted
        wait = seconds_to_next(flows, {LANE: rate}, NINE + after(moment))
        asks_at[worker] = moment + max(0.05, wait) + dice.uniform(0, 0.2)
    assert sum(given) == pytest.approx(10 * rate, rel=0.05, abs=1.01)
    assert min(given) > 0


def test_in_an_idle_hour_hardly_anything_gathers() -> None:
    granted, left = take({LANE: new_flow(NINE)}, {LANE: 100.0}, 1_000, NINE + timedelta(hours=1))
    assert granted == 40
    assert take(left, {LANE: 100.0}, 1_000, NINE + timedelta(hours=1))[0] == 0


def test_a_rate_of_less_than_one_a_second_is_kept_too() -> None:
    flows, moments = {LANE: new_flow(NINE)}, []
    for second in range(40):
        granted, flows = take(flows, {LANE: 0.1}, 5, NINE + after(second))
        moments += [second] * granted
    assert moments == [0, 10, 20, 30]


def test_the_relay_and_the_lane_both_have_a_say() -> None:
    flows = {RELAY: new_flow(NINE), LANE: new_flow(NINE)}
    granted, left = take(flows, {RELAY: 100.0, LANE: 10.0}, 50, NINE + after(1))
    assert granted == 4
    assert take({RELAY: left[RELAY]}, {RELAY: 100.0}, 50, NINE + after(1))[0] == 36, (
        "others may have the rest"
    )


def test_mail_that_went_without_asking_is_made_up_for() -> None:
    granted, left = take({LANE: new_flow(NINE)}, {LANE: 10.0}, 50, NINE + after(1), owed=6)
    assert granted == 0
    assert seconds_to_next(left, {LANE: 10.0}, NINE + after(1)) == pytest.approx(0.3)


def test_a_clock_that_was_set_back_stops_nobody() -> None:
    _, left = take({LANE: new_flow(NINE)}, {LANE: 10.0}, 50, NINE)
    granted, left = take(left, {LANE: 10.0}, 50, NINE - timedelta(hours=1))
    assert granted == 0
    assert take(left, {LANE: 10.0}, 50, NINE - timedelta(hours=1) + after(0.3))[0] == 3


# ── slowed down ─────────────────────────────────────────────────────────────────────────────────


def test_a_burst_halves_and_half_minutes_double_until_all_is_as_it_was() -> None:
    slow = slowed(new_flow(NINE), 80.0, 0.0, NINE)
    assert slowed(slow, 80.0, 0.0, NINE + after(9)) == slow, "what is answered now was sent before"
    slow = slowed(slow, 80.0, 0.0, NINE + after(10))
    speeds = [speed(slow, 80.0, NINE + after(10 + seconds)) for seconds in (0, 29, 30, 60)]
    assert speeds == [20.0, 20.0, 40.0, 80.0]


def test_without_a_limit_it_is_half_of_what_was_measured_and_then_without_one_again() -> None:
    slow = slowed(new_flow(NINE), 0.0, 300.0, NINE)
    assert [speed(slow, 0.0, NINE + after(s)) for s in (0, 30, 60)] == [150.0, 0.0, 0.0]
    slower = slowed(slow, 0.0, 90.0, NINE + after(20))
    assert [speed(slower, 0.0, NINE + after(20 + s)) for s in (0, 30, 60)] == [75.0, 150.0, 0.0]
    again = slowed(slower, 0.0, 100.0, NINE + timedelta(hours=1))
    assert (again.slowed_to, again.usual) == (50.0, 100.0), "long recovered, it is measured anew"


@pytest.mark.parametrize(("limit", "slowest"), [(0.0, 1.0), (50.0, 1.0), (0.2, 0.2)])
def test_it_never_stands_still(limit: float, slowest: float) -> None:
    slow: Flow = new_flow(NINE)
    for minute in range(30):
        slow = slowed(slow, limit, 3.0, NINE + after(11 * minute))
    assert slow.slowed_to == slowest
