"""Pages and pictures that hang, drip, loop, lie or are gone, and what they cannot cost an edition."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from newsletter.clock import monotonic
from newsletter.services import looking
from tests.feeds.server import Server
from tests.newsroom import NINE, Newsroom, at, ended
from tests.smtpd import SmtpServer

TODAY = "town/2026-02-18"
ROUND = 5.0  # seconds
LIMITS = f"timeout = 1.5\nround = {ROUND}\nat_once = 8\nper_host = 8\nlargest_picture = 50_000"
PICTURE = b"\xff\xd8\xff\xe0" + b"\x00" * 1_000


@pytest.fixture
def web() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def relay() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


# ── what a server can do ────────────────────────────────────────────────────────────────────────


def hang(web: Server) -> Callable[[BaseHTTPRequestHandler], None]:
    return lambda handler: (web.closing.wait(30), None)[1]


def drip(web: Server) -> Callable[[BaseHTTPRequestHandler], None]:
    """Its head, a letter now and then, without an end."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not web.closing.wait(0.05):
            handler.wfile.write(b"a")

    return answer


def without_end(web: Server) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "image/jpeg")
        handler.send_header("Content-Length", "10")
        handler.send_header("Transfer-Encoding", "chunked")  # which of the two is the lie?
        handler.end_headers()
        while not web.closing.is_set():
            handler.wfile.write(b"1000\r\n" + b"\x00" * 0x1000 + b"\r\n")

    return answer


def promise(size: int, sent: bytes, kind: str = "image/jpeg") -> Callable[[BaseHTTPRequestHandler], None]:
    """A length that is none."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(size))
        handler.end_headers()
        handler.wfile.write(sent)
        handler.close_connection = True

    return answer


def babble(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"\x16\x03\x01 this is no HTTP\r\n\r\n" * 100)
    handler.close_connection = True


def pages(web: Server) -> dict[str, tuple[str, str]]:
    """What each story's page does: its address, and the check that names it, with words of the sentence."""
    return {
        web.on("/good"): ("", ""),
        web.on("/moved", status=301, Location="/good"): ("redirecting-link", "leads on to"),
        web.on("/home", status=302, Location="/"): ("redirecting-link", "the front page"),
        web.on("/ill", status=503): ("failing-link", "503 Service Unavailable"),
        web.on("/dead", status=404): ("dead-link", "is gone"),
        web.on("/withdrawn", status=410): ("dead-link", "is gone"),
        web.script("/hangs", hang(web)): ("failing-link", "longer than 1.5 seconds"),
        web.script("/drips", drip(web)): ("failing-link", "longer than 1.5 seconds"),
        web.script("/babbles", babble): ("failing-link", "connection broke"),
        web.on("/loops", status=302, Location="/loops"): ("failing-link", "redirects more than 5"),
        web.on("/inside", status=302, Location="http://169.254.169.254/latest/"): ("failing-link", "public"),
        web.on("/within", status=302, Location=f"http://localhost:{web.port}/"): ("failing-link", "web port"),
        web.on("/file", status=302, Location="file:///etc/passwd"): ("failing-link", "no web address"),
    }  # fmt: skip


def pictures(web: Server) -> dict[str, tuple[str, str]]:
    return {
        web.on("/p/good", PICTURE, Content_Type="image/jpeg"): ("", ""),
        web.on("/p/large", b"\xff" * 60_000, Content_Type="image/jpeg"): ("large-picture", "more than 50 kB"),
        web.on("/p/page", b"<html>", Content_Type="text/html"): ("broken-picture", "a web page"),
        web.on("/p/false", b"\n <!doctype html>", Content_Type="image/png"): ("broken-picture", "a web page"),
        web.on("/p/gone", status=404): ("broken-picture", "404"),
        web.script("/p/endless", without_end(web)): ("large-picture", "more than 50 kB"),
        web.script("/p/huge", promise(5_000_000_000, PICTURE)): ("broken-picture", "connection broke"),
        web.script("/p/short", promise(10, PICTURE)): ("", ""),
    }  # fmt: skip


def town(
    folder: Path, database_url: str, web: Server, relay: SmtpServer, *, newsletter: str = "",
    sending: str = "", few: bool = False,
) -> Newsroom:  # fmt: skip
    """A newsroom of three readers; every story's page, or its picture, lies on the hostile server.

    With `few`, only those that answer at once, well or not.
    """
    web.on("/")
    selection = "[newsletters.selection]\nmax_stories = 40\nper_section = 40"
    room = Newsroom(
        folder, database_url, relay.port, feeds='[gathering]\nallow_hosts = ["127.0.0.1"]',
        preflight=f"links = true\n{LIMITS}", newsletter=f"{newsletter}\n{selection}",
        sending=sending,
    )  # fmt: skip
    rows: list[dict[str, str]] = [
        {"url": page, "title": " ".join(3 * [page.rpartition("/")[2]])} for page in pages(web)
    ]
    for number, picture in enumerate(pictures(web)):
        title = f"{picture.rpartition('/')[2]} {number} pictured"
        page = web.on(f"/s/{number}")
        rows.append({"url": page, "title": title, "picture_url": picture, "picture_alt": "a view"})
    if few:
        rows = [row for row in rows if row["url"].endswith(("/good", "/dead", "/s/0", "/s/1", "/s/2"))]
    text = "".join(
        json.dumps({**row, "section": "Town", "published_at": at("04:00").isoformat()}) + "\n" for row in rows
    )
    room._import("articles", "hostile.jsonl", text, at("04:00"))
    room.import_readers(3)
    return room


def found(room: Newsroom, now: str) -> dict[str, list[str]]:
    """Address of an entry → each check and sentence that is about it."""
    told: dict[str, list[str]] = {}
    articles = {each["id"]: each["url"] for each in listed(room)}
    for finding in room.run("editions", "check", TODAY, "--json", now=at(now)).json["findings"]:
        if finding["article_id"]:
            told.setdefault(articles[finding["article_id"]], []).append(
                f"{finding['code']}: {finding['sentence']}"
            )
    return told


def listed(room: Newsroom) -> list[dict[str, str]]:
    return list(room.run("articles", "list", "--json", now=NINE).json["articles"])


def entries(room: Newsroom, now: str) -> set[str]:
    """The paths of the pages that the edition links to."""
    urls = {each["id"]: each["url"] for each in listed(room)}
    return {
        urls[entry["article"]].partition("127.0.0.1:")[2].partition("/")[2]
        for entry in room.edition(now=at(now))["entries"]
    }


# ── the stories ─────────────────────────────────────────────────────────────────────────────────


def test_a_morning_among_hostile_servers(
    tmp_path: Path, database_url: str, web: Server, relay: SmtpServer
) -> None:
    room = town(tmp_path, database_url, web, relay)
    room.run("tick", now=at("07:00"))
    assert web.seen == [], "nobody is asked before the first look's time"
    for clock in ("07:31", "08:21"):
        began = monotonic()
        assert room.run("tick", now=at(clock)).code == 0
        assert monotonic() - began < ROUND + 4, "and the program itself takes some time"
        if clock == "07:31":
            asked = [path for path, _ in web.seen]
            assert len([path for path in asked if path == "/s/1"]) == 1, "each address once"
            first = found(room, "07:32")
            assert any("failing-link" in told for told in first[web.url("/dead")]), "once is not believed"
            assert {"dead", "withdrawn"} <= entries(room, "07:32")
    told = found(room, "08:22")
    for address, (code, words) in pages(web).items():
        if code == "dead-link":
            continue
        assert any(code in each and words in each for each in told.get(address, [""])), (address, told)
    for number, (code, words) in enumerate(pictures(web).values()):
        about = [each for each in told.get(web.url(f"/s/{number}"), [""]) if "picture" in each or not code]
        assert any(code in each and words in each for each in about or [""]) or not code, (number, about)
    assert not {"dead", "withdrawn"} & entries(room, "08:22"), "the next in line stand there"
    dead = next(each["id"] for each in listed(room) if each["url"].endswith("/dead"))
    why = room.run("articles", "why", str(dead), "--edition", TODAY, now=at("08:22")).said
    assert "its page is gone, the server answered 404 twice until 13:21 UTC" in why
    asked_before_nine = len(web.seen)
    room.run("tick", now=at("08:30"))
    assert room.run("tick", now=NINE).code == 0
    assert room.counts() == {"sent": 3}
    assert len(web.seen) == asked_before_nine, "nobody is asked once the draft is closed"
    html = relay.mails[0].message.get_body(("html",)).get_content()
    assert "/dead" not in html and "/withdrawn" not in html and "/hangs" in html


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_pinned_page_that_is_gone_holds_the_edition_until_it_is_dropped(
    tmp_path: Path, database_url: str, web: Server, relay: SmtpServer
) -> None:
    room = town(tmp_path, database_url, web, relay, few=True)
    room.run("tick", now=at("07:00"))
    dead = next(str(each["id"]) for each in listed(room) if each["url"].endswith("/dead"))
    assert room.run("editions", "pin", TODAY, dead, now=at("07:01")).code == 0
    for clock in ("07:02", "07:04"):
        checked = room.run("editions", "check", TODAY, "--links", "--json", now=at(clock))
    assert checked.code == 3 and checked.json["seen"] == checked.json["addresses"]
    (blocker,) = (each for each in checked.json["findings"] if each["severity"] == "blocker")
    assert (blocker["code"], str(blocker["article_id"])) == ("dead-link", dead)
    refused = room.run("editions", "approve", TODAY, "--json", now=at("07:05"))
    assert (refused.code, refused.json["next_step"]) == (3, blocker["mend"])
    room.run("tick", now=at("08:30"))
    assert room.edition()["state"] == "held" and "is gone" in room.edition()["why"]
    assert room.run(*blocker["mend"].split()[1:], now=at("08:31")).code == 0
    assert room.run("editions", "approve", TODAY, now=at("08:32")).code == 0
    assert room.run("tick", now=NINE).code == 0
    assert room.counts() == {"sent": 3}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_round_ends_before_the_clock_has_something_to_do(
    tmp_path: Path, database_url: str, web: Server, relay: SmtpServer
) -> None:
    room = town(tmp_path, database_url, web, relay)
    room.run("tick", now=at("07:00"))
    for path in list(web.answers):
        web.script(path, hang(web))
    room.configure(preflight="timeout = 60\nround = 60")
    with room.opened() as runtime:
        began = monotonic()
        assert looking.look_due(runtime, at("08:29:53")) > 0
        assert monotonic() - began < 2.5, "seven seconds were left, less the margin"
        began, before = monotonic(), len(web.seen)
        assert looking.look_due(runtime, at("08:29:57")) == 0, "too late to begin"
        assert looking.look_due(runtime, at("08:31")) == 0, "the draft is to be closed"
        assert (monotonic() - began < 1, len(web.seen)) == (True, before)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_nine_o_clock_is_kept_by_serve(
    tmp_path: Path, database_url: str, web: Server, relay: SmtpServer
) -> None:
    room = town(tmp_path, database_url, web, relay, newsletter="cutoff = 2", sending="lead = 1")
    room.run("tick", now=at("07:00"))
    for path in list(web.answers):
        web.script(path, hang(web))
    room.configure(preflight="timeout = 60\nround = 60")
    serve = room.start("serve", now=at("08:59:50"))
    try:
        patience = monotonic() + 40
        while len(relay.mails) < 3:
            assert serve.poll() is None and monotonic() < patience
            web.closing.wait(0.05)
    finally:
        serve.terminate()
        assert ended(serve).code in (0, 130)
    story = room.edition(now=NINE + timedelta(minutes=1))
    assert story["state"] in ("sending", "sent") and not story["late"]
    assert any(path.startswith("/s/") for path, _ in web.seen), "they were asked, and hung"
