"""Foreign servers are asked politely, and none of them can hurt or hold us."""

from __future__ import annotations

import gzip
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler

import pytest

from newsletter.config import Gathering
from newsletter.errors import FetchFailed
from newsletter.feeds.fetch import Busy, FetchStatus, _next_hop, fetch
from tests.feeds.server import Server

OPEN = Gathering(allow_hosts=("127.0.0.1",), contact="https://post.example/bot", timeout=5, max_bytes=50_000)


def test_a_document_comes_with_its_validators(server: Server) -> None:
    url = server.on(
        "/feed",
        b"<rss/>",
        ETag='"v1"',
        Last_Modified="Tue, 17 Feb 2026 10:00:00 GMT",
        Content_Type="text/xml",
    )
    fetched = fetch(url, settings=OPEN)
    assert (fetched.status, fetched.body, fetched.final_url) == (FetchStatus.OK, b"<rss/>", url)
    assert (fetched.etag, fetched.last_modified) == ('"v1"', "Tue, 17 Feb 2026 10:00:00 GMT")
    assert fetched.content_type == "text/xml"
    ((_, headers),) = server.seen
    assert headers["User-Agent"].startswith("newsletter/")
    assert headers["User-Agent"].endswith("(+https://post.example/bot)")
    assert headers["Accept-Encoding"] == "gzip"
    assert "If-None-Match" not in headers


def test_what_has_not_changed_is_not_sent_again(server: Server) -> None:
    url = server.on("/feed", status=304)
    fetched = fetch(url, settings=OPEN, etag='"v1"', last_modified="Tue, 17 Feb 2026 10:00:00 GMT")
    assert fetched.status is FetchStatus.NOT_MODIFIED
    ((_, headers),) = server.seen
    assert headers["If-None-Match"] == '"v1"'
    assert headers["If-Modified-Since"] == "Tue, 17 Feb 2026 10:00:00 GMT"


def test_gzip_is_unpacked(server: Server) -> None:
    url = server.on("/feed", gzip.compress(b"<rss/>" * 100, mtime=0), Content_Encoding="gzip")
    assert fetch(url, settings=OPEN).body == b"<rss/>" * 100


@pytest.mark.parametrize(
    ("body", "coding", "sentence"),
    [
        (b"x" * 60_000, "", "larger than 50,000 bytes"),
        (gzip.compress(b"x" * 20_000_000, mtime=0), "gzip", "larger than 50,000 bytes"),
        (gzip.compress(b"x" * 1_000, mtime=0)[:-4], "gzip", "ends too early"),
        (b"no gzip at all", "gzip", "damaged"),
        (b"\x8b\x02\x80", "br", "not asked for"),
        (gzip.compress(gzip.compress(b"x", mtime=0), mtime=0), "gzip, gzip", "not asked for"),
    ],
)
def test_bombs_and_damage_are_named(server: Server, body: bytes, coding: str, sentence: str) -> None:
    url = server.on("/feed", body, Content_Encoding=coding) if coding else server.on("/feed", body)
    with pytest.raises(FetchFailed, match=sentence):
        fetch(url, settings=OPEN)


def test_an_endless_body_ends_at_the_cap(server: Server) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        while not server.closing.is_set():
            handler.wfile.write(b"x" * 10_000)

    with pytest.raises(FetchFailed, match="larger than"):
        fetch(server.script("/feed", endless), settings=OPEN)


@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_dripping_server_is_left_at_the_deadline(server: Server, part: str) -> None:
    """Each byte comes in time; only the whole does not."""

    def drip(handler: BaseHTTPRequestHandler) -> None:
        start = b"HTTP/1.1 200 OK\r\nX: " if part == "headers" else b"HTTP/1.1 200 OK\r\n\r\n"
        handler.wfile.write(start)
        handler.close_connection = True
        for _ in range(60):
            if server.closing.wait(0.05):
                return
            handler.wfile.write(b"x")

    url = server.script("/feed", drip)
    started = time.monotonic()
    with pytest.raises(FetchFailed, match=r"longer than 0\.4 seconds"):
        fetch(url, settings=OPEN.model_copy(update={"timeout": 0.4}))
    assert time.monotonic() - started < 3


def test_redirects_are_followed_and_their_bodies_never_read(server: Server) -> None:
    bomb = gzip.compress(b"x" * 20_000_000, mtime=0)
    server.on("/old", bomb, status=301, Location="/new", Content_Encoding="gzip")
    server.on("/new", b"<rss/>")
    fetched = fetch(server.url("/old"), settings=OPEN)
    assert (fetched.final_url, fetched.body) == (server.url("/new"), b"<rss/>")


def test_a_loop_of_redirects_ends(server: Server) -> None:
    url = server.on("/loop", status=302, Location="/loop")
    with pytest.raises(FetchFailed, match="redirects more than 5 times"):
        fetch(url, settings=OPEN)
    assert len(server.seen) == 6


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("http://169.254.169.254/latest/", "not on the public internet"),
        ("http://[::ffff:10.0.0.1]/", "not on the public internet"),
        ("file:///etc/passwd", "no web address"),
        ("gopher://post.example/", "no web address"),
        ("", "no web address"),
    ],
)
def test_a_redirect_is_judged_like_any_address(server: Server, location: str, sentence: str) -> None:
    with pytest.raises(FetchFailed, match=sentence):
        fetch(server.on("/feed", status=302, Location=location), settings=OPEN)


def test_https_never_goes_on_as_http(server: Server) -> None:
    with pytest.raises(FetchFailed, match="from https to http"):
        _next_hop("https://post.example/", "http://post.example/feed")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"]
)
def test_loopback_is_refused_in_every_spelling(server: Server, host: str) -> None:
    with pytest.raises(FetchFailed) as refused:
        fetch(f"http://{host}:80/feed", settings=Gathering(timeout=5))
    assert "not on the public internet" in refused.value.sentence
    assert "allow_hosts" in refused.value.next_step


def test_a_host_that_is_allowed_is_allowed_alone(server: Server) -> None:
    server.on("/feed", b"<rss/>")
    by_name = Gathering(allow_hosts=("localhost",), timeout=5)
    assert fetch(f"http://localhost:{server.port}/feed", settings=by_name).body == b"<rss/>"
    with pytest.raises(FetchFailed, match="no web port"):
        fetch(server.url("/feed"), settings=by_name)


def test_a_network_that_is_allowed_is_allowed_by_address(server: Server) -> None:
    server.on("/feed", b"<rss/>")
    by_network = Gathering(allow_hosts=("127.0.0.0/30",), timeout=5)
    assert fetch(server.url("/feed"), settings=by_network).body == b"<rss/>"
    for url, why in (
        (f"http://127.0.0.9:{server.port}/feed", "no web port"),
        ("http://127.0.0.9/", "not on the"),
    ):
        with pytest.raises(FetchFailed, match=why):
            fetch(url, settings=by_network)
    mixed = Names(["127.0.0.1", "10.0.0.1"])
    with pytest.raises(FetchFailed, match=r"leads to 10\.0\.0\.1"):
        fetch("http://post.example/", settings=by_network, resolve=mixed)


@pytest.mark.parametrize(("status", "wanted"), [(503, "7200"), (429, "60")])
def test_a_server_that_asks_for_patience(server: Server, status: int, wanted: str) -> None:
    with pytest.raises(Busy, match=str(status)) as busy:
        fetch(server.on("/feed", status=status, Retry_After=wanted), settings=OPEN)
    assert busy.value.seconds == int(wanted)


@pytest.mark.parametrize("wanted", ["-1", "soon", "1" * 400, "\u0661"])
def test_patience_that_is_no_number_of_seconds(server: Server, wanted: str) -> None:
    url = server.on("/feed", status=503, **({"Retry_After": wanted} if wanted.isascii() else {}))
    with pytest.raises(FetchFailed) as refused:
        fetch(url, settings=OPEN)
    assert not isinstance(refused.value, Busy)


def test_a_contact_fits_into_a_header(server: Server) -> None:
    fetch(
        server.on("/feed", b"<rss/>"),
        settings=OPEN.model_copy(update={"contact": "Größe, desk@post.example"}),
    )
    assert server.seen[0][1]["User-Agent"].endswith("(+Gr%C3%B6%C3%9Fe, desk@post.example)")


class Names:
    """A name server that answers differently each time it is asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


def test_one_private_address_among_public_ones_is_enough() -> None:
    with pytest.raises(FetchFailed, match=r"leads to 127\.0\.0\.1"):
        fetch(
            "http://post.example/",
            settings=Gathering(timeout=5),
            resolve=Names(["93.184.215.14", "127.0.0.1"]),
        )


def test_the_name_is_looked_up_once_and_the_judged_address_is_used(server: Server) -> None:
    """The second answer of a rebinding name server never matters: nobody asks for it."""
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    server.on("/feed", b"<rss/>")
    allowed = Gathering(allow_hosts=("post.example",), timeout=5)
    fetched = fetch(f"http://post.example:{server.port}/feed", settings=allowed, resolve=names)
    assert (fetched.body, names.asked) == (b"<rss/>", 1)
    assert server.seen[0][1]["Host"] == f"post.example:{server.port}"


@pytest.mark.parametrize(
    ("status", "phrase"), [(404, "404 Not Found"), (500, "500"), (204, "204"), (304, "304")]
)
def test_other_answers_are_trouble(server: Server, status: int, phrase: str) -> None:
    with pytest.raises(FetchFailed, match=phrase):
        fetch(server.on("/feed", status=status), settings=OPEN)


def test_a_server_that_hangs_up(server: Server) -> None:
    def hang_up(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
        handler.close_connection = True

    with pytest.raises(FetchFailed, match="connection broke"):
        fetch(server.script("/feed", hang_up), settings=OPEN)


def test_nobody_there() -> None:
    with pytest.raises(FetchFailed, match="does not answer on port 9"):
        fetch("http://127.0.0.1:9/", settings=OPEN)


@pytest.mark.parametrize("url", ["ftp://post.example/", "feed.xml", "http://user:pw@127.0.0.1/"])
def test_what_is_no_web_address_is_not_fetched(url: str) -> None:
    with pytest.raises(FetchFailed, match="not an http or https address"):
        fetch(url, settings=OPEN)
