"""Thirty feeds that mean harm or know no better, and one that is well, all gathered at once.

Each of the bad ones is named in the report with what is wrong with it. The good one arrives, the edition
goes out on time, and nothing of the others reaches a mail as anything but words.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from newsletter.clock import monotonic
from newsletter.demo.catchall import free_port
from tests.feeds.server import Server
from tests.newsroom import NINE, Newsroom, at
from tests.smtpd import SmtpServer

EIGHT = at("08:00")
SCRIPT = "<script>alert(1)</script><style>p{display:none}</style>"
HOLES = (
    "{{ unsubscribe_url }} {% include '/etc/passwd' %} ${x} %(x)s [[leave]] {0.__class__} \ue000leave\ue001"
)
GOOD = "The ferry is back after nine months"


def rss(*items: str) -> bytes:
    told = "".join(f"<item>{item}</item>" for item in items)
    return f'<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>T</title>{told}</channel></rss>'.encode()


def item(path: str, title: str, *, more: str = "", date: str = format_datetime(at("07:00"))) -> str:
    return f"<title>{title}</title><link>https://post.example{path}</link><pubDate>{date}</pubDate>{more}"


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def entities() -> bytes:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    declared = f'<!DOCTYPE rss [<!ENTITY e0 "lol">{levels}]>'
    return f'{declared}<rss version="2.0"><channel><item>{item("/e", "&e9;")}</item></channel></rss>'.encode()


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(b'<rss version="2.0"><channel>')
    while True:  # until we are left alone
        handler.wfile.write(b"<item><title>again</title></item>" * 1000)


LINE = "&#13;&#10;"
MEGABYTE = 1_000_000
NESTED = gzip.compress(gzip.compress(b"\x00" * 20 * MEGABYTE, mtime=0), mtime=0)
BROTLI = bytes.fromhex("5b0000f8274225a43c1800")  # any bytes do: it is never unpacked

# What the feed does → what its trouble says
TROUBLE: dict[str, tuple[Callable[[Server, str], str], str]] = {
    "fifty-megabytes": (lambda s, p: s.on(p, b" " * 50 * MEGABYTE), "larger than 5,000,000 bytes"),
    "gzip-bomb": (
        lambda s, p: s.on(p, gzip.compress(b"\x00" * 50 * MEGABYTE, mtime=0), Content_Encoding="gzip"),
        "larger than 5,000,000 bytes",
    ),
    "nested-gzip": (lambda s, p: s.on(p, NESTED, Content_Encoding="gzip, gzip"), "not asked for"),
    "brotli-bomb": (lambda s, p: s.on(p, BROTLI, Content_Encoding="br"), "'br', which was not asked for"),
    "entities": (lambda s, p: s.on(p, entities()), "declares entities of its own"),
    "html": (lambda s, p: s.on(p, b"<!doctype html><html><body>Sorry</body></html>"), "a web page"),
    "endless": (lambda s, p: s.script(p, endless), "larger than 5,000,000 bytes"),
    "redirect-loop": (lambda s, p: s.on(p, status=302, Location=p), "redirects more than 5 times"),
    "redirect-inside": (
        lambda s, p: s.on(p, status=302, Location="http://169.254.169.254/latest/meta-data/"),
        "169.254.169.254, which is not on the public internet",
    ),
    "redirect-to-file": (lambda s, p: s.on(p, status=302, Location="file:///etc/passwd"), "no web address"),
    "redirect-bomb": (
        lambda s, p: s.on(p, gzip.compress(b"\x00" * MEGABYTE, mtime=0), status=301, Location=p,
                          Content_Encoding="gzip"),
        "redirects more than 5 times",
    ),
    "name-that-leads-inside": (lambda s, p: f"http://localhost{p}", "not on the public internet"),
    "error-page": (lambda s, p: s.on(p, SCRIPT.encode(), status=500), "500 Internal Server Error"),
    "too-many-tags": (lambda s, p: s.on(p, rss(item("/t", "<a>" * 250_000))), "more than 200,000 tags"),
    "ten-megabyte-title": (
        lambda s, p: s.on(p, rss(item("/l", "a" * 10 * MEGABYTE))), "larger than 5,000,000"
    ),
    "not-a-feed-at-all": (lambda s, p: s.on(p, b"\x00\xff" * 5000), "something else"),
    "json-that-nests": (lambda s, p: s.on(p, b'{"items":' + b"[" * 200_000), "something else"),
}  # fmt: skip

# What the feed holds → what of it is refused or repaired, in the report's words
ODD: dict[str, tuple[bytes, str]] = {
    "wrong-charset": (
        b'<?xml version="1.0" encoding="iso-8859-1"?>' + rss(item("/c", "Łódź opens the gates — naïvely")), ""
    ),
    "utf-16": (
        rss(item("/u", "Жителі міста повертаються")).decode().encode("utf-16"), ""
    ),
    "nul-bytes": (rss(item("/n", "A\x00 NUL in\x00side")), ""),
    "line-breaks": (rss(item("/r", f"Breaking{LINE}Bcc: all@readers.example{LINE}{LINE}Hello")), ""),
    "turned-around": (rss(item("/d", "\u202egpj.exe moc.live//:sptth\u2066 turned")), ""),
    "scripts": (
        rss(item("/s", f"Scripted {escaped(SCRIPT)}", more=(
            f"<description>{escaped('Seen ' + SCRIPT)}<![CDATA[{SCRIPT}<img src=x onerror=alert(1)>]]>"
            f"</description><author>{escaped(SCRIPT)}Eve</author><category>{escaped(SCRIPT)}</category>"
            f'<guid>{escaped(SCRIPT)}</guid><media:thumbnail url="javascript:alert(1)"/>'
            f"<media:description>{escaped(SCRIPT)}</media:description>"
        ))), "",
    ),
    "holes": (rss(item("/h", f"Look {HOLES}", more=f"<description>{HOLES}</description>")), ""),
    "hundred-thousand": (
        rss(*["<title>Many</title><link>/m</link>"] * 100_000), "items 2001 to 100000: more than 2000 items"
    ),
    "long-title": (rss(item("/long", "word " * 200_000)), ""),
    "links": (
        rss(
            "<title>Relative</title><link>/relative</link>",
            "<title>Bad</title><link>javascript:alert(1)</link>",
            "<title>Worse</title><link>JaVa&#9;ScRiPt:alert(1)</link>",
            "<title>Data</title><link>data:text/html,x</link>",
            "<title>Elsewhere</title><link>//evil.example/x</link>",
            "<title>None</title>",
        ),
        "item 2: its link is no web address: 'javascript:alert(1)'",
    ),
    "no-titles": (rss("<link>/no-title</link>", item("/titled", "It has one")), "item 1: it has no title"),
    "dates-of-1970": (
        rss(item("/1970", "Old as the clock", date="Thu, 01 Jan 1970 00:00:00 GMT")), "before the web"
    ),
    "dates-of-2099": (rss(item("/2099", "Not yet", date="Thu, 01 Jan 2099 00:00:00 GMT")), "still to come"),
    "dates-without-zone": (rss(item("/zone", "Somewhere", date="2026-02-18T07:00:00")), "no zone"),
}  # fmt: skip


@pytest.fixture
def feeds() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def relay() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


def newsroom(folder: Path, database_url: str, feeds: Server, relay: SmtpServer) -> Newsroom:
    urls = {name: answer(feeds, f"/{name}") for name, (answer, _) in TROUBLE.items()}
    urls |= {name: feeds.on(f"/{name}", body) for name, (body, _) in ODD.items()}
    urls["good"] = feeds.on(
        "/good", rss(item("/good", GOOD), item("/second", "The market moves"), item("/3", "Rain"))
    )
    parts = "\n".join(f'[[feeds]]\nname = "{name}"\nurl = "{url}"' for name, url in urls.items())
    uses = "\n".join(f'[[newsletters.feeds]]\nuse = "{name}"\nsection = "Town"' for name in urls)
    limits = '[newsletters.selection]\nmax_stories = 100\nper_section = 100\nmax_age = "7 days"'
    return Newsroom(
        folder, database_url, relay.port, web_port=free_port(), newsletter=f"{limits}\n{uses}",
        feeds=f'[gathering]\nallow_hosts = ["127.0.0.1"]\n{parts}',
    )  # fmt: skip


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_thirty_hostile_feeds_and_a_good_one(
    tmp_path: Path, database_url: str, feeds: Server, relay: SmtpServer
) -> None:
    room = newsroom(tmp_path, database_url, feeds, relay)
    room.import_readers(3)
    started = monotonic()
    gathered = room.run("gather", "--json", now=EIGHT)
    assert monotonic() - started < 60
    reports = {report["feed"]: report for report in gathered.json["feeds"]}
    check_the_report(reports)
    assert room.run("gather", now=EIGHT).code == 0, "and a person can read it, too"

    assert room.run("tick", now=NINE).code == 0
    assert room.counts() == {"sent": 3}
    headlines = {entry["headline"] for entry in room.edition()["entries"]}
    assert {GOOD, "Łódź opens the gates — naïvely", "Жителі міста повертаються", "A NUL inside"} <= headlines
    for mail in relay.mails:
        check_mail(mail.content, mail.message)


def check_the_report(reports: dict[str, Any]) -> None:
    for name, (_, words) in TROUBLE.items():
        assert words in reports[name]["trouble"], (name, reports[name])
        assert reports[name]["retry_at"], "it is left alone for a while"
    for name, (_, words) in ODD.items():
        report = reports[name]
        told = [f"{r['place']}: {r['why']}" for r in report["refused"]] + report["repaired"]
        assert report["trouble"] == "" and report["counts"]["new"] >= 1, (name, report)
        assert any(words in sentence for sentence in told) or not words, (name, told)
    assert len(reports["links"]["refused"]) == 5 and reports["good"]["counts"]["new"] == 3


def check_mail(content: bytes, message: Any) -> None:
    """The mail has the headers and the markup that it would have without those feeds."""
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\x00", content)
    assert message["Bcc"] is None and message["To"].addresses[0].domain == "readers.example"
    html = message.get_body(("html",)).get_content()
    text = message.get_body(("plain",)).get_content()
    assert "alert(1)</script>" not in html and not re.search(r"<script|onerror|<style>p", html)
    assert "{{ unsubscribe_url }}" in html and "{{ unsubscribe_url }}" in text
    for body in (html, text, str(message["Subject"])):
        assert not re.search("[\x00\u202a-\u202e\u2066-\u2069]", body)
    targets = re.findall(r'(?:href|src)="([^"]*)"', html)
    assert targets and all(re.match(r"https?://|mailto:", target) for target in targets), targets
    assert not [target for target in targets if "evil.example" in target or "alert" in target]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_a_person_reads_of_it(
    tmp_path: Path, database_url: str, feeds: Server, relay: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    sick = feeds.on("/sick", status=500)
    odd = feeds.on("/odd", rss(item("/1", "One", date=""), *["<title>No link</title>"] * 5))
    parts = "".join(
        f'[[feeds]]\nname = "{name}"\nurl = "{url}"\n' for name, url in (("sick", sick), ("odd", odd))
    )
    room = Newsroom(
        tmp_path, database_url, relay.port, feeds=f'[gathering]\nallow_hosts = ["127.0.0.1"]\n{parts}'
    )
    gathered = room.run("gather", now=EIGHT).said
    assert "500 Internal Server Error. Next look: 18 Feb 13:05 UTC." in gathered
    assert "odd refused: item 2: it has no link" in gathered and "odd refused: 2 more" in gathered
    assert "odd repaired: item 1: it gives no date, so the first sight counts" in gathered
    assert "Next look: 18 Feb 13:05 UTC." in room.run("feeds", "list", now=EIGHT).said
    assert "(1 times; next look 18 Feb 13:05 UTC)" in room.run("status", now=EIGHT).said
    tried = room.run("feeds", "try", odd, now=EIGHT).said
    assert "One (no picture, summary, date)" in tried and "1 of 1 have no summary" in tried
    assert "it gives no date" in room.run("articles", "show", "1", now=EIGHT).said

    page = feeds.on("/page", b"<title>From its page</title><meta name=description content='Seen.'>")
    added = room.run("articles", "add", page, "--section", "Town", "--json", now=EIGHT).json["article"]
    assert (added["title"], added["summary"], added["by_hand"]) == ("From its page", "Seen.", "section")
    untitled = room.run("articles", "add", feeds.on("/none", b"<p>"), "--json", now=EIGHT)
    assert (untitled.code, untitled.json["next_step"]) == (2, "say it with --title")


# What is read in a process of its own, so that its memory can be told
MEASURE = """
import json, resource, sys, time
from datetime import UTC, datetime
from newsletter.feeds.parse import parse
document = open(sys.argv[1], "rb").read()
parse(b'<rss version="2.0"><channel/></rss>', base="https://p.example/", now=datetime.now(UTC))
before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
try:
    parsed = parse(document, base="https://p.example/", now=datetime.now(UTC))
    drafts = len(parsed.drafts)
except Exception as error:
    drafts = type(error).__name__
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps({"seconds": time.process_time() - started, "megabytes": grown / 1024, "drafts": drafts}))
"""
FILL = 4_900_000
HEAVY = {
    "items": rss(*["<title>Many</title><link>/m</link>"] * 100_000)[:FILL],
    **{
        name: rss(item("/x", sign * (FILL // len(sign))))
        for name, sign in {
            "brackets": "<", "ampersands": "&", "numbers": "&#", "parentheses": "((((", "at-signs": "a@",
            "spaces": " ", "comments": "<!--", "cdata": "<![CDATA[", "closed": "</", "escaped": "&lt;",
        }.items()
    },
    "nested-tags": rss(item("/x", "<a>" * 190_000)),
    "one-attribute": rss(item("/x", f"<a b='{'x' * FILL}'>")),
    "json": b'{"version":"https://jsonfeed.org/version/1.1","items":[' + b"{}," * 1_600_000 + b"{}]}",
}  # fmt: skip


@pytest.mark.parametrize("kind", HEAVY)
def test_no_feed_takes_long_or_much(tmp_path: Path, kind: str) -> None:
    (tmp_path / "feed").write_bytes(HEAVY[kind])
    told = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path / "feed")], capture_output=True, text=True, check=True
    )
    cost = json.loads(told.stdout)
    assert cost["seconds"] < 10 and cost["megabytes"] < 100, cost
