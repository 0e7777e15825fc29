"""Every address is mailed as its owner writes it, and a relay that cannot take one costs nobody anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from newsletter.models import Suppression
from tests.newsroom import NINE, Newsroom, at
from tests.smtpd import SmtpServer

PEOPLE = ["hans@münchen.example", "-oX/tmp/x@b.example", *(f"олена{n}@пошта.example" for n in range(60))]


@pytest.mark.parametrize("takes_all", [True, False])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_letters_beyond_ascii_go_where_they_are_taken(
    tmp_path: Path, database_url: str, takes_all: bool
) -> None:
    offers = (b"SIZE 20000000", *([b"SMTPUTF8"] if takes_all else []))
    with SmtpServer(offers=offers) as server:
        room = Newsroom(tmp_path / "room", database_url, server.port)
        room.import_stories()
        room.import_readers(PEOPLE)
        done = room.run("tick", now=NINE)
    ascii_only = {"hans@xn--mnchen-3ya.example", "-oX/tmp/x@b.example"}
    beyond = {f"олена{n}@xn--80a1acn3a.example" for n in range(60)}
    assert set(server.recipients()) == (ascii_only | beyond if takes_all else ascii_only)
    assert set(server.recipients().values()) == {1}
    for line in (line for lines in server.commands for line in lines if line.startswith("MAIL")):
        assert line.isascii()
    if takes_all:
        assert (done.code, room.counts()) == (0, {"sent": 62})
        return
    # The breaker does not take for the relay's refusals what it was never asked
    assert room.counts() == {"sent": 2, "failed": 60} and room.edition()["state"] == "sent"
    with room.opened() as runtime, runtime.database.reading() as session:
        assert session.execute(select(Suppression)).first() is None
    story = room.run("subscribers", "show", "олена7@пошта.example", now=at("10:00"))
    assert "олена7@пошта.example" in story.out
    assert "failed by main: the relay takes only ASCII addresses (no SMTPUTF8)" in story.said
