"""The clock that everybody is given: real, or moved to another moment and running on from there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from threading import Event

from newsletter.clock import Clock, machine_now, monotonic

MORNING = datetime(2026, 2, 18, 13, 59, 50, tzinfo=UTC)
AN_HOUR = 3600.0


def test_a_real_clock_reads_the_machines_time_in_utc() -> None:
    before, now, after = machine_now(), Clock().now(), machine_now()
    assert before <= now <= after
    assert now.utcoffset() == timedelta(0)
    assert not Clock().is_moved


def test_a_moved_clock_starts_at_its_moment_and_runs_on() -> None:
    began = monotonic()
    clock = Clock(MORNING)
    first, second = clock.now(), clock.now()
    assert clock.is_moved
    assert MORNING <= first <= second
    assert second - MORNING <= timedelta(seconds=monotonic() - began + 1)


def test_a_moment_of_another_zone_is_the_same_moment() -> None:
    new_york = MORNING.astimezone(timezone(timedelta(hours=-5)))
    now = Clock(new_york).now()
    assert now.utcoffset() == timedelta(0)
    assert timedelta(0) <= now - MORNING < timedelta(minutes=1)


def test_no_move_touches_machine_time() -> None:
    before = machine_now()
    Clock(MORNING)
    assert timedelta(0) <= machine_now() - before < timedelta(minutes=1)


def test_waiting_ends_at_once_when_told_to_stop() -> None:
    stop = Event()
    stop.set()
    clock, began = Clock(MORNING), monotonic()
    assert clock.wait(AN_HOUR, stop)
    assert clock.wait_until(MORNING + timedelta(hours=1), stop)
    assert monotonic() - began < AN_HOUR / 60


def test_what_is_past_by_the_moved_clock_is_not_waited_for() -> None:
    """By the machine's own time it would be two seconds ahead."""
    began = monotonic()
    clock = Clock(machine_now() + timedelta(hours=1))
    assert not clock.wait_until(machine_now() + timedelta(seconds=2), Event())
    assert not clock.wait(-AN_HOUR, Event())
    assert monotonic() - began < 1
