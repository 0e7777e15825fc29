"""From feeds and files into the pool: what came, what was refused, and what is wrong with a feed.

Feeds are fetched and read side by side, four at a time, and stored one after the other, each in a
short transaction of its own: a broken feed costs nobody but itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import Session

from newsletter.config import FeedSource
from newsletter.errors import FetchFailed, Misuse
from newsletter.feeds import files
from newsletter.feeds.clean import canonical, web_address
from newsletter.feeds.fetch import Fetched, FetchStatus, fetch
from newsletter.feeds.parse import Parsed, parse
from newsletter.models import Article, Feed
from newsletter.runtime import Runtime
from newsletter.store import articles
from newsletter.store.articles import Counts, SeenIn
from newsletter.store.feeds import record_success, record_trouble, sync_feeds
from newsletter.store.history import note
from newsletter.values import ArticleDraft, Refusal

FETCHES_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class FeedReport:
    """How gathering from one feed went; `trouble` is a sentence, empty when all went well."""

    feed: str
    url: str
    counts: Counts = field(default_factory=Counts)
    refused: tuple[Refusal, ...] = ()
    not_modified: bool = False
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """What a feed would bring; nothing was stored."""

    final_url: str
    title: str
    drafts: tuple[ArticleDraft, ...]
    refused: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What a file brought (`stored`), or would have: in a dry run, or when a line was refused."""

    counts: Counts
    refused: tuple[Refusal, ...]
    stored: bool


@dataclass(frozen=True, slots=True)
class ArticleStory:
    """An article, and the feeds that carry it in the order in which they brought it."""

    article: Article
    seen_in: tuple[SeenIn, ...]


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """A configured feed, and how it fared; `state` is None before it was ever looked at."""

    source: FeedSource
    state: Feed | None


# ── feeds ───────────────────────────────────────────────────────────────────────────────────────


def gather(
    runtime: Runtime,
    now: datetime,
    *,
    names: Collection[str] | None = None,
    on_feed: Callable[[FeedReport], None] | None = None,
) -> tuple[FeedReport, ...]:
    """Fetch the named feeds, or all, and bring what is new into the pool.

    `on_feed` hears of each as it is done; the answer is in the order of the configuration. Raises
    Misuse for a name that is no feed's, StoreFailed when the store does not answer; trouble with a
    feed is told in its report.
    """
    sources = _named(runtime, names)
    with runtime.database.writing() as session:
        sync_feeds(session, runtime.settings.feeds)
        states = _states(session)
    reports: dict[str, FeedReport] = {}
    with ThreadPoolExecutor(FETCHES_AT_ONCE, thread_name_prefix="gather") as threads:
        coming = {
            threads.submit(_bring, runtime, source, states[source.name], now): source for source in sources
        }
        try:
            for done in as_completed(coming):
                source = coming[done]
                report = reports[source.name] = _keep(runtime, states[source.name], done.result(), now)
                if on_feed:
                    on_feed(report)
        finally:
            # Whoever interrupts waits for at most the fetches that have begun
            threads.shutdown(cancel_futures=True)
    return tuple(reports[source.name] for source in sources)


def gather_due(
    runtime: Runtime, now: datetime, *, on_feed: Callable[[FeedReport], None] | None = None
) -> tuple[FeedReport, ...]:
    """Gather from those feeds that were not looked at within the last `[gathering] every` seconds."""
    with runtime.database.reading() as session:
        states = _states(session)
    due = [source.name for source in runtime.settings.feeds if _is_due(runtime, states.get(source.name), now)]
    return gather(runtime, now, names=due, on_feed=on_feed) if due else ()


def try_feed(runtime: Runtime, url: str, now: datetime) -> Trial:
    """What the feed at `url` would bring now. Raises FetchFailed with the reason when nothing."""
    fetched = fetch(url, settings=runtime.settings.gathering)
    parsed = _read(runtime, fetched, "", now)
    return Trial(fetched.final_url, parsed.title, parsed.drafts, parsed.refused)


def list_feeds(runtime: Runtime) -> tuple[FeedHealth, ...]:
    with runtime.database.reading() as session:
        states = _states(session)
    return tuple(FeedHealth(source, states.get(source.name)) for source in runtime.settings.feeds)


def _states(session: Session) -> Mapping[str, Feed]:
    return {feed.name: feed for feed in articles.feeds(session)}


def _named(runtime: Runtime, names: Collection[str] | None) -> Sequence[FeedSource]:
    sources = runtime.settings.feeds
    unknown = sorted(set(names or ()) - {source.name for source in sources})
    if unknown:
        known = ", ".join(source.name for source in sources) or "none yet"
        raise Misuse(
            f"There is no feed {unknown[0]!r}; the configuration has: {known}.",
            next_step="add a [[feeds]] part to the configuration, or correct the name",
        )
    return [source for source in sources if names is None or source.name in names]


def _is_due(runtime: Runtime, state: Feed | None, now: datetime) -> bool:
    if state is None or state.fetched_at is None:
        return True
    # A clock that was moved back must not silence a feed until it catches up
    since = now - state.fetched_at
    return not timedelta(0) <= since < timedelta(seconds=runtime.settings.gathering.every)


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A feed as it came in. Without `parsed` it had not changed; with `trouble` it did not come."""

    fetched: Fetched | None = None
    parsed: Parsed | None = None
    trouble: str = ""


def _bring(runtime: Runtime, source: FeedSource, state: Feed, now: datetime) -> _Arrival:
    try:
        fetched = fetch(
            source.url,
            settings=runtime.settings.gathering,
            etag=state.etag,
            last_modified=state.last_modified,
        )
        if fetched.status is FetchStatus.NOT_MODIFIED:
            return _Arrival(fetched)
        return _Arrival(fetched, _read(runtime, fetched, source.language, now))
    except FetchFailed as error:
        return _Arrival(trouble=" → ".join(part for part in (error.sentence, error.next_step) if part))


def _read(runtime: Runtime, fetched: Fetched, language: str, now: datetime) -> Parsed:
    return parse(
        fetched.body,
        base=fetched.final_url,
        now=now,
        content_type=fetched.content_type,
        language=language,
        max_items=runtime.settings.gathering.max_items,
    )


def _keep(runtime: Runtime, feed: Feed, arrival: _Arrival, now: datetime) -> FeedReport:
    report = FeedReport(feed.name, feed.url, trouble=arrival.trouble)
    with runtime.database.writing() as session:
        if arrival.fetched is None:
            record_trouble(session, feed, now, arrival.trouble)
            return report
        if arrival.parsed is None:
            record_success(session, feed, now, etag=feed.etag, last_modified=feed.last_modified)
            return replace(report, not_modified=True)
        counts = articles.upsert_drafts(session, arrival.parsed.drafts, feed.id, now)
        record_success(
            session, feed, now, etag=arrival.fetched.etag, last_modified=arrival.fetched.last_modified
        )
        return replace(report, counts=counts, refused=arrival.parsed.refused)


# ── files and single articles ───────────────────────────────────────────────────────────────────


def import_articles(runtime: Runtime, path: Path, now: datetime, *, dry_run: bool = False) -> ImportReport:
    """Bring a file of articles into the pool, all of it or, when a line is refused, nothing.

    Raises Misuse when the file cannot be read.
    """
    drafts, refused = files.read_file(path)
    stored = not dry_run and not refused
    with runtime.database.writing() as session:
        counts = articles.upsert_drafts(session, drafts, None, now)
        if not stored:
            session.rollback()
    return ImportReport(counts, refused, stored)


def add_article(runtime: Runtime, draft: ArticleDraft, now: datetime) -> Article:
    """Add an article, or change the one at its address; `files.draft_of` makes a draft from raw fields."""
    with runtime.database.writing() as session:
        articles.upsert_drafts(session, [draft], None, now)
        return _article(session, draft.url)


def list_articles(runtime: Runtime, *, limit: int = 50, feed: str = "") -> Sequence[Article]:
    """The latest arrivals, newest first; only those of one feed when it is named."""
    with runtime.database.reading() as session:
        return articles.newest(session, limit, feed=feed)


def show_article(runtime: Runtime, which: str) -> ArticleStory:
    """An article by number or address. Raises Misuse when there is none."""
    with runtime.database.reading() as session:
        article = _article(session, which)
        return ArticleStory(article, articles.seen_in(session, article.id or 0))


def hide(runtime: Runtime, which: str, now: datetime, *, who: str, why: str = "") -> bool:
    """Keep an article out of every draft; False when it was hidden before. Raises Misuse for none."""
    return _set_hidden(runtime, which, now, "hid", who, why)


def unhide(runtime: Runtime, which: str, now: datetime, *, who: str, why: str = "") -> bool:
    """Let a hidden article be chosen again; False when it was not hidden. Raises Misuse for none."""
    return _set_hidden(runtime, which, now, "unhid", who, why)


def _set_hidden(runtime: Runtime, which: str, now: datetime, act: str, who: str, why: str) -> bool:
    with runtime.database.writing() as session:
        number = _article(session, which).id or 0
        changed = articles.set_hidden(session, number, now if act == "hid" else None)
        if changed:
            note(session, now, who, act, "article", number, why)
        return changed


def _article(session: Session, which: str) -> Article:
    key = _key(which)
    article = None if key is None else articles.find(session, key)
    if article is None:
        raise Misuse(f"There is no article {which[:200]!r}.", next_step="newsletter articles list")
    return article


def _key(which: str) -> int | str | None:
    """A number or a canonical address; None for what cannot be either."""
    if which.isascii() and which.isdigit() and len(which) < 19:
        return int(which)
    address = web_address(which)
    return canonical(address) if address else None
