"""From feeds, pages and files into the pool: what came, what was refused, and what is wrong with a feed.

Feeds are fetched and read side by side and stored one after the other, each in a short transaction of
its own: a broken feed costs nobody but itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from shlex import quote

from sqlmodel import Session

from newsletter.config import FeedSource
from newsletter.errors import FetchFailed, Misuse
from newsletter.feeds import files, rounds
from newsletter.feeds.clean import canonical, web_address
from newsletter.feeds.fetch import fetch
from newsletter.feeds.page import feeds_of, read_page
from newsletter.feeds.rounds import Arrival, Ask
from newsletter.models import Article, Feed
from newsletter.runtime import Runtime
from newsletter.store import articles
from newsletter.store.articles import SeenIn
from newsletter.store.feeds import record_success, record_trouble, sync_feeds
from newsletter.store.history import note
from newsletter.store.incoming import Counts, upsert_drafts
from newsletter.values import ArticleDraft, Refusal


@dataclass(frozen=True, slots=True)
class FeedReport:
    """How gathering from one feed went; `trouble` is a sentence, empty when all went well.

    `repaired` are dates that were mended, each a sentence; `retry_at` is when a feed in trouble is
    looked at again.
    """

    feed: str
    url: str
    counts: Counts = field(default_factory=Counts)
    refused: tuple[Refusal, ...] = ()
    repaired: tuple[str, ...] = ()
    not_modified: bool = False
    trouble: str = ""
    retry_at: datetime | None = None


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
    asks = [_ask(source, states[source.name]) for source in sources]
    reports: dict[str, FeedReport] = {}
    for arrival in rounds.bring_all(asks, runtime.asking, now):
        report = reports[arrival.name] = _keep(runtime, states[arrival.name], arrival, now)
        if on_feed:
            on_feed(report)
    return tuple(reports[source.name] for source in sources)


def gather_due(
    runtime: Runtime, now: datetime, *, on_feed: Callable[[FeedReport], None] | None = None
) -> tuple[FeedReport, ...]:
    """Gather from the feeds whose time has come.

    That is `[gathering] every` seconds after the last look, later for one that fails, and always
    shortly before the cut-off of a newsletter that uses it.
    """
    with runtime.database.reading() as session:
        states = _states(session)
    every = timedelta(seconds=runtime.settings.gathering.every)
    last_looks = rounds.last_looks(runtime.settings.newsletters, now)
    names = [source.name for source in runtime.settings.feeds]
    due = [name for name in names if rounds.is_due(states.get(name), last_looks.get(name), every, now)]
    return gather(runtime, now, names=due, on_feed=on_feed) if due else ()


def try_feed(runtime: Runtime, url: str, now: datetime) -> Trial:
    """What the feed at `url` would bring now. Raises FetchFailed with the reason when nothing."""
    settings = runtime.asking
    fetched = fetch(url, settings=settings)
    try:
        parsed = rounds.read(fetched, settings, "", now)
    except FetchFailed as error:
        named = feeds_of(fetched.body, base=fetched.final_url, content_type=fetched.content_type)
        if not named:
            raise
        raise FetchFailed(error.sentence, next_step=f"newsletter feeds try {quote(named[0])}") from error
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


def _ask(source: FeedSource, state: Feed) -> Ask:
    return Ask(source, etag=state.etag, last_modified=state.last_modified, failures=state.failures)


def _keep(runtime: Runtime, feed: Feed, arrival: Arrival, now: datetime) -> FeedReport:
    report = FeedReport(feed.name, feed.url)
    with runtime.database.writing() as session:
        if arrival.fetched is None:
            retry_at = now + arrival.wait
            record_trouble(session, feed, now, arrival.trouble, retry_at)
            return replace(report, trouble=arrival.trouble, retry_at=retry_at)
        if arrival.parsed is None:
            record_success(session, feed, now, etag=feed.etag, last_modified=feed.last_modified)
            return replace(report, not_modified=True)
        drafts = arrival.parsed.drafts
        counts = upsert_drafts(session, drafts, feed.id, now)
        record_success(
            session, feed, now, etag=arrival.fetched.etag, last_modified=arrival.fetched.last_modified
        )
    repaired = tuple(f"item {draft.rank + 1}: {draft.date_note}" for draft in drafts if draft.date_note)
    return replace(report, counts=counts, refused=arrival.parsed.refused, repaired=repaired)


# ── files and single articles ───────────────────────────────────────────────────────────────────


def import_articles(runtime: Runtime, path: Path, now: datetime, *, dry_run: bool = False) -> ImportReport:
    """Bring a file of articles into the pool, all of it or, when a line is refused, nothing.

    Raises Misuse when the file cannot be read.
    """
    drafts, refused = files.read_file(path)
    stored = not dry_run and not refused
    with runtime.database.writing() as session:
        counts = upsert_drafts(session, drafts, None, now)
        if not stored:
            session.rollback()
    return ImportReport(counts, refused, stored)


def add_article(runtime: Runtime, draft: ArticleDraft, now: datetime) -> Article:
    """Add an article, or change the one at its address; `files.draft_of` makes a draft from raw fields."""
    with runtime.database.writing() as session:
        upsert_drafts(session, [draft], None, now)
        return _article(session, draft.url)


def add_by_address(runtime: Runtime, url: str, given: files.Fields, now: datetime) -> Article:
    """Add the article at `url` with what its page says of itself, or fill what is empty of one we have.

    `given` are raw fields of a person's own, which win over the page and over every feed. Raises
    FetchFailed when the page does not come, Misuse for a field that is wrong or a page without a title.
    """
    fetched = fetch(url, settings=runtime.asking)
    told = read_page(fetched.body, base=fetched.final_url, now=now, content_type=fetched.content_type)
    if not told.get("title") and not given.get("title"):
        raise Misuse("The page names no title.", next_step="say it with --title")
    # A page's picture and its size belong together, and so do a person's
    ours = {
        name: value
        for name, value in told.items()
        if not (name.startswith("picture") and "picture_url" in given)
    }
    draft = files.draft_of({**ours, **given, "url": told["url"]})
    with runtime.database.writing() as session:
        upsert_drafts(session, [draft], None, now, given=given.keys())
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
