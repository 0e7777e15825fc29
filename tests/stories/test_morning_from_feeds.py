"""The main job on real input: six feeds in six dialects, one edition at nine, a mail for everybody.

The feeds lie in `feeds/` and are served by a real web server on loopback; the mails are taken by a
real SMTP server and read as a mailbox would read them.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from newsletter.demo.catchall import free_port
from newsletter.mail.links import AddressKey, Keys, Links
from newsletter.runtime import Runtime
from newsletter.web.server import WebServer
from tests.feeds.server import Server
from tests.newsroom import NINE, Newsroom, at
from tests.smtpd import Mail, SmtpServer

FEEDS = Path(__file__).parent / "feeds"
USES = {
    "world.rss": 'section = "World"\nweight = 1.5',
    "town.rdf": 'section = "Town"',
    "science.atom": 'section = "Science"',
    "sport.rss": 'section = "Sport"',
    "culture.rss": 'section = "Culture"\nweight = 0.5',
    "video.rss": 'slot = "video"',
}
EIGHT = at("08:00")


@pytest.fixture(scope="module")
def feeds() -> Iterator[Server]:
    server = Server()
    for name in USES:
        server.on(f"/{name}", (FEEDS / name).read_bytes(), Content_Type="application/xml")
    yield server
    server.close()


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


def newsroom(
    folder: Path, database_url: str, feeds: Server, relay: SmtpServer, *, readers: int, web_port: int = 0
) -> Newsroom:
    sources = [f'[[feeds]]\nname = "{_name(file)}"\nurl = "{feeds.url("/" + file)}"' for file in USES]
    uses = [f'[[newsletters.feeds]]\nuse = "{_name(file)}"\n{how}' for file, how in USES.items()]
    room = Newsroom(
        folder, database_url, relay.port, web_port=web_port or free_port(), newsletter="\n".join(uses),
        feeds="\n".join(['[gathering]\nallow_hosts = ["127.0.0.1"]', *sources]),
    )  # fmt: skip
    room.import_readers(readers)
    return room


def _name(file: str) -> str:
    return file.partition(".")[0]


def test_from_six_feeds_to_every_reader(
    tmp_path: Path, database_url: str, feeds: Server, server: SmtpServer, soak: bool
) -> None:
    readers = 1_000 if soak else 200
    room = newsroom(tmp_path, database_url, feeds, server, readers=readers)
    gathered = room.run("gather", "--json", now=EIGHT)
    reports = {report["feed"]: report for report in gathered.json["feeds"]}
    assert gathered.code == 0 and not any(report["trouble"] for report in reports.values())
    assert sum(report["counts"]["new"] for report in reports.values()) == 60
    assert room.run("tick", now=NINE).code == 0
    assert room.counts() == {"sent": readers} and server.recipients() == dict.fromkeys(room.readers, 1)
    check_the_edition(room)
    with room.opened(NINE) as runtime:
        owners = [check_mail(mail, runtime.links) for mail in server.mails]
        assert len(set(owners)) == readers, "each mail's links are its own reader's"
        check_links(runtime, server.mails[:10])


def check_the_edition(room: Newsroom) -> None:
    """Every slot that the feeds can fill is filled, from all of them."""
    shown = room.edition()
    assert (shown["state"], shown["late"]) == ("sent", False)
    slots = [entry["slot"] for entry in shown["entries"]]
    assert slots.count("lead") == slots.count("video") == 1 and slots.count("headlines") == 15
    sections = {entry["section"] for entry in shown["entries"] if entry["slot"] == "headlines"}
    assert sections == {"World", "Town", "Science", "Sport", "Culture"}
    lead = next(entry["headline"] for entry in shown["entries"] if entry["slot"] == "lead")
    assert lead == "Northmark and Sund sign a ferry treaty" == shown["subject"]
    assert len(shown["reasons"]) == 60, "every candidate is told why it is in or out"


def check_mail(mail: Mail, links: Links) -> int:
    """It reads well in both parts, and its links are its reader's; returns that reader's number."""
    message = mail.message
    assert [part.defects for part in message.walk()] == [[]] * 3
    assert message["To"].addresses[0].addr_spec == mail.recipient
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None and html is not None
    bodies = [text.get_content(), html.get_content()]
    for body in bodies:
        assert "Northmark and Sund sign a ferry treaty" in body and "�" not in body
        assert "utm_" not in body and "at_medium" not in body and "pixel." not in body
    places = {
        links.read_leave(token) for token in tokens("unsubscribe", *bodies, message["List-Unsubscribe"])
    }
    people = {links.read_preferences(token) for token in tokens("preferences", *bodies)}
    (place,) = places
    assert place is not None and people == {place[0]} and place[1] == 1
    return place[0]


def tokens(kind: str, *texts: str) -> set[str]:
    found = [re.findall(rf"/{kind}/([\w-]+)", text) for text in texts]
    assert all(found), "each of them has such a link"
    return {token for some in found for token in some}


def check_links(runtime: Runtime, mails: list[Mail]) -> None:
    web = WebServer(runtime)
    web.start()
    with httpx.Client() as client:
        for mail in mails:
            bodies = [part.get_content() for part in mail.message.iter_parts()]
            headers = " ".join(map(str, mail.message.values()))
            links = {link for text in (*bodies, headers) for link in re.findall(OURS, text)}
            assert {link.split("/")[3] for link in links} == {"n", "unsubscribe", "preferences"}
            assert {client.get(link).status_code for link in links} == {200}, links
    web.stop()


OURS = re.compile(r"http://127\.0\.0\.1:\d+/[^\s\"<>)]*")


def test_what_comes_too_late_makes_a_late_edition_and_no_empty_one(
    tmp_path: Path, database_url: str, feeds: Server, server: SmtpServer
) -> None:
    room = newsroom(tmp_path, database_url, feeds, server, readers=5)
    assert room.run("gather", now=at("09:20")).code == 0
    assert room.run("tick", now=at("09:21")).code == 0
    shown = room.edition()
    assert (shown["state"], shown["late"], len(shown["entries"])) == ("sent", True, 17)
    assert server.recipients() == dict.fromkeys(room.readers, 1)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_both_stores_send_the_same_bytes(
    tmp_path: Path, database_url: str, sqlite_template: Path, feeds: Server
) -> None:
    """The same keys, numbers and clock make the same mails, to the byte."""
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
    for name, kind in (("secret.key", Keys), ("suppression.key", AddressKey)):
        kind.create(one / name)
        shutil.copy2(one / name, other / name)
    file = shutil.copy(sqlite_template, one / "newsletter.db")
    web_port = free_port()
    mails = mailbox(one, f"sqlite:///{file}", feeds, web_port)
    assert len(mails) == 50
    assert mails == mailbox(other, database_url, feeds, web_port)


def mailbox(folder: Path, database_url: str, feeds: Server, web_port: int) -> list[tuple[str, bytes]]:
    """Who got which bytes, when this store has the morning's edition."""
    with SmtpServer() as server:
        room = newsroom(folder, database_url, feeds, server, readers=50, web_port=web_port)
        assert room.run("gather", now=EIGHT).code == 0
        assert room.run("tick", now=NINE).code == 0
        return sorted((mail.recipient, mail.content) for mail in server.mails)
