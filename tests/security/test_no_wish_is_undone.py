"""Nobody leaves, or is mailed, against their wish: not by a scanner, a spelling, or a relay that lies
(security group II)."""

from __future__ import annotations

import html
import re
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from newsletter.models import Subscriber, Table
from newsletter.services import subscribing
from newsletter.store.subscribers import address_of
from newsletter.web.server import WebServer
from tests.mail.certificates import Authority
from tests.newsroom import NINE, Newsroom, at
from tests.smtpd import SmtpServer

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def everything(room: Newsroom) -> dict[str, list[str]]:
    with room.opened() as runtime, runtime.database.reading() as session:
        return {
            table.name: sorted(map(repr, session.execute(select(table)).all()))
            for table in Table.metadata.sorted_tables
        }


# ── scanners ────────────────────────────────────────────────────────────────────────────────────


def test_a_scanner_that_opens_every_link_changes_nothing(room: Newsroom, server: SmtpServer) -> None:
    room.import_stories()
    room.import_readers(3)
    assert room.run("tick", now=NINE).code == 0
    links = {link for mail in server.mails for link in ours(mail.content, mail.message.as_string())}
    kinds = Counter(link.split("/")[3] for link in links)
    assert kinds["unsubscribe"] == kinds["preferences"] == 3 and kinds["n"] == 2
    before = everything(room)
    with room.opened() as runtime:
        web = WebServer(runtime)
        web.start()
        with httpx.Client() as client:
            for link in sorted(links) * 2:
                for method in ("GET", "HEAD"):
                    for purpose in ({}, {"Sec-Purpose": "prefetch"}, {"Purpose": "prefetch"}):
                        answer = client.request(method, link, headers=purpose)
                        assert (answer.status_code, answer.history) == (200, []), link
            assert everything(room) == before
            leave = next(link for link in links if "/unsubscribe/" in link)
            client.post(leave, data={"List-Unsubscribe": "One-Click"})
        web.stop()
    assert everything(room) != before, "the dump would not have noticed"


def ours(content: bytes, decoded: str) -> set[str]:
    """Every link to us: of the headers, and of both parts once they are decoded."""
    unfolded = re.sub(rb"\r\n[ \t]", b" ", content).decode()
    unquoted = decoded.replace("=\n", "").replace("=3D", "=")
    found = re.findall(r"http://127\.0\.0\.1:\d+/[^\s\"'<>]*", unfolded.partition("\r\n\r\n")[0] + unquoted)
    return {html.unescape(link) for link in found}


# ── spellings ───────────────────────────────────────────────────────────────────────────────────

DOUBTFUL = [
    '"a@evil x"@ok.example', '"a@evil.example"@ok.example', "a@evil.example,b@ok.example", "g:a@ok.example;",
    "a(comment)@ok.example", "<@evil.example:a@ok.example>", "<a@ok.example>", "a@evil.example@ok.example",
    "=?utf-8?q?x?=@b.example", "ａ@b.example", "a@ｂ.example", "a@b.example\x00@ok.example", "a b@ok.example",
    "a@ok.example>,<x@evil.example", "a@[127.0.0.1]", "A.b+c@OK.Example.", "olena@bücher.example",
    "a@b。example",
]  # fmt: skip


@on_sqlite
def test_an_address_is_refused_or_is_the_one_that_is_stored(room: Newsroom, server: SmtpServer) -> None:
    room.import_stories()
    added = [room.run("subscribers", "add", one, "--newsletter", "town").code for one in DOUBTFUL]
    assert set(added) == {0, 2}
    assert room.run("tick", now=NINE).code == 0
    with room.opened() as runtime, runtime.database.reading() as session:
        stored = list(session.execute(select(Subscriber.address)).scalars())
    assert server.recipients() == dict.fromkeys(stored, 1)
    assert sorted(stored) == ["A.b+c@ok.example", "olena@xn--bcher-kva.example"]
    assert server.count("RCPT") == 2
    for mail in server.mails:
        assert [to.addr_spec for to in mail.message["To"].addresses] == [mail.recipient]


# ── a relay that lies ───────────────────────────────────────────────────────────────────────────


@on_sqlite
@pytest.mark.parametrize("fault", ["none", "busy", "stuffed", "expired", "wrong name"])
def test_without_the_promised_encryption_nothing_is_said(
    tmp_path: Path, database_url: str, fault: Any
) -> None:
    authority = Authority(tmp_path)
    host = "elsewhere.test" if fault == "wrong name" else "127.0.0.1"
    certificate = authority.server(host, expired=fault == "expired")
    mood = "good" if fault in ("expired", "wrong name") else fault
    with SmtpServer(certificate=certificate, starttls=mood, user="me", password="hunter2") as server:
        room = Newsroom(tmp_path / "room", database_url, server.port)
        login = f'tls = "starttls"\nca_file = "{authority.ca_file}"\nuser = "me"\npassword = "hunter2"'
        room.config.write_text(room.config.read_text().replace('tls = "none"', login))
        room.config.chmod(0o600)
        room.import_stories()
        room.import_readers(3)
        done = room.run("tick", "--json", now=NINE)
    assert (done.code, "hunter2" in done.said) == (5, False)
    assert server.count("AUTH") == server.count("MAIL") == 0
    assert room.counts() == {"queued": 3}


# ── editors ─────────────────────────────────────────────────────────────────────────────────────

EDITORS_DAY = (
    "pin {} 3 --slot lead", "move {} 4 --to 1", "drop {} 2", "drop {} 2 --undo",
    "reword {} 5 --headline Ours", "reword {} --subject Ours", "check {}", "approve {}",
    "reword {} 5 --undo", "hold {} --why doubt", "approve {}", "skip {} --why rain", "unskip {}",
    "approve {}",
)  # fmt: skip


def test_nothing_that_an_editor_saves_touches_a_readers_consent(room: Newsroom, server: SmtpServer) -> None:
    """Row 22: a change names what it changes, and what it does not name stays."""
    room.import_stories()
    room.import_readers(3)
    assert room.run("tick", now=at("05:00")).code == 0
    with room.opened() as runtime:
        subscribing.leave(runtime, subscriber_id=1, newsletter_id=1, now=at("05:01"))
        with runtime.database.reading() as session:
            left = address_of(session, 1)
    people = ("subscriber", "subscription", "suppression")
    before = {name: everything(room)[name] for name in people}
    for line in EDITORS_DAY:
        words = line.format("town/2026-02-18").split()
        done = room.run("editions", *words, now=at("06:00"))
        assert done.code == 0, (line, done.said)
    assert {name: everything(room)[name] for name in people} == before
    assert room.run("tick", now=NINE).code == 0
    assert server.recipients() == dict.fromkeys(set(room.readers) - {left}, 1), "who left has left"
