"""A round is polite: one thing at a time of each host, a pause between, and patience with who fails."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler

import pytest

from newsletter.clock import monotonic
from newsletter.config import FeedSource, FeedUse, Gathering, NewsletterSettings
from newsletter.feeds import rounds
from newsletter.feeds.rounds import Ask, bring_all, is_due, last_looks
from newsletter.models import Feed
from tests.feeds.server import Server

NOW = datetime(2026, 2, 18, 13, 0, tzinfo=UTC)  # 8:00 in New York
EVERY = timedelta(minutes=5)
FEED = b'<rss version="2.0"><channel><title>T</title></channel></rss>'
FOREIGN = Gathering(allow_hosts=("127.0.0.0/8",), host_pause=0.15, timeout=5)  # by network: not named as ours


class Watch:
    """A feed that knows when it was asked, and how many were asked at once."""

    def __init__(self) -> None:
        self.moments: list[float] = []
        self.inside = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        with self._lock:
            self.moments.append(monotonic())
            self.inside += 1
            self.most = max(self.most, self.inside)
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(FEED)))
        handler.end_headers()
        with self._lock:
            self.inside -= 1
        handler.wfile.write(FEED)


def asks(server: Server, watch: Watch, count: int) -> list[Ask]:
    urls = [server.script(f"/f{n}", watch) for n in range(count)]
    return [Ask(FeedSource(name=f"f{n}", url=url)) for n, url in enumerate(urls)]


def test_one_host_is_asked_one_thing_at_a_time_with_a_pause(server: Server) -> None:
    watch = Watch()
    arrived = list(bring_all(asks(server, watch, 4), FOREIGN, NOW))
    assert [arrival.trouble for arrival in arrived] == [""] * 4
    gaps = [later - earlier for earlier, later in zip(watch.moments, watch.moments[1:], strict=False)]
    assert watch.most == 1 and min(gaps) >= 0.15


def test_our_own_hosts_need_no_pause(server: Server) -> None:
    watch = Watch()
    ours = FOREIGN.model_copy(update={"allow_hosts": ("127.0.0.1",), "host_pause": 60.0})
    started = monotonic()
    assert len(list(bring_all(asks(server, watch, 4), ours, NOW))) == 4
    assert monotonic() - started < 20


def test_who_stops_listening_waits_for_no_pause(server: Server) -> None:
    watch = Watch()
    slow = FOREIGN.model_copy(update={"host_pause": 60.0})
    arrivals = bring_all(asks(server, watch, 3), slow, NOW)
    started = monotonic()
    next(iter(arrivals))
    arrivals.close()  # type: ignore[attr-defined]
    assert (len(watch.moments), monotonic() - started < 20) == (1, True)


def test_what_we_stumble_over_costs_one_feed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = asks(server, Watch(), 2)
    real = rounds.read

    def stumble(fetched: rounds.Fetched, *rest: object) -> object:
        if fetched.final_url.endswith("f0"):
            raise ZeroDivisionError
        return real(fetched, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(rounds, "read", stumble)
    told = {arrival.name: arrival.trouble for arrival in bring_all(sources, FOREIGN, NOW)}
    assert told == {"f0": "The feed cannot be read: ZeroDivisionError.", "f1": ""}


@pytest.mark.parametrize(
    ("failures", "minutes"), [(0, 5), (1, 10), (2, 20), (5, 160), (7, 360), (10_000, 360)]
)
def test_a_feed_that_fails_is_left_alone_twice_as_long_each_time(
    server: Server, failures: int, minutes: int
) -> None:
    source = FeedSource(name="f", url=server.on("/f", status=500))
    (arrival,) = bring_all([Ask(source, failures=failures)], FOREIGN, NOW)
    assert (arrival.wait, arrival.fetched) == (timedelta(minutes=minutes), None)


@pytest.mark.parametrize(("wanted", "wait"), [("7200", 7_200), ("60", 300), ("999999", 86_400)])
def test_a_server_may_ask_for_more_patience_and_no_less(server: Server, wanted: str, wait: int) -> None:
    source = FeedSource(name="f", url=server.on("/f", status=429, Retry_After=wanted))
    (arrival,) = bring_all([Ask(source)], FOREIGN, NOW)
    assert arrival.wait == timedelta(seconds=wait)


def feed(fetched_at: datetime | None, retry_at: datetime | None = None) -> Feed:
    return Feed(name="f", url="https://post.example/", fetched_at=fetched_at, retry_at=retry_at)


def test_when_a_feed_is_due() -> None:
    assert is_due(None, None, EVERY, NOW) and is_due(feed(None), None, EVERY, NOW)
    assert is_due(feed(NOW - EVERY), None, EVERY, NOW)
    assert not is_due(feed(NOW - EVERY + timedelta(seconds=1)), None, EVERY, NOW)
    assert not is_due(feed(NOW - EVERY, NOW + timedelta(hours=1)), None, EVERY, NOW)
    assert is_due(feed(NOW - EVERY, NOW), None, EVERY, NOW)
    a_clock_moved_back = feed(NOW + timedelta(days=1), NOW + timedelta(days=2))
    assert is_due(a_clock_moved_back, None, EVERY, NOW)


def test_the_last_look_is_due_once_whatever_else_is_said() -> None:
    moment = NOW - timedelta(seconds=30)
    asked_before = feed(NOW - timedelta(minutes=1), NOW + timedelta(hours=5))
    assert is_due(asked_before, moment, EVERY, NOW)
    assert not is_due(asked_before, NOW + timedelta(seconds=1), EVERY, NOW)
    assert not is_due(feed(NOW - timedelta(seconds=10)), moment, EVERY, NOW)


def test_last_looks_are_before_the_cut_off_of_whoever_closes_first() -> None:
    def daily(slug: str, cutoff: int, *uses: str) -> NewsletterSettings:
        return NewsletterSettings(
            slug=slug, name=slug, from_address="n@post.example", postal_address="Here", cutoff=cutoff,
            feeds=tuple(FeedUse(use=use) for use in uses),
        )  # fmt: skip

    looks = last_looks([daily("a", 1800, "one", "two"), daily("b", 3600, "two")], NOW)
    assert looks == {
        "one": datetime(2026, 2, 18, 13, 27, tzinfo=UTC), "two": datetime(2026, 2, 18, 12, 57, tzinfo=UTC),
    }  # fmt: skip
