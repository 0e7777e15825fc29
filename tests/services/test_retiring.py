"""Who got an edition is known for its time, then dropped whole; how many got it stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from newsletter.models import Attempt, Delivery, Edition, EditionState
from newsletter.services import retiring
from tests.newsroom import NINE, Newsroom, at
from tests.smtpd import SmtpServer

KEPT = timedelta(days=90)


@pytest.fixture
def room(tmp_path: Path, database_url: str) -> Iterator[Newsroom]:
    """Yesterday's edition has been sent, one of its mails at the second try."""
    with SmtpServer() as server:
        room = Newsroom(tmp_path, database_url, server.port, sending='retry_after = ["1 minute"]')
        room.import_stories()
        room.import_readers(
            ["tempfail1@readers.example", *(f"r{number}@readers.example" for number in range(5))]
        )
        for minute in ("09:00", "09:02", "09:04"):
            room.run("tick", now=at(minute))
        assert room.counts() == {"sent": 6}
        yield room


def rows(room: Newsroom) -> tuple[int, int]:
    with room.opened() as runtime, runtime.database.reading() as session:
        deliveries, attempts = (
            session.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (Delivery, Attempt)
        )
        return deliveries, attempts


def retire(room: Newsroom, after: timedelta) -> None:
    with room.opened() as runtime:
        retiring.retire(runtime, NINE + after)


def test_when_its_time_is_over_the_rows_go_and_the_sums_stay(room: Newsroom) -> None:
    retire(room, KEPT - timedelta(seconds=1))
    assert rows(room)[0] == 6
    before = room.counts()
    retire(room, KEPT + timedelta(seconds=1))
    assert rows(room) == (0, 0)
    assert room.counts() == before
    history = room.edition()["history"]
    assert [(line["act"], line["why"]) for line in history][-1] == ("retired", "6 deliveries")
    retire(room, KEPT + timedelta(seconds=2))
    assert room.edition()["history"] == history, "once"


def test_nobody_is_missing_then(room: Newsroom) -> None:
    retire(room, KEPT * 2)
    done = room.run(
        "send", "town", "--edition", "2026-02-18", "--missing", "--no-wait", now=at("09:00", days=200)
    )
    assert done.code == 3 and "its retention is over" in done.said
    assert rows(room) == (0, 0)


def test_not_while_mail_is_on_its_way(room: Newsroom) -> None:
    with room.opened() as runtime, runtime.database.writing() as session:
        ahead = select(Edition).where(col(Edition.state) == EditionState.DRAFT)
        session.execute(ahead).scalar_one().state = EditionState.SENDING
    retire(room, KEPT * 2)
    assert rows(room)[0] == 6
