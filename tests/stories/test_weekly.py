"""The weekly: what a week's editions told, once more and once, to those who chose it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from newsletter.models import Cadence, Subscription
from newsletter.services import preferring
from newsletter.services.preferring import Wishes
from newsletter.store import people
from tests.newsroom import Newsroom, at, reader
from tests.smtpd import SmtpServer

# The story's date, 18 February 2026, is a Wednesday; its Sunday is the 22nd
SUNDAY = 4
WEEKLY = "2026-02-22-weekly"
DAYS = ("wed", "thu", "fri", "sat", "sun")
DAILY, ONCE = reader(0), reader(1)
HEADLINES = {
    "wed": ("Ferry runs aground at the old quay", "Council votes on school meals", "Bakery wins a prize"),
    "thu": ("Flood closes the northern bridge", "Museum shows its Roman coins", "Choir looks for tenors"),
    "fri": ("Mayor will not stand again", "Tram drivers go on strike", "Orchard gives away apples"),
    "sat": ("Hospital opens a new wing", "Rowers reach the national final", "Library extends its hours"),
    "sun": ("Storm takes the market's roof", "Beekeepers count their hives", "Cinema reopens in spring"),
}
# Whom it is for, and when, is asked of both stores; what an editor does to it does not depend on them
ONE_STORE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, database_url: str, server: SmtpServer) -> Newsroom:
    """A daily with a weekly on Sundays, read by one person every day and by one once a week."""
    room = Newsroom(tmp_path, database_url, server.port, newsletter='weekly = "sun"')
    room.import_readers([DAILY, ONCE], now=at("12:00", days=-1))
    switch(room, ONCE, Cadence.WEEKLY)
    room.run("tick", now=at("12:00", days=-1))
    return room


def switch(room: Newsroom, address: str, cadence: Cadence, *, now: Any = None) -> None:
    with room.opened(now or at("12:00", days=-1)) as runtime:
        with runtime.database.reading() as session:
            person = people.find(session, runtime.address_key.of(address))
        assert person and person.id
        preferring.prefer(runtime, person.id, "town", Wishes(cadence=cadence), runtime.clock.now())


def publish(room: Newsroom, day: int) -> None:
    """Three stories come in overnight, and the daily of so many days after goes out at nine."""
    name = DAYS[day]
    rows = "\n".join(
        f'{{"url": "https://town.example/{name}/{number}", "title": "{title}", "section": "Town",'
        f' "published_at": "{at("04:00", days=day).isoformat()}"}}'
        for number, title in enumerate(HEADLINES[name])
    )
    (room.folder / f"{name}.jsonl").write_text(rows + "\n")
    done = room.run("articles", "import", str(room.folder / f"{name}.jsonl"), now=at("04:05", days=day))
    assert done.code == 0, done.said
    for clock in ("08:00", "08:45", "09:00"):
        room.run("tick", now=at(clock, days=day))


def week(room: Newsroom, days: int = SUNDAY + 1) -> None:
    for day in range(days):
        publish(room, day)


def entries(room: Newsroom, slug: str = WEEKLY) -> list[str]:
    return [entry["headline"] for entry in room.edition(slug)["entries"]]


def mails(server: SmtpServer, address: str) -> list[str]:
    """The subjects of what one reader got, in the order in which it came."""
    return [mail.subject for mail in server.mails if address in mail.recipients]


def test_a_week_of_dailies_then_the_weekly_to_its_reader_once(room: Newsroom, server: SmtpServer) -> None:
    week(room)
    lines = room.editions(now=at("09:30", days=SUNDAY))
    print(lines)
    assert {lines[slug]["state"] for slug in ("2026-02-22", WEEKLY)} == {"sent"}
    print([m for m in server.mails][:1])
    print(entries(room))
    print([e["why"] for e in room.edition(WEEKLY)["entries"]])
    assert 0
