"""Nine o'clock of their own: an edition reaches each reader at nine where they live, but never before it
is nine where the publisher is.

The town's paper is due at nine in New York: then it is six in Los Angeles, and four in the afternoon in Kyiv.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from newsletter.models import Batch, Subscription
from newsletter.store import deliveries
from tests.newsroom import NINE, THE_DAY_BEFORE, Newsroom, at
from tests.smtpd import SmtpServer

ALICE, BOB, CAROL, DAVE = (f"{name}@readers.example" for name in ("alice", "bob", "carol", "dave"))
LIVES_IN = {ALICE: "", BOB: "America/Los_Angeles", CAROL: "Europe/Kyiv", DAVE: "Asia/Tokyo"}
NOON = at("12:00")  # nine in Los Angeles


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, database_url: str, server: SmtpServer) -> Newsroom:
    room = Newsroom(tmp_path, database_url, server.port, newsletter='delivery_time = "subscriber"')
    room.import_stories()
    return room


def take_in(room: Newsroom, lives_in: dict[str, str]) -> None:
    file = room.folder / "people.csv"
    file.write_text("address,zone\n" + "".join(f"{who},{zone}\n" for who, zone in lives_in.items()))
    done = room.run("subscribers", "import", str(file), "--newsletter", "town", now=THE_DAY_BEFORE)
    assert done.code == 0, done.said


def batches(room: Newsroom) -> dict[datetime, list[Batch]]:
    with room.opened() as runtime, runtime.database.reading() as session:
        found: dict[datetime, list[Batch]] = {}
        for batch in session.exec(select(Batch).order_by(col(Batch.no))).all():
            found.setdefault(batch.due_at, []).append(batch)
        return found


def test_los_angeles_waits_for_its_nine_and_kyiv_gets_it_with_the_publisher(
    room: Newsroom, server: SmtpServer
) -> None:
    take_in(room, LIVES_IN)
    with room.opened() as runtime, runtime.database.writing() as session:
        session.execute(
            sa.update(Subscription).where(col(Subscription.zone) == "Asia/Tokyo").values(zone="Mars/X")
        )
    told = room.run("tick", now=NINE)
    assert (told.code, set(server.recipients())) == (0, {ALICE, CAROL, DAVE}), told.said
    assert "sending 1 queued, 3 sent (1 at their own time, until 17:00 UTC)" in told.said

    seen = room.run("status", now=at("10:30"))
    assert (seen.code, "the rest is for later (1 at their own time, until 17:00 UTC)" in seen.said) == (
        0,
        True,
    )
    assert room.run("status", "--json", now=at("10:30")).json["running"][0]["still"]["later"] == 1
    assert room.run("tick", now=NOON - timedelta(seconds=20)).code == 0 and BOB not in server.recipients()

    assert room.run("tick", now=NOON).code == 0
    assert server.recipients() == dict.fromkeys(LIVES_IN, 1)
    assert room.edition()["state"] == "sent"
    hours = {due: {b.deadline - due for b in of_due} for due, of_due in batches(room).items()}
    assert hours == {NINE: {timedelta(hours=4)}, NOON: {timedelta(hours=4)}}


def test_a_retry_keeps_the_nine_and_the_deadline_of_its_reader(room: Newsroom, server: SmtpServer) -> None:
    server.mood.tempfails = 99
    take_in(room, {ALICE: "", "tempfail@readers.example": "America/Los_Angeles"})
    room.run("tick", now=NINE)
    room.run("tick", now=NOON)
    room.run("tick", now=at("12:06"))
    first, again = batches(room)[NOON]
    assert (again.no > first.no, again.not_before >= at("12:05")) == (True, True)
    room.run("tick", now=at("15:59:30"))
    assert room.counts() == {"sent": 1, "deferred": 1}, "the publisher's deadline was at one"
    assert room.run("tick", now=at("16:00:01")).code == 0
    assert room.counts() == {"sent": 1, "expired": 1}


def test_when_all_live_in_the_west_it_is_late_by_their_clocks(room: Newsroom, server: SmtpServer) -> None:
    take_in(room, {BOB: "America/Los_Angeles"})
    assert room.run("tick", now=at("08:58:30")).code == 0
    assert room.edition()["state"] == "frozen"
    found = room.run("tick", now=at("11:30"))
    assert (found.code, room.edition()["state"]) == (0, "frozen"), found.said
    assert room.run("status", now=at("11:31")).code == 0
    assert room.run("tick", now=at("14:01")).code == 4
    assert (room.edition()["state"], room.counts(), server.mails) == ("held", {}, [])


def test_sent_by_hand_it_waits_for_them_too_and_an_extra_for_nobody(
    room: Newsroom, server: SmtpServer
) -> None:
    take_in(room, {ALICE: "", BOB: "America/Los_Angeles"})
    by_hand = room.run("send", "town", "--no-wait", now=at("09:30"))
    assert (by_hand.code, set(server.recipients())) == (0, {ALICE}), by_hand.said
    assert "serve, or the next tick, goes on (1 at their own time, until 17:00 UTC)." in by_hand.said
    room.import_stories(2, published=at("09:40"), kind="late")
    room.run("editions", "draft", "town", "--extra", now=at("09:45"))
    extra = room.run("send", "town", "--edition", "2026-02-18-extra-1", "--no-wait", now=at("09:46"))
    assert (extra.code, server.recipients()) == (0, {ALICE: 2, BOB: 1}), extra.said


def test_those_who_are_at_it_do_not_wait_for_the_west(room: Newsroom, server: SmtpServer) -> None:
    """Found at half past eleven, within its limit of three hours: the east gets it late, the west in time."""
    room.configure(newsletter='delivery_time = "subscriber"\nlate_limit = "3 hours"')
    take_in(room, LIVES_IN)
    assert room.run("tick", now=at("11:30")).code == 0
    assert set(server.recipients()) == {ALICE, CAROL, DAVE} and room.edition()["late"] is True
    with room.opened() as runtime, runtime.database.reading() as session:
        assert deliveries.next_due(session) == NOON
