"""A test mail: for the newsroom's own eyes, and harmless in anybody's hands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from newsletter.demo.catchall import free_port
from newsletter.models import Table
from newsletter.web.server import WebServer
from tests.newsroom import Newsroom, at
from tests.smtpd import Mail, SmtpServer

EDITOR = "desk@town.example"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
SEVEN = at("07:00")


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def room(tmp_path: Path, database_url: str, server: SmtpServer) -> Newsroom:
    room = Newsroom(
        tmp_path, database_url, server.port, newsletter=f'proof = ["{EDITOR}"]', web_port=free_port()
    )
    room.import_stories()
    room.import_readers(3)
    return room


def test_it_goes_to_the_proof_list_and_to_nobody_else(room: Newsroom, server: SmtpServer) -> None:
    stranger = room.run("send", "town", "--test", "stranger@readers.example", "--json", now=SEVEN)
    assert (stranger.code, "is not on the proof list of town" in stranger.json["error"]) == (3, True)
    reader = room.run("send", "town", "--test", room.readers[0], now=SEVEN)
    assert (reader.code, server.mails) == (3, [])
    assert room.run("send", "town", "--test", "desk@TOWN.example", now=SEVEN).code == 0
    (mail,) = server.mails
    assert mail.recipient == EDITOR
    assert mail.message["Subject"].startswith("[Test] ")
    assert room.edition()["sums"] == dict.fromkeys(room.edition()["sums"], 0), "it is no delivery"


def test_twenty_in_an_hour_are_enough(room: Newsroom, server: SmtpServer) -> None:
    for minute in range(20):
        assert room.run("send", "town", "--test", EDITOR, now=at(f"07:{minute:02}")).code == 0
    refused = room.run("send", "town", "--test", EDITOR, "--json", now=at("07:59"))
    assert (refused.code, "20 test mails" in refused.json["error"]) == (3, True)
    assert room.run("send", "town", "--test", EDITOR, now=at("08:01")).code == 0
    assert len(server.mails) == 21


def test_its_links_change_nothing_and_its_preview_opens(room: Newsroom, server: SmtpServer) -> None:
    room.run("send", "town", "--test", EDITOR, now=SEVEN)
    (mail,) = server.mails
    links = ours(mail)
    leave = mail.message["List-Unsubscribe"].strip("<>")
    (preview,) = (link for link in links if "preview=" in link)
    (choose,) = (link for link in links if "/preferences/" in link)
    before = everything(room)
    with room.opened(SEVEN) as runtime:
        web = WebServer(runtime)
        web.start()
        page = httpx.get(preview)
        assert (page.status_code, "story no. 0" in page.text) == (200, True)
        assert httpx.get(preview.partition("?")[0]).status_code == 404, "only the signed link shows it"
        assert httpx.get(leave).status_code == httpx.post(leave, data=ONE_CLICK).status_code == 200
        assert httpx.get(choose).status_code == httpx.post(choose, data={"leave": "town"}).status_code == 404
        assert all(httpx.get(link).status_code == 200 for link in links - {choose})
        web.stop()
    assert everything(room) == before
    room.run("tick", now=at("09:00"))
    assert room.counts() == {"sent": 3}, "a test neither used the edition up nor took anybody off"


def test_its_preview_opens_after_a_decision_too(room: Newsroom, server: SmtpServer) -> None:
    room.run("send", "town", "--test", EDITOR, now=SEVEN)
    for act in (["approve"], ["hold", "--why", "a doubt"]):
        assert room.run("editions", act[0], "town/2026-02-18", *act[1:], now=at("07:01")).code == 0
        words = ("send", "town", "--edition", "2026-02-18", "--test", EDITOR)
        assert room.run(*words, now=at("07:02")).code == 0
    previews = [link for mail in server.mails for link in ours(mail) if "preview=" in link]
    assert len(previews) == 3
    with room.opened(SEVEN) as runtime:
        web = WebServer(runtime)
        web.start()
        pages = [httpx.get(link) for link in previews]
        web.stop()
    assert {page.status_code for page in pages} == {200}


def ours(mail: Mail) -> set[str]:
    """Every link of the mail, in either part, that leads to our web."""
    bodies = [part.get_content() for part in mail.message.walk() if part.get_content_maintype() == "text"]
    return {link for body in bodies for link in re.findall(r"http://127\.0\.0\.1:\d+/[^\s\"<>)]*", body)}


def everything(room: Newsroom) -> dict[str, list[str]]:
    """Every row of every table."""
    with room.opened() as runtime, runtime.database.reading() as session:
        return {
            table.name: sorted(map(repr, session.execute(select(table)).all()))
            for table in Table.metadata.sorted_tables
        }
