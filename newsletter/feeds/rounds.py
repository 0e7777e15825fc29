"""One round of looking at feeds: who is asked and when, side by side, and politely apart.

Four hosts are asked at a time, and each of them one thing at a time, with a pause between. Whatever a
feed makes of us costs only itself: it arrives with its trouble, and the others arrive without.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from queue import SimpleQueue
from threading import Event
from urllib.parse import urlsplit

from newsletter import logs
from newsletter.config import FeedSource, Gathering, NewsletterSettings
from newsletter.errors import FetchFailed
from newsletter.feeds.fetch import Busy, Fetched, FetchStatus, fetch
from newsletter.feeds.parse import Parsed, parse
from newsletter.models import Feed
from newsletter.schedule import next_due

AT_ONCE = 4
LAST_LOOK = timedelta(minutes=3)  # before a cut-off, so that even slow feeds are home when it closes
LONGEST_WAIT = timedelta(hours=6)  # between two looks at a feed that keeps failing
MOST_PATIENCE = timedelta(days=1)  # that a server may ask for

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Ask:
    """A feed that is to be looked at, and what was last known of it."""

    source: FeedSource
    etag: str = ""
    last_modified: str = ""
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Arrival:
    """A feed as it came in. Without `parsed` it had not changed; with `trouble` it did not come, and
    `wait` is how long to leave it alone."""

    name: str
    fetched: Fetched | None = None
    parsed: Parsed | None = None
    trouble: str = ""
    wait: timedelta = timedelta(0)


def last_looks(newsletters: Iterable[NewsletterSettings], now: datetime) -> Mapping[str, datetime]:
    """For each feed that is used, the moment shortly before the cut-off of the edition that is next."""
    moments: dict[str, datetime] = {}
    for newsletter in newsletters:
        moment = next_due(newsletter, now).at - timedelta(seconds=newsletter.cutoff) - LAST_LOOK
        for use in newsletter.feeds:
            moments[use.use] = min(moment, moments.get(use.use, moment))
    return moments


def is_due(state: Feed | None, last_look: datetime | None, every: timedelta, now: datetime) -> bool:
    """Whether a feed's time has come: `every` after the last look, later for one that fails."""
    if state is None or state.fetched_at is None:
        return True
    # A clock that was moved back must not silence a feed until it catches up
    if state.fetched_at > now or (last_look and state.fetched_at < last_look <= now):
        return True
    return now >= (state.retry_at or state.fetched_at + every)


def bring_all(asks: Sequence[Ask], settings: Gathering, now: datetime) -> Iterator[Arrival]:
    """Each feed as it arrives. Whoever stops listening waits for at most the fetches that have begun."""
    arrivals: SimpleQueue[Arrival] = SimpleQueue()
    stop = Event()

    def walk(line: Sequence[Ask]) -> None:
        for number, ask in enumerate(line):
            if stop.wait(settings.host_pause if number else 0):
                return
            arrivals.put(_bring(ask, settings, now))

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="gather") as threads:
        try:
            for line in _lines(asks, settings.allow_hosts):
                threads.submit(walk, line)
            for _ in asks:
                yield arrivals.get()
        finally:
            stop.set()
            threads.shutdown(cancel_futures=True)


def read(fetched: Fetched, settings: Gathering, language: str, now: datetime) -> Parsed:
    """What is in a document that came. Raises FetchFailed for what is no feed."""
    return parse(
        fetched.body,
        base=fetched.final_url,
        now=now,
        content_type=fetched.content_type,
        language=language,
        max_items=settings.max_items,
    )


def _lines(asks: Sequence[Ask], own: Collection[str]) -> Iterator[list[Ask]]:
    """The feeds of one host wait for each other; those of hosts that the operator named need not."""
    named = {host.lower().strip("[]") for host in own}
    lines: dict[str, list[Ask]] = {}
    for ask in asks:
        host = urlsplit(ask.source.url).hostname or ""
        lines.setdefault(ask.source.name if host in named else f"//{host}", []).append(ask)
    yield from lines.values()


def _bring(ask: Ask, settings: Gathering, now: datetime) -> Arrival:
    name = ask.source.name
    asked = timedelta(0)
    try:
        fetched = fetch(ask.source.url, settings=settings, etag=ask.etag, last_modified=ask.last_modified)
        if fetched.status is FetchStatus.NOT_MODIFIED:
            return Arrival(name, fetched)
        return Arrival(name, fetched, read(fetched, settings, ask.source.language, now))
    except FetchFailed as error:
        trouble = " → ".join(part for part in (error.sentence, error.next_step) if part)
        if isinstance(error, Busy):
            asked = timedelta(seconds=error.seconds)
    except Exception as error:  # the others must arrive, whatever one of them made us stumble over
        log.exception("feed_unreadable", feed=name)
        trouble = f"The feed cannot be read: {type(error).__name__}."
    every = timedelta(seconds=settings.every)
    return Arrival(name, trouble=trouble, wait=max(_patience(ask.failures, every), min(asked, MOST_PATIENCE)))


def _patience(failures: int, every: timedelta) -> timedelta:
    """Twice as long each time, after so many failures before this one."""
    doubled: timedelta = every * 2 ** min(failures, 16)
    return max(every, min(doubled, LONGEST_WAIT))
