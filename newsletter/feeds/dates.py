"""When an item says that it was published, believed as far as it can be, and how it was repaired.

Nothing is repaired silently: the note that comes with a date says what was wrong with it, stays with
the article, and is told at every gathering. Where no date is left, the first sight counts.
"""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

NO_DATE = "it gives no date, so the first sight counts"
_LONGEST = 80  # characters of a date that are read
_CLOCKS_DIFFER = timedelta(minutes=5)
# The web is younger; what comes from before was counted from a machine's zero
_FIRST_BELIEVED = datetime(1990, 1, 1, tzinfo=UTC)


def published(told: str, parsed: object, now: datetime) -> tuple[datetime | None, str]:
    """The instant that `told` means, or None for the first sight; and a note when it was repaired.

    `parsed` is what feedparser made of it, a UTC `struct_time` or None; it knows more languages.
    """
    told = told[:_LONGEST].strip()
    if not told:
        return None, NO_DATE
    instant, zoned = _read(told, parsed)
    if instant is None:
        return None, f"its date {told!r} is none, so the first sight counts"
    if instant < _FIRST_BELIEVED:
        return None, f"its date {told!r} is before the web, so the first sight counts"
    if instant > now + _CLOCKS_DIFFER:
        return None, f"its date {told!r} is still to come, so the first sight counts"
    if not zoned:
        return min(instant, now), f"its date {told!r} names no zone that is known, so it is read as UTC"
    return min(instant, now), ""


def _read(told: str, parsed: object) -> tuple[datetime | None, bool]:
    """The instant, and whether its zone was said."""
    try:
        return _in_utc(datetime.fromisoformat(told))
    except (ValueError, OverflowError):
        pass
    try:
        return _in_utc(parsedate_to_datetime(told))
    except (ValueError, OverflowError, TypeError, IndexError):
        return _from_parsed(parsed), True


def _in_utc(instant: datetime) -> tuple[datetime, bool]:
    if instant.tzinfo is None:
        return instant.replace(tzinfo=UTC), False
    return instant.astimezone(UTC), True


def _from_parsed(parsed: object) -> datetime | None:
    if not isinstance(parsed, tuple):
        return None
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    except (ValueError, OverflowError, OSError):
        return None
