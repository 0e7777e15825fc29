"""The weekly: what a week's editions told, once more and once, to those who chose it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from newsletter.models import Cadence
from newsletter.services import preferring
from newsletter.services.preferring import Wishes
from newsletter.store import people
from tests.newsroom import Newsroom, at, reader
from tests.smtpd import SmtpServer

SUNDAY = 4  # days after the story's date, a Wednesday
WEEKLY = "2026-02-22-weekly"
DAILY, ONCE, SWITCHER = map(reader, range(3))
HEADLINES = {
    0: ("Ferry runs aground at the old quay", "Council votes on school meals", "Bakery wins a prize"),
    3: ("Hospital opens a new wing", "Rowers reach the national final", "Library extends its hours"),
    4: ("Storm takes the roof of the market", "Beekeepers count their hives", "Cinema reopens in spring"),
}


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, database_url: str, server: SmtpServer) -> Newsroom:
    """It comes on three days, and once a week to one of its readers; the week's articles are there."""
    keys = 'days = ["wed", "sat", "sun"]\nweekly = "sun"'
    room = Newsroom(tmp_path, database_url, server.port, newsletter=keys)
    room.import_readers([DAILY, ONCE, SWITCHER], now=at("12:00", days=-1))
    choose(room, ONCE, Cadence.WEEKLY, now=at("12:00", days=-1))
    rows = [
        {"url": f"https://town.example/{day}/{number}", "title": title, "section": "Town",
         "published_at": at("04:00", days=day).isoformat()}
        for day, titles in HEADLINES.items()
        for number, title in enumerate(titles)
    ]  # fmt: skip
    (room.folder / "week.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    done = room.run("articles", "import", str(room.folder / "week.jsonl"), now=at("12:00", days=-1))
    assert done.code == 0, done.said
    room.run("tick", now=at("12:00", days=-1))
    return room


def choose(room: Newsroom, address: str, cadence: Cadence, *, now: datetime) -> None:
    with room.opened(now) as runtime:
        with runtime.database.reading() as session:
            person = people.find(session, runtime.address_key.of(address))
        assert person is not None and person.id is not None
        assert preferring.prefer(runtime, person.id, "town", Wishes(cadence=cadence), now)


def subjects(server: SmtpServer, address: str) -> list[str]:
    """Of the mails that one reader got, in the order in which they came."""
    mails = (message_from_bytes(mail.content, policy=default) for mail in server.mails)
    return [str(mail["Subject"]) for mail in mails if mail["To"] == address]


def test_a_week_of_dailies_and_then_the_weekly_held_and_late_to_its_reader_once(
    room: Newsroom, server: SmtpServer
) -> None:
    for day in (0, 3):
        room.run("tick", now=at("09:00", days=day))
    led = [HEADLINES[day][0] for day in HEADLINES]
    assert subjects(server, DAILY) == led[:2] and subjects(server, ONCE) == []

    held = room.run("editions", "hold", "town/today-weekly", "--why", "on holiday", now=at("08:40", days=4))
    assert held.code == 0, held.said
    room.run("tick", now=at("09:00", days=SUNDAY))
    assert subjects(server, DAILY) == led and subjects(server, ONCE) == []

    choose(room, SWITCHER, Cadence.WEEKLY, now=at("09:20", days=SUNDAY))
    approved = room.run("editions", "approve", "town/today-weekly", now=at("09:30", days=SUNDAY))
    assert approved.code == 0, approved.said
    ticks = [room.run("tick", now=at(clock, days=SUNDAY)).said for clock in ("09:31", "09:40")]
    assert f"town/{WEEKLY} ● sent late 1 sent" in ticks[0], "status and tick show it beside the daily"
    the_week = f"The week in Town Today: {led[1]}"
    assert subjects(server, ONCE) == [the_week], "once, and no daily"
    assert subjects(server, DAILY) == led, "who reads daily gets no weekly"
    assert subjects(server, SWITCHER) == led, "nobody gets two mails of one day for having chosen between"

    sent = room.edition(WEEKLY, now=at("10:00", days=SUNDAY))
    assert (sent["state"], sent["late"], sent["kind"]) == ("sent", True, "weekly")
    told = [entry["headline"] for entry in sent["entries"]]
    assert told == [led[1], led[0], HEADLINES[3][1], HEADLINES[0][1], HEADLINES[3][2], HEADLINES[0][2]]
    assert "led 2026-02-21" in sent["entries"][0]["why"]
    ahead = room.run("editions", "draft", "town", "--weekly", "--json", now=at("10:00", days=SUNDAY)).json
    assert ahead["slug"] == "2026-03-01-weekly"
    assert {entry["headline"] for entry in ahead["entries"]} == set(HEADLINES[4]), "of the same minute"
