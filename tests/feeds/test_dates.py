"""Dates are believed as far as they can be, and every repair says what was wrong."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from newsletter.feeds.dates import NO_DATE, published

NOW = datetime(2026, 2, 18, 13, 0, tzinfo=UTC)
TEN = datetime(2026, 2, 18, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "told",
    [
        "Wed, 18 Feb 2026 10:00:00 GMT", "Wed, 18 Feb 2026 05:00:00 EST", "18 Feb 2026 11:00 +0100",
        "2026-02-18T10:00:00Z", "2026-02-18T12:00:00+02:00", "2026-02-18T10:00:00.000Z",
        "2026-02-18T10:00Z",
    ],
)  # fmt: skip
def test_a_date_with_a_zone_needs_no_note(told: str) -> None:
    assert published(told, None, NOW) == (TEN, "")


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("2026-02-18T10:00:00", "no zone that is known"),
        ("Wed, 18 Feb 2026 10:00:00", "no zone that is known"),
        ("Wed, 18 Feb 2026 10:00:00 CET", "no zone that is known"),
    ],
)
def test_without_a_zone_it_is_utc_and_said(told: str, why: str) -> None:
    instant, note = published(told, None, NOW)
    assert instant == TEN and why in note and told in note


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("Thu, 01 Jan 1970 00:00:00 GMT", "before the web"), ("0001-01-01T00:00:00Z", "before the web"),
        ("2099-01-01T00:00:00Z", "still to come"), ("9999-12-31T23:59:59-14:00", "first sight"),
        ("2026-02-18T13:06:00Z", "still to come"), ("2026-02-18T18:00:00", "still to come"),
        ("yesterday", "is none"), ("99 Feb 2026 99:99", "is none"), ("\u202e2026", "is none"),
        ("1" * 5_000, "first sight"), ("Wed, 18 Feb 99999999999999 10:00:00 +99999999999", "is none"),
    ],
)  # fmt: skip
def test_absurd_dates_are_left_to_the_first_sight(told: str, why: str) -> None:
    instant, note = published(told, None, NOW)
    assert instant is None and why in note
    assert len(note) < 200 and not re.search("[\x00-\x1f\u202e]", note)


def test_no_date_is_said_too() -> None:
    assert published(" ", None, NOW) == (None, NO_DATE)


def test_clocks_that_differ_a_little_are_forgiven() -> None:
    assert published("2026-02-18T13:04:00Z", None, NOW) == (NOW, "")


def test_feedparser_knows_other_languages() -> None:
    parsed = (TEN - timedelta(hours=1)).timetuple()
    assert published("2026년 02월 18일", parsed, NOW) == (TEN - timedelta(hours=1), "")
