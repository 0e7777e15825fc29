"""Late, held, skipped: what becomes of an edition that could not go at its minute, and why.

Nobody was running, nobody approved, there was too little to tell, or the calendar says no. Each date
has one edition with one reason, and no story is lost or told twice on account of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.newsroom import NINE, Newsroom, at
from tests.smtpd import SmtpServer

READERS = 6


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, database_url: str, server: SmtpServer) -> Newsroom:
    """It has run since yesterday noon, and drafted today's edition."""
    room = Newsroom(tmp_path, database_url, server.port)
    room.import_readers(READERS)
    room.run("tick", now=at("12:00", days=-1))
    room.import_stories()
    return room


def told(room: Newsroom) -> dict[str, tuple[str, str]]:
    """Each edition's state and reason."""
    return {slug: (line["state"], line["why"]) for slug, line in room.editions().items()}


def entries(room: Newsroom, slug: str) -> list[str]:
    return [entry["headline"] for entry in room.edition(slug)["entries"]]


# ── found late ──────────────────────────────────────────────────────────────────────────────────


def test_found_a_minute_before_the_late_limit_it_goes_out_marked_late(
    room: Newsroom, server: SmtpServer
) -> None:
    ticked = room.run("tick", now=at("10:59"))
    assert (ticked.code, "sent late" in ticked.said) == (0, True), ticked
    assert room.edition()["late"] is True
    assert server.recipients() == dict.fromkeys(room.readers, 1)


def test_found_a_minute_after_the_late_limit_it_is_held_for_a_person(
    room: Newsroom, server: SmtpServer
) -> None:
    ticked = room.run("tick", now=at("11:01"))
    assert (ticked.code, "is held: found 121 minutes after its time" in ticked.said) == (4, True), ticked
    assert room.edition()["state"] == "held"
    assert room.run("status", now=at("11:02")).code == 4
    assert not server.mails
    assert room.run("send", "town", "--no-wait", now=at("11:05")).code == 0, "the person decides to send it"
    assert server.recipients() == dict.fromkeys(room.readers, 1)


def test_frozen_in_time_and_found_after_the_late_limit_it_is_unfrozen_and_held(
    room: Newsroom, server: SmtpServer
) -> None:
    room.run("tick", now=at("08:58:30"))
    assert room.edition()["state"] == "frozen"
    assert room.run("tick", now=at("11:01")).code == 4
    assert (room.edition()["state"], room.counts(), server.mails) == ("held", {}, [])


def test_after_three_days_off_only_the_newest_waits_for_a_person(room: Newsroom, server: SmtpServer) -> None:
    assert room.run("tick", now=at("14:00", days=3)).code == 4
    found = told(room)
    assert {slug: state for slug, (state, _) in found.items()} == {
        "2026-02-18": "skipped", "2026-02-19": "skipped", "2026-02-20": "skipped",
        "2026-02-21": "held", "2026-02-22": "draft",
    }  # fmt: skip
    assert all(why for state, why in found.values() if state != "draft"), found
    assert not server.mails


def test_a_held_edition_lapses_at_the_next_ones_cut_off(room: Newsroom, server: SmtpServer) -> None:
    room.run("tick", now=at("11:01"))
    room.run("tick", now=at("08:29", days=1))
    assert told(room)["2026-02-18"][0] == "held"
    room.run("tick", now=at("08:31", days=1))
    state, why = told(room)["2026-02-18"]
    assert (state, "until the next edition's cut-off" in why) == ("skipped", True), why


def test_a_newsroom_set_up_in_the_afternoon_has_missed_nothing(
    tmp_path: Path, database_url: str, server: SmtpServer
) -> None:
    room = Newsroom(tmp_path, database_url, server.port)
    room.import_readers(READERS, now=at("13:00"))
    room.import_stories()
    assert room.run("tick", now=at("14:00")).code == 0
    assert told(room) == {"2026-02-19": ("draft", "")}
    assert room.run("status", now=at("14:00")).code == 0


# ── what the calendar and the editors say ───────────────────────────────────────────────────────


def test_dates_that_are_taken_out_are_skipped_with_a_reason(room: Newsroom, server: SmtpServer) -> None:
    room.configure(newsletter='days = ["mon", "tue", "wed", "thu"]\nskip_dates = ["2026-02-19"]')
    for day in range(6):  # from Wednesday 18 to Monday 23
        room.import_stories(published=at("04:00", days=day), kind=f"{day}")
        assert room.run("tick", now=at("09:00", days=day)).code == 0
    out = {slug: state for slug, (state, _) in told(room).items() if state != "draft"}
    assert out == {"2026-02-18": "sent", "2026-02-19": "skipped", "2026-02-23": "sent"}
    assert told(room)["2026-02-19"][1] == "the editors took this date out"
    assert set(server.recipients().values()) == {2}


def test_what_nobody_approved_is_held_at_its_minute(room: Newsroom, server: SmtpServer) -> None:
    room.configure(newsletter='approval = "required"')
    assert room.run("tick", now=at("08:59:30")).code == 0, "until its minute somebody may still approve it"
    assert room.run("tick", now=NINE).code == 4
    assert told(room)["2026-02-18"] == ("held", "nobody approved it in time")
    assert not server.mails


def test_too_few_articles_skip_the_edition(room: Newsroom, server: SmtpServer) -> None:
    room.configure(newsletter="min_articles = 6")
    assert room.run("tick", now=NINE).code == 0
    assert told(room)["2026-02-18"] == ("skipped", "not enough articles: 5 of at least 6")
    assert not server.mails


def test_without_a_reader_it_is_skipped(tmp_path: Path, database_url: str, server: SmtpServer) -> None:
    room = Newsroom(tmp_path, database_url, server.port)
    room.import_stories()
    assert room.run("tick", now=NINE).code == 0
    assert told(room)["2026-02-18"] == ("skipped", "it has no reader")


# ── a story runs once ───────────────────────────────────────────────────────────────────────────


def test_what_readers_have_had_is_not_told_again(room: Newsroom, server: SmtpServer) -> None:
    room.run("tick", now=NINE)
    room.import_stories(3, published=at("20:00"), kind="evening")
    room.run("tick", now=at("09:00", days=1))
    first, second = entries(room, "2026-02-18"), entries(room, "2026-02-19")
    assert (len(first), len(second)) == (5, 3) and not set(first) & set(second)
    reasons: dict[str, Any] = room.edition("2026-02-19")["reasons"]
    assert sum("2026-02-18" in why for why in reasons.values()) == 5, "each of yesterday's is told why"


def test_what_nobody_was_sent_may_be_told_tomorrow(room: Newsroom, server: SmtpServer) -> None:
    server.mood.mail_reply = b"550 5.7.1 not today"
    assert room.run("tick", now=NINE).code == 4
    assert room.edition()["state"] == "paused" and not server.mails
    server.mood.mail_reply = b""
    assert room.run("tick", now=at("09:00", days=1)).code == 4, "yesterday's is still paused"
    assert entries(room, "2026-02-19") == entries(room, "2026-02-18") != []
    assert server.recipients() == dict.fromkeys(room.readers, 1)
