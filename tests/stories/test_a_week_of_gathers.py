"""A week of looking at feeds every five minutes, while nothing happens, leaves nothing behind.

One server knows conditional requests, one only dates, and one knows neither and sends everything each
time. Whichever it is, the pool, the store's file and the process stay as they were after the first day.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from newsletter.clock import Clock
from newsletter.config import FeedSource, Gathering, Settings
from newsletter.runtime import Runtime
from newsletter.services.gathering import gather_due, list_articles
from newsletter.store.database import Database
from newsletter.store.incoming import Counts
from tests.feeds.server import Server
from tests.newsroom import at

A_WEEK = 2_100  # looks, five minutes apart
EVERY = timedelta(minutes=5)
START = at("08:00")
CHANGED_AT = "Wed, 18 Feb 2026 12:00:00 GMT"


def feed(name: str) -> bytes:
    items = "".join(
        f"<item><title>{name} {n}</title><link>https://post.example/{name}/{n}</link>"
        f"<pubDate>{format_datetime(START - timedelta(hours=n))}</pubDate></item>"
        for n in range(20)
    )
    # Two that tempt to change at every look: one without a date, and one whose date is still to come
    items += f"<item><title>{name} undated</title><link>https://post.example/{name}/u</link></item>"
    items += (
        f"<item><title>{name} to come</title><link>https://post.example/{name}/f</link>"
        "<pubDate>Thu, 01 Jan 2099 00:00:00 GMT</pubDate></item>"
    )
    return f'<rss version="2.0"><channel>{items}</channel></rss>'.encode()


class Bodies:
    """Serves a feed by the book, and counts the bodies that it had to send."""

    def __init__(self, body: bytes, **validator: str) -> None:
        self.body, self.validator, self.sent, self.asked = body, validator, 0, 0

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked += 1
        wanted = (handler.headers["If-None-Match"], handler.headers["If-Modified-Since"])
        known = bool(self.validator) and any(value in wanted for value in self.validator.values())
        self.sent += not known
        handler.send_response(304 if known else 200)
        for name, value in self.validator.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0" if known else str(len(self.body)))
        handler.end_headers()
        if not known:
            handler.wfile.write(self.body)


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_week_without_news_leaves_nothing_behind(
    database: Database, server: Server, tmp_path: Path, soak: bool
) -> None:
    bodies = {
        "tags": Bodies(feed("tags"), ETag='W/"v1"'),
        "dates": Bodies(feed("dates"), Last_Modified=CHANGED_AT),
        "neither": Bodies(feed("neither")),
    }
    sources = tuple(
        FeedSource(name=name, url=server.script(f"/{name}", each)) for name, each in bodies.items()
    )
    settings = Settings(gathering=Gathering(allow_hosts=("127.0.0.1",)), feeds=sources)
    runtime = Runtime(settings, tmp_path, Clock(START), database)
    looks = A_WEEK if soak else 60
    warm = looks // 5
    tracemalloc.start(1)
    try:
        seen = [sum_up(runtime, look, server) for look in range(warm)]
        before = weigh(runtime)
        seen += [sum_up(runtime, look, server) for look in range(warm, looks)]
        after = weigh(runtime)
    finally:
        tracemalloc.stop()
    assert seen[0] == Counts(new=66)
    assert set(seen[1:]) == {Counts(unchanged=22)}, "the server that knows nothing sends its 22 again"
    assert {name: (each.asked, each.sent) for name, each in bodies.items()} == {
        "tags": (looks, 1), "dates": (looks, 1), "neither": (looks, looks),
    }  # fmt: skip
    assert after[:2] == before[:2], "neither articles nor rows"
    assert after[2] - before[2] < 300_000, "bytes of memory"
    assert after[3] - before[3] < 200_000, "bytes of the store"


def sum_up(runtime: Runtime, look: int, server: Server) -> Counts:
    reports = gather_due(runtime, START + look * EVERY)
    assert [report.trouble for report in reports] == [""] * 3
    server.seen.clear()
    counts = [report.counts for report in reports]
    return Counts(
        sum(each.new for each in counts), sum(each.updated for each in counts),
        sum(each.unchanged for each in counts),
    )  # fmt: skip


def weigh(runtime: Runtime) -> tuple[int, int, int, int]:
    """Articles, who carries them, bytes in memory, and bytes of the store's file."""
    gc.collect()
    with runtime.database.reading() as session:
        connection = session.connection()
        carried = connection.exec_driver_sql("SELECT count(*) FROM article_feed").scalar_one()
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    articles = len(list_articles(runtime, limit=1_000))
    return articles, carried, tracemalloc.get_traced_memory()[0], pages * 4096
