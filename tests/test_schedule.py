"""Promise 1, its arithmetic: every date has one due instant, whatever the clocks do.

The expected instants come from `tests/zones/due_instants.csv`, made by GNU date and zdump. Zones are
read from the pinned tzdata package, so that neither table nor test depends on the machine.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from newsletter.config import NewsletterSettings
from newsletter.schedule import (
    WEEK,
    Due,
    Schedule,
    describe,
    due_between,
    due_days,
    due_instant,
    later_dues,
    next_due,
)

TABLE = Path(__file__).parent / "zones" / "due_instants.csv"
FIRST, LAST = date(2026, 1, 1), date(2030, 12, 31)
DAY = timedelta(days=1)
ZONES = (
    "America/New_York", "Europe/Berlin", "Europe/Kyiv", "America/Santiago", "Africa/Cairo",
    "Asia/Beirut", "America/Havana", "Australia/Lord_Howe", "Asia/Kolkata",
)  # fmt: skip


def pinned(name: str) -> ZoneInfo:
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@dataclass(frozen=True)
class Weekly:
    """A schedule as settings have it, with a zone of the pinned package."""

    zone: ZoneInfo
    send_at: time = time(9)
    days: Collection[str] = WEEK
    skip_dates: Collection[date] = ()

    def taken_out(self, day: date) -> str:
        return "taken out" if day in self.skip_dates else ""


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def expected(zone: str) -> Iterator[tuple[date, time, datetime]]:
    """The table's rows of a zone, its runs of days written out."""
    with TABLE.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["zone"] == zone:
                day, last = date.fromisoformat(row["first"]), date.fromisoformat(row["last"])
                instant = utc(row["instant"].removesuffix("Z"))
                while day <= last:
                    yield day, time.fromisoformat(row["local"]), instant
                    day, instant = day + DAY, instant + DAY


@pytest.mark.parametrize("name", ZONES)
def test_due_instants_of_five_years_equal_those_of_other_tools(name: str) -> None:
    zone = pinned(name)
    rows = list(expected(name))
    nines = [day for day, local, _ in rows if local == time(9)]
    assert nines == [FIRST + DAY * n for n in range((LAST - FIRST).days + 1)]
    wrong = [
        (day, local, instant, found)
        for day, local, instant in rows
        if (found := due_instant(day, local, zone)) != instant
    ]
    assert wrong == []


def test_the_table_covers_gaps_and_folds() -> None:
    """Otherwise the test above would prove less than it says."""
    for name in set(ZONES) - {"Asia/Kolkata"}:
        zone = pinned(name)
        in_gap = in_fold = 0
        for day, local, instant in expected(name):
            wall = datetime.combine(day, local)
            in_gap += instant.astimezone(zone).replace(tzinfo=None) != wall
            first, second = (wall.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
            assert first is not None
            assert second is not None
            in_fold += first > second
        assert in_gap >= 4, name
        assert in_fold >= 3, name


@pytest.mark.parametrize(
    ("zone", "day", "local", "instant"),
    [
        ("America/New_York", "2026-02-18", "09:00", "2026-02-18T14:00"),
        ("America/New_York", "2026-07-01", "09:00", "2026-07-01T13:00"),
        ("America/New_York", "2026-03-08", "02:30", "2026-03-08T07:00"),  # 03:00 EDT
        ("America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30"),  # EDT, the first pass
        ("America/Santiago", "2026-09-06", "00:00", "2026-09-06T04:00"),  # a gap at midnight
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:30"),  # a gap of half an hour
        ("Pacific/Apia", "2011-12-30", "09:00", "2011-12-30T10:00"),  # a day that never was
        ("EST", "2026-07-01", "09:00", "2026-07-01T14:00"),  # ten o'clock in New York
    ],
)
def test_instants_known_by_heart(zone: str, day: str, local: str, instant: str) -> None:
    found = due_instant(date.fromisoformat(day), time.fromisoformat(local), pinned(zone))
    assert found == utc(instant)
    assert found.tzinfo is UTC


days_of_these_years = some.dates(FIRST, LAST)
zones = some.sampled_from([*ZONES, "Pacific/Chatham", "Africa/Casablanca", "America/Nuuk", "UTC"]).map(pinned)
minutes = some.times().map(lambda at: at.replace(second=0, microsecond=0))


@settings(deadline=None)
@given(day=days_of_these_years, local=minutes, zone=zones)
def test_an_instant_is_never_before_its_minute_and_days_keep_their_order(
    day: date, local: time, zone: ZoneInfo
) -> None:
    at = due_instant(day, local, zone)
    wall = datetime.combine(day, local)
    shown = at.astimezone(zone).replace(tzinfo=None)
    assert wall <= shown <= wall + timedelta(hours=1)
    if shown != wall:
        just_before = (at - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
        assert just_before < wall
    assert at < due_instant(day + DAY, local, zone)


@given(
    day=days_of_these_years, local=minutes, zone=zones, days=some.sets(some.sampled_from(WEEK), min_size=1)
)
def test_next_due_walks_exactly_the_days_of_the_schedule(
    day: date, local: time, zone: ZoneInfo, days: set[str]
) -> None:
    schedule = Weekly(zone, local, days, skip_dates={day + DAY * 3})
    start = due_instant(day, local, zone) - timedelta(seconds=1)
    wanted = [Due(on, due_instant(on, local, zone)) for on in due_days(schedule, day, day + DAY * 30)]
    found = [next_due(schedule, start)]
    for _ in wanted[1:]:
        found.append(next_due(schedule, found[-1].at))
    assert found == wanted
    assert list(due_between(schedule, start, wanted[-1].at)) == wanted


def test_due_between_leaves_out_its_beginning_and_keeps_its_end() -> None:
    schedule = Weekly(pinned("America/New_York"))
    nine = utc("2026-02-18T14:00")
    second = timedelta(seconds=1)
    the_day = [Due(date(2026, 2, 18), nine)]
    assert list(due_between(schedule, nine - DAY, nine)) == the_day
    assert list(due_between(schedule, nine - DAY, nine - second)) == []
    assert list(due_between(schedule, nine, nine + DAY - second)) == []
    assert list(due_between(schedule, nine - second, nine + DAY - second)) == the_day


def test_an_edition_that_a_gap_pushed_past_midnight_is_still_yesterdays() -> None:
    """In Nuuk the clocks go from 23:00 to midnight, so 23:30 of that Saturday falls on Sunday."""
    schedule = Weekly(pinned("America/Nuuk"), time(23, 30))
    midnight = utc("2026-03-29T01:00")
    assert next_due(schedule, midnight - timedelta(minutes=1)) == Due(date(2026, 3, 28), midnight)
    assert next_due(schedule, midnight).day == date(2026, 3, 29)


def test_days_and_skipped_dates() -> None:
    schedule = Weekly(pinned("Europe/Kyiv"), days=("mon", "fri"), skip_dates=(date(2026, 12, 25),))
    assert list(due_days(schedule, date(2026, 12, 18), date(2027, 1, 1))) == [
        date(2026, 12, 18), date(2026, 12, 21), date(2026, 12, 28), date(2027, 1, 1),
    ]  # fmt: skip
    assert next_due(schedule, utc("2026-12-21T12:00")).day == date(2026, 12, 28)


def test_settings_are_a_schedule() -> None:
    newsletter: Schedule = NewsletterSettings(
        slug="paper", name="Paper", from_address="desk@news.example", postal_address="1 Main Street"
    )
    assert next_due(newsletter, utc("2026-02-18T13:59")).at == utc("2026-02-18T14:00")
    assert describe(newsletter, FIRST) == "Daily at 9am ET"


@pytest.mark.parametrize(
    ("days", "local", "zone", "on", "words"),
    [
        (WEEK, "09:00", "America/New_York", "2026-07-01", "Daily at 9am ET"),
        (WEEK[:5], "09:00", "America/New_York", "2026-01-01", "Weekdays at 9am ET"),
        (("sat",), "07:30", "Europe/Berlin", "2026-01-10", "Saturdays at 7:30am CET"),
        (("sat",), "07:30", "Europe/Berlin", "2026-07-11", "Saturdays at 7:30am CEST"),
        (("sun", "sat"), "18:05", "Europe/Kyiv", "2026-01-10", "Weekends at 6:05pm EET"),
        (("fri", "mon"), "12:00", "America/Chicago", "2026-01-10", "Mondays and Fridays at noon CT"),
        (("mon", "wed", "fri"), "00:00", "UTC", "2026-01-10",
         "Mondays, Wednesdays and Fridays at midnight UTC"),
        (WEEK, "12:30", "Asia/Kolkata", "2026-01-10", "Daily at 12:30pm IST"),
        (WEEK, "00:30", "Australia/Lord_Howe", "2026-01-10", "Daily at 12:30am Lord Howe time"),
        (WEEK, "09:00", "Asia/Shanghai", "2026-01-10", "Daily at 9am Shanghai time"),
        (WEEK, "09:00", "EST", "2026-07-01", "Daily at 9am EST"),
    ],
)  # fmt: skip
def test_a_schedule_in_words(days: Collection[str], local: str, zone: str, on: str, words: str) -> None:
    schedule = Weekly(pinned(zone), time.fromisoformat(local), days)
    assert describe(schedule, date.fromisoformat(on)) == words


# ── nine o'clock of their own ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("day", "publisher", "reader", "own"),
    [
        ("2026-02-18", "America/New_York", "America/Los_Angeles", "2026-02-18T17:00Z"),
        ("2026-02-18", "America/New_York", "Europe/Kyiv", None),
        ("2026-03-07", "America/New_York", "America/Los_Angeles", "2026-03-07T17:00Z"),
        ("2026-03-08", "America/New_York", "America/Los_Angeles", "2026-03-08T16:00Z"),
        ("2026-03-08", "America/New_York", "America/Phoenix", "2026-03-08T16:00Z"),
        ("2026-11-01", "America/New_York", "America/Los_Angeles", "2026-11-01T17:00Z"),
        ("2026-03-28", "Europe/Kyiv", "America/New_York", "2026-03-28T13:00Z"),
        ("2026-03-29", "Europe/Kyiv", "Europe/London", "2026-03-29T08:00Z"),
        ("2026-10-25", "Europe/Kyiv", "America/New_York", "2026-10-25T13:00Z"),
        ("2026-02-18", "Pacific/Kiritimati", "Pacific/Pago_Pago", "2026-02-18T20:00Z"),
        ("2026-02-18", "America/New_York", "America/New_York", None),
        ("2026-02-18", "America/New_York", "Mars/Olympus", None),
        ("2026-02-18", "America/New_York", "../zoneinfo", None),
        ("2026-02-18", "America/New_York", "", None),
    ],
)
def test_a_reader_west_of_the_publisher_gets_it_at_their_own_time(
    day: str, publisher: str, reader: str, own: str | None
) -> None:
    nine, on = time(9), date.fromisoformat(day)
    found = later_dues(on, nine, due_instant(on, nine, ZoneInfo(publisher)), [reader])
    assert found == ({reader: datetime.fromisoformat(own)} if own else {})


def test_a_minute_that_the_readers_clocks_leap_over_is_the_first_after_it() -> None:
    day, at = date(2026, 3, 8), time(2, 30)
    publisher = due_instant(day, at, ZoneInfo("Europe/Kyiv"))
    assert later_dues(day, at, publisher, ["America/Los_Angeles"]) == {
        "America/Los_Angeles": datetime(2026, 3, 8, 10, 0, tzinfo=UTC)
    }
