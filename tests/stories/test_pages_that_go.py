"""Links that stand in every mail or in a note, hosts that are not asked, and pages that go after a draft is
closed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.feeds.server import Server
from tests.newsroom import NINE, Newsroom, at
from tests.services.hooks import Webhook, alerts, share_secret
from tests.smtpd import SmtpServer

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TODAY = "town/2026-02-18"
ALLOWED = '[gathering]\nallow_hosts = ["127.0.0.1", "localhost"]'


@pytest.fixture
def web() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def relay() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


def late(web: Server) -> Callable[[BaseHTTPRequestHandler], None]:
    """An answer that takes its time, and more of it than `slow` allows."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        web.closing.wait(0.4)
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def town(
    folder: Path, database_url: str, web: Server, relay: SmtpServer, *, newsletter: str = "",
    preflight: str = "", feeds: str = "",
) -> Newsroom:  # fmt: skip
    """Three readers, and four stories whose pages lie on the server."""
    room = Newsroom(
        folder, database_url, relay.port, feeds=f"{ALLOWED}\n{feeds}", newsletter=newsletter,
        preflight=f"links = true\nslow = 0.25\n{preflight}",
    )  # fmt: skip
    rows = [{"url": web.on(f"/{n}"), "title": f"Story {n}", "section": "Town"} for n in range(4)]
    room.import_articles([{**row, "published_at": at("04:00").isoformat()} for row in rows], at("04:00"))
    room.import_readers(3)
    return room


def looked(room: Newsroom, *clocks: str) -> list[tuple[str, str, str]]:
    """Code, place and sentence of all that is said of links after looks at these hours."""
    for clock in clocks:
        checked = room.run("editions", "check", TODAY, "--links", "--json", now=at(clock))
    return [
        (finding["code"], finding["place"], finding["sentence"])
        for finding in checked.json["findings"]
        if "link" in finding["code"]
    ]


def pages(room: Newsroom, clock: str) -> set[str]:
    """The addresses of the edition's entries, brought up to date first."""
    room.run("tick", now=at(clock))
    urls = {
        each["id"]: each["url"] for each in room.run("articles", "list", "--json", now=NINE).json["articles"]
    }
    return {urls[entry["article"]] for entry in room.edition(now=at(clock))["entries"]}


def test_the_links_that_stand_in_every_mail(
    tmp_path: Path, database_url: str, web: Server, relay: SmtpServer
) -> None:
    keys = [
        f'more_url = "{web.on("/latest", status=404)}"', f'home_url = "{web.on("/home", status=503)}"',
        f'social = [{{name = "Mastodon", url = "{web.on("/@town", status=301, Location="/0")}"}},'
        f' {{name = "Ours", url = "http://127.0.0.1:8000/"}}]',
        f'sponsor = {{name = "Bakery", text = "Bread.", url = "{web.on("/bakery", status=500)}"}}',
    ]  # fmt: skip
    room = town(tmp_path, database_url, web, relay, newsletter="\n".join(keys))
    room.run("tick", now=at("06:00"))
    told = looked(room, "06:01", "06:03")
    assert [(code, place) for code, place, _ in told] == [
        ("failing-link", "home_url"),
        ("dead-link", "more_url"),
        ("redirecting-link", "the social link Mastodon"),
        ("failing-link", "the standing sponsor"),
    ]
    assert [sentence for *_, sentence in told][1:3] == [
        "The page of more_url is gone: the server answered 404 twice.",
        f"The link of the social link Mastodon leads on to {web.url('/0')}",
    ]
    assert room.run("tick", now=at("08:30")).code == room.run("tick", now=NINE).code == 0
    assert room.counts() == {"sent": 3}, "they are warnings: what is configured is the publisher's"


def test_a_page_that_is_slow_is_named_with_its_seconds(
    tmp_path: Path, database_url: str, web: Server, relay: SmtpServer
) -> None:
    room = town(tmp_path, database_url, web, relay)
    web.script("/2", late(web))
    room.run("tick", now=at("06:00"))
    ((code, place, sentence),) = looked(room, "06:01")
    assert (code, place) == ("slow-link", "headlines · Town")
    assert re.fullmatch(r"The page of article 3 took 0\.[4-9] seconds to answer\.", sentence)
    assert room.run("editions", "check", TODAY, now=at("06:02")).code == 0, "a warning waits for nobody"
    room.configure(preflight="slow = 5")
    assert looked(room, "06:03") == []


def test_a_host_that_turns_programs_away_is_not_asked_and_not_judged(
    tmp_path: Path, database_url: str, web: Server, relay: SmtpServer
) -> None:
    """Nor does what was seen of it before count any more: the machine's entry comes back."""
    room = town(tmp_path, database_url, web, relay)
    wall = web.on("/wall", status=404).replace("127.0.0.1", "localhost")
    row = {
        "url": wall,
        "title": "Behind the wall",
        "section": "Town",
        "published_at": at("04:00").isoformat(),
    }
    room.import_articles([row], at("04:00"), name="wall")
    room.run("tick", now=at("06:00"))
    looked(room, "06:01", "06:03")
    assert wall not in pages(room, "06:04"), "gone twice, so the next in line stands there"
    room.configure(preflight='links = true\nskip_hosts = ["LOCALHOST"]')
    asked = [path for path, _ in web.seen].count("/wall")
    assert (asked, looked(room, "06:05")) == (2, [])
    assert wall in pages(room, "06:06")
    assert [path for path, _ in web.seen].count("/wall") == asked


def test_links_in_a_note_are_looked_at_and_block_a_pinned_one(
    tmp_path: Path, database_url: str, web: Server, relay: SmtpServer
) -> None:
    room = town(tmp_path, database_url, web, relay)
    table = web.on("/tables", status=410)
    note = {"url": web.on("/note"), "title": "Put right", "kind": "note",
            "published_at": at("04:00").isoformat(),
            "html": f'<p>See <a title="a > b" href="{table}">the tables</a>.</p>'}  # fmt: skip
    room.import_articles([note], at("04:00"), name="note")
    room.run("tick", now=at("06:00"))
    ((code, _, sentence),) = looked(room, "06:01", "06:03")
    assert (code, sentence) == (
        "dead-link",
        f"The page of {table} in the text of article 5 is gone: the server answered 410 twice.",
    )
    assert room.run("editions", "check", TODAY, now=at("06:04")).code == 0
    assert room.run("editions", "pin", TODAY, "5", "--slot", "note", now=at("06:05")).code == 0
    assert room.run("editions", "check", TODAY, now=at("06:06")).code == 3


def test_a_page_that_goes_after_an_early_approval_is_seen_at_the_looks_and_told_of(
    tmp_path: Path, database_url: str, web: Server, relay: SmtpServer
) -> None:
    """Approved at six, gone at seven: both looks before the cut-off find it, somebody is told once, and what
    was approved is sent."""
    with Webhook() as hook:
        share_secret(tmp_path)
        room = town(tmp_path, database_url, web, relay, feeds=alerts(webhook=hook.url))
        room.run("tick", now=at("06:00"))
        room.run("editions", "approve", TODAY, now=at("06:01"))
        web.on("/1", status=404)
        for clock in ("07:31", "08:21", "08:30"):
            room.run("tick", now=at(clock))
        checked = room.run("editions", "check", TODAY, "--json", now=at("08:31"))
        severity = {each["code"]: each["severity"] for each in checked.json["findings"]}
        room.run("tick", now=NINE)
        told = [event["text"] for event in hook.told if event["event"] == "dead_link"]
    assert told == [f"{TODAY} is closed, and the page of article 2 is gone."]
    assert (checked.code, severity["dead-link"]) == (0, "warning")
    assert room.counts() == {"sent": 3}
    assert web.url("/1") in pages(room, "09:01")


def test_a_pinned_page_that_goes_after_the_approval_holds_the_edition_and_somebody_is_told(
    tmp_path: Path, database_url: str, web: Server, relay: SmtpServer
) -> None:
    with Webhook() as hook:
        share_secret(tmp_path)
        room = town(tmp_path, database_url, web, relay, feeds=alerts(webhook=hook.url))
        room.run("tick", now=at("06:00"))
        room.run("editions", "pin", TODAY, "2", now=at("06:01"))
        assert room.run("editions", "approve", TODAY, now=at("06:02")).code == 0
        web.on("/1", status=404)
        for clock in ("07:31", "08:21", "08:58", "09:00"):
            room.run("tick", now=at(clock))
        told = [event["event"] for event in hook.told]
    assert {"dead_link", "blocked"} <= set(told)
    assert (room.edition()["state"], room.counts()) == ("held", {})
    assert not relay.mails
