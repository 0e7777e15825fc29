"""What was wrong is put right in the open, and told to those who got it and to nobody else."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from newsletter.models import Rendition, Subscriber, Subscription
from newsletter.services import dispatching, reading, sending
from tests.newsroom import Newsroom, at, reader
from tests.smtpd import SmtpServer

SENT = "town/2026-02-18"
WRONG = "The ferry sails on Thursday"
RIGHT = "The ferry sails on Friday"
WHAT = "The ferry sails on Friday, not on Thursday."
TEN = at("10:00")
# Whom a correction is for is asked of both stores; the rest does not depend on them
ONE_STORE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, database_url: str, server: SmtpServer) -> Newsroom:
    """Its edition of today went out to four, with one word wrong."""
    room = Newsroom(tmp_path, database_url, server.port)
    room.import_readers(3)
    room.import_readers(["permfail@readers.example"])
    room.run("tick", now=at("12:00", days=-1))
    room.import_stories(5)
    room.run("tick", now=at("08:00"))
    article = str(room.edition()["entries"][0]["article"])
    assert room.run("editions", "reword", SENT, article, "--headline", WRONG, now=at("08:01")).code == 0
    room.run("tick", now=at("09:00"))
    assert room.counts() == {"sent": 3, "failed": 1}
    return room


def correct(room: Newsroom, *words: str, code: int = 0) -> str:
    done = room.run("editions", "correct", SENT, *words, now=TEN)
    assert done.code == code, done.said
    return done.said


def page(room: Newsroom, slug: str = "2026-02-18") -> str:
    with room.opened(TEN) as runtime:
        shown = reading.web_view(runtime, "town", slug, "", TEN)
    assert shown is not None
    return html.unescape(shown)


def lead(room: Newsroom) -> str:
    return str(room.edition()["entries"][0]["article"])


@ONE_STORE
def test_the_page_says_what_was_wrong_and_the_mail_stays_on_record(room: Newsroom) -> None:
    mailed = renditions(room)
    assert WRONG in page(room)
    told = correct(room, lead(room), "--what", WHAT, "--headline", RIGHT)
    assert (
        f"corrected at http://127.0.0.1:8000/n/{SENT}: {WHAT}" in told and "3 readers got the error" in told
    )
    shown = page(room)
    assert WRONG not in shown and RIGHT in shown
    assert re.search(rf"Corrected on February 18, 2026, 10:00\sAM:</strong> {re.escape(WHAT)}", shown)
    linked = json.loads(re.findall(r'<script type="application/ld\+json">(.*?)</script>', shown)[0])
    assert linked["headline"] == RIGHT and linked["correction"][0]["text"] == WHAT
    assert linked["dateModified"] == "2026-02-18T15:00:00+00:00" > linked["datePublished"]
    assert mailed.items() < renditions(room).items(), "what was mailed is stored as it was"
    assert room.edition()["history"][-1]["act"] == "corrected" and room.edition()["subject"] == WRONG


@ONE_STORE
def test_a_later_correction_keeps_the_earlier(room: Newsroom) -> None:
    other = str(room.edition()["entries"][1]["article"])
    correct(room, lead(room), "--what", WHAT, "--headline", RIGHT)
    correct(room, other, "--what", "A name was misspelt.", "--headline", "Mr Rowe retires")
    correct(room, "--what", "A picture showed another ferry.")
    shown = page(room)
    assert RIGHT in shown and "Mr Rowe retires" in shown
    notes = [shown.index(words) for words in ("another ferry", "misspelt", WHAT)]
    assert notes == sorted(notes), "the newest stands first"
    with room.opened(TEN) as runtime:
        found = reading.search(runtime, "town", TEN, "rowe FRIDAY")
        assert found is not None and [edition.subject for edition in found.editions] == [RIGHT]
        gone = reading.search(runtime, "town", TEN, "thursday")
        assert gone is not None and gone.editions == ()


def test_those_who_got_the_error_are_told_and_nobody_else(room: Newsroom, server: SmtpServer) -> None:
    told = correct(room, lead(room), "--what", WHAT, "--headline", RIGHT, "--mail")
    assert "town/2026-02-18-correction-1 is drafted for 3 readers" in told
    room.import_readers(["new@readers.example"], now=TEN)
    with room.opened(TEN) as runtime, runtime.database.writing() as session:
        left = select(Subscriber.id).where(Subscriber.address == reader(2)).scalar_subquery()
        session.execute(update(Subscription).values(cadence="weekly"))
        session.execute(
            update(Subscription).where(col(Subscription.subscriber_id) == left).values(state="ended")
        )
    server.mails.clear()
    sent = room.run(
        "send", "town", "--edition", "2026-02-18-correction-1", "--no-wait", now=TEN + timedelta(hours=1)
    )
    assert sent.code == 0, sent.said
    assert server.recipients() == {reader(0): 1, reader(1): 1}, "whatever the cadence"
    mail = server.mails[0].message
    assert mail["Subject"] == f"Correction: {RIGHT}"
    read = str(mail.get_body(["plain"]).get_content())
    assert f"We made a mistake. {WHAT}" in " ".join(read.split())
    assert RIGHT in read and "story no. 3" not in read
    shown = page(room, "2026-02-18-correction-1")
    assert f"We made a mistake. {WHAT}" in shown
    missing = room.run("send", "town", "--edition", "2026-02-18-correction-1", "--missing", now=TEN)
    assert "misses nobody" in missing.said


@ONE_STORE
def test_a_correction_stays_what_it_is_until_somebody_sends_it(room: Newsroom, server: SmtpServer) -> None:
    correct(room, lead(room), "--what", WHAT, "--headline", RIGHT, "--mail")
    slug, mails = "2026-02-18-correction-1", len(server.mails)
    name, entries = f"town/{slug}", room.edition(slug)["entries"]
    room.import_stories(4, published=at("10:30"), kind="noon")
    room.run("tick", now=at("11:00"))
    with room.opened(at("11:01")) as runtime:
        town, moment = runtime.newsletter("town"), at("11:01")
        sent = dispatching.send_now(runtime, town, slug, moment, wait=timedelta(minutes=1), who="ops")
        assert sent.people == 3
        assert sending.unfreeze(runtime, town, sent.edition_id, moment, who="ops"), "Ctrl-C"
    for words in (["skip", name, "--why", "on reflection"], ["unskip", name]):
        assert room.run("editions", *words, now=at("11:05")).code == 0
    room.run("tick", now=at("11:10"))
    assert room.edition(slug)["entries"] == entries
    assert len(server.mails) == mails
    room.run("tick", now=at("10:01", days=1))
    line = room.editions()[slug]
    assert (line["state"], line["why"]) == ("skipped", "it waited to be sent by hand, and nobody did")


@ONE_STORE
def test_what_cannot_be_corrected_says_so(room: Newsroom) -> None:
    article = lead(room)
    room.run("tick", now=at("09:30"))
    draft = room.run("editions", "correct", "town/2026-02-19", "--what", WHAT, now=TEN)
    assert draft.code == 3 and "has not gone out: it can simply be changed" in draft.said
    assert "not said what was wrong" in correct(room, code=2)
    assert "New words are those of an ARTICLE" in correct(room, article, "--what", WHAT, code=2)
    assert "New words are those of an ARTICLE" in correct(room, "--what", WHAT, "--headline", "x", code=2)
    room.import_stories(1, kind="other")
    stranger = max(
        int(line["id"]) for line in room.run("articles", "list", "--json", now=TEN).json["articles"]
    )
    said = correct(room, str(stranger), "--what", WHAT, "--headline", RIGHT, code=3)
    assert f"Article {stranger} is not in {SENT}" in said
    before = renditions(room)
    assert "Nothing was written" in correct(
        room, article, "--what", WHAT, "--headline", RIGHT, "--mail", "--dry-run"
    )
    assert renditions(room) == before and "2026-02-18-correction-1" not in room.editions()


def renditions(room: Newsroom) -> dict[int, str]:
    """Every stored rendition's number and hash."""
    with room.opened(TEN) as runtime, runtime.database.reading() as session:
        return dict(session.exec(select(Rendition.id, Rendition.hash)).all())  # type: ignore[arg-type]
