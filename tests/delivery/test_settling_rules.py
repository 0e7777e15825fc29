"""What answers mean: states, retries, and when the breaker trips."""

from __future__ import annotations

from datetime import timedelta

import pytest

from newsletter.delivery.breaker import Breaker
from newsletter.delivery.retry import settle
from newsletter.models import DeliveryState
from newsletter.values import Fate, Outcome, Phase, Recipient
from tests.people import NINE

RETRY_AFTER = (300, 900)


def outcome(fate: Fate) -> Outcome:
    return Outcome(fate, Phase.RCPT, 550, "5.1.1", "no such user")


def recipient(attempt: int) -> Recipient:
    return Recipient(1, "a@b.example", "", attempt, 0)


@pytest.mark.parametrize(
    ("fate", "state"),
    [
        (Fate.ACCEPTED, DeliveryState.SENT),
        (Fate.BUSY, DeliveryState.DEFERRED),
        (Fate.LOST, DeliveryState.DEFERRED),
        (Fate.DEAD, DeliveryState.FAILED),
        (Fate.REFUSED, DeliveryState.FAILED),
        (Fate.DOUBT, DeliveryState.UNKNOWN),
    ],
)
def test_every_fate_has_one_state(fate: Fate, state: DeliveryState) -> None:
    assert settle(recipient(1), outcome(fate), NINE, RETRY_AFTER).state is state


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 300), (2, 900), (3, 900), (9, 900)])
def test_retries_back_off_and_the_last_pause_repeats(attempt: int, seconds: int) -> None:
    settled = settle(recipient(attempt), outcome(Fate.BUSY), NINE, RETRY_AFTER)
    assert settled.next_at == NINE + timedelta(seconds=seconds)


def test_the_breaker_trips_above_twenty_refusals_among_the_first_200() -> None:
    breaker = Breaker(20, 50)
    for _ in range(100):
        assert not breaker.count(outcome(Fate.ACCEPTED))
    for _ in range(20):
        assert not breaker.count(outcome(Fate.DEAD))
        assert not breaker.count(outcome(Fate.ACCEPTED))
    assert "21 of the first 141 answers" in breaker.count(outcome(Fate.REFUSED))


def test_after_the_first_200_only_fifty_in_a_row_trip_it() -> None:
    breaker = Breaker(20, 50, answers=200)
    for _ in range(49):
        assert not breaker.count(outcome(Fate.DEAD))
    assert not breaker.count(outcome(Fate.BUSY)), "a 4xx is no refusal"
    for _ in range(49):
        assert not breaker.count(outcome(Fate.DEAD))
    assert "50 refusals in a row" in breaker.count(outcome(Fate.DEAD))


def test_the_breaker_remembers_what_the_ledger_counted_before() -> None:
    breaker = Breaker(20, 50, answers=100, refused=20)
    assert breaker.count(outcome(Fate.DEAD))
