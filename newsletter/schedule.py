"""From a newsletter's own calendar to instants: on which days it is due, and when exactly.

A due instant is the local minute in the newsletter's zone. Twice a year that minute may not exist,
or exist twice: a minute inside a gap falls on the first instant after it, and of two passes the
first one counts. So there is exactly one instant for every day. Pure: the present is a parameter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from babel.dates import format_time

from newsletter.languages import SOURCE, Words, words_for

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_GENERIC = {
    "ET": "New_York Detroit Toronto Montreal Nassau Kentucky/Louisville Indiana/Indianapolis",
    "CT": "Chicago Winnipeg Menominee Matamoros Indiana/Knox",
    "MT": "Denver Boise Edmonton Ciudad_Juarez",
    "PT": "Los_Angeles Vancouver Tijuana",
    "AKT": "Anchorage Juneau Nome Sitka",
    "AT": "Halifax Moncton Goose_Bay",
    "NT": "St_Johns",
}
_SPOKEN = {f"America/{city}": name for name, cities in _GENERIC.items() for city in cities.split()}
# Most readers take these for American Central Time, but they are also Chinese and Cuban
_MISLEADING = {"CST", "CDT"}
# By which Unicode's table of cities still goes
_OLDER_NAMES = {"Europe/Kyiv": "Europe/Kiev"}


class Schedule(Protocol):
    """What a newsletter's settings say about its days; `days` by the names in WEEK."""

    @property
    def send_at(self) -> time: ...
    @property
    def zone(self) -> ZoneInfo: ...
    @property
    def days(self) -> Collection[str]: ...

    def taken_out(self, day: date) -> str:
        """Why there is no edition on this date although its weekday has one; empty when there is."""


@dataclass(frozen=True, slots=True)
class Due:
    """The local date that the edition is for, and the UTC instant at which it is due."""

    day: date
    at: datetime


def due_instant(day: date, send_at: time, zone: ZoneInfo) -> datetime:
    """The UTC instant of a local minute; after the gap or in the first pass where clocks change."""
    wall = datetime.combine(day, send_at)
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return instant
    return _end_of_gap(wall.replace(tzinfo=zone, fold=1).astimezone(UTC), instant, zone)


def later_dues(day: date, send_at: time, due_at: datetime, zones: Iterable[str]) -> dict[str, datetime]:
    """Zone → the instant of `send_at` on `day` there, for the zones where that is later than `due_at`.

    Names that are no zone are left out: who gave one gets the edition with the publisher.
    """
    found = {}
    for name in zones:
        try:
            own = due_instant(day, send_at, ZoneInfo(name))
        except (KeyError, ValueError, OSError):
            continue
        if own > due_at:
            found[name] = own
    return found


def _end_of_gap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first instant with the new offset, given one on either side. Zones change on full seconds."""
    new = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        if middle.astimezone(zone).utcoffset() == new:
            after = middle
        else:
            before = middle
    return after


def due_days(schedule: Schedule, first: date, last: date) -> Iterator[date]:
    """The local dates from `first` to `last`, both included, for which a daily is due."""
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        if WEEK[day.weekday()] in schedule.days and not schedule.taken_out(day):
            yield day


def days_taken_out(schedule: Schedule, first: date, last: date) -> Iterator[tuple[date, str]]:
    """The local dates from `first` to `last` that would be due, had nobody taken them out; and why."""
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        if WEEK[day.weekday()] in schedule.days and (why := schedule.taken_out(day)):
            yield day, why


def due_between(schedule: Schedule, after: datetime, until: datetime) -> Iterator[Due]:
    """What is due later than `after` and not later than `until`, in order."""
    for due in _due_after(schedule, after):
        if due.at > until:
            return
        yield due


def next_due(schedule: Schedule, after: datetime) -> Due:
    """The first that is due later than `after`."""
    return next(_due_after(schedule, after))


def _due_after(schedule: Schedule, after: datetime) -> Iterator[Due]:
    # Nothing of an earlier local date is ahead: a clock that shows today has passed all its minutes
    today = after.astimezone(schedule.zone).date()
    for day in due_days(schedule, today, date.max):
        at = due_instant(day, schedule.send_at, schedule.zone)
        if at > after:
            yield Due(day, at)


# ── in words ────────────────────────────────────────────────────────────────────────────────────


def describe(schedule: Schedule, on: date, language: str = SOURCE) -> str:
    """ "Weekdays at 9am ET", for readers; `on` decides between CET and CEST."""
    words = words_for(language)
    if words.is_source:
        return f"{_days(schedule.days, words)} at {_clock(schedule.send_at)} {_zone(schedule, on)}"
    # Other languages bend their words after a preposition, so time and city stand by themselves
    at = format_time(schedule.send_at, "H:mm", locale=words.locale)
    return f"{_days(schedule.days, words)}, {at} ({_city(schedule.zone, words)})"


def _days(days: Collection[str], words: Words) -> str:
    numbers = [number for number, name in enumerate(WEEK) if name in days]
    special = {
        tuple(range(7)): words.gettext("Daily"),
        tuple(range(5)): words.gettext("Weekdays"),
        (5, 6): words.gettext("Weekends"),
    }
    if told := special.get(tuple(numbers)):
        return told
    names = (
        words.gettext("Mondays"), words.gettext("Tuesdays"), words.gettext("Wednesdays"),
        words.gettext("Thursdays"), words.gettext("Fridays"), words.gettext("Saturdays"),
        words.gettext("Sundays"),
    )  # fmt: skip
    *others, last = [names[number] for number in numbers]
    told = words.gettext("{days} and {day}").format(days=", ".join(others), day=last) if others else last
    return told[0].upper() + told[1:]


def _clock(at: time) -> str:
    if at in {time(0), time(12)}:
        return "noon" if at.hour else "midnight"
    minutes = f":{at.minute:02}" if at.minute else ""
    return f"{at.hour % 12 or 12}{minutes}{'am' if at.hour < 12 else 'pm'}"


def _zone(schedule: Schedule, on: date) -> str:
    """ET all year where people say so, else the abbreviation of that day, else the city."""
    name = schedule.zone.key
    if spoken := _SPOKEN.get(name):
        return spoken
    instant = due_instant(on, schedule.send_at, schedule.zone)
    abbreviation = instant.astimezone(schedule.zone).tzname() or ""
    if abbreviation.isalpha() and abbreviation not in _MISLEADING:
        return abbreviation
    return f"{name.rpartition('/')[2].replace('_', ' ')} time"


def _city(zone: ZoneInfo, words: Words) -> str:
    known = words.locale.time_zones.get(_OLDER_NAMES.get(zone.key, zone.key), {})
    return str(known.get("city") or zone.key.rpartition("/")[2].replace("_", " "))


def end_of_quiet(now: datetime, zone: ZoneInfo, hours: tuple[time, time]) -> datetime | None:
    """When the quiet hours (from, until; local minutes) that `now` lies in end; None outside them."""
    start, end = hours
    local = now.astimezone(zone)
    clock = local.time()
    spans_midnight = end < start
    is_quiet = clock >= start or clock < end if spans_midnight else start <= clock < end
    if not is_quiet:
        return None
    ends_tomorrow = spans_midnight and clock >= start
    return due_instant(local.date() + timedelta(days=ends_tomorrow), end, zone)
