"""The pool: every article under its canonical address, and which feeds carry it.

Who brought an article first owns its words: a feed that carries it too only fills what is empty, so
two feeds that word it differently do not change it back and forth at every gathering.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, or_, update
from sqlmodel import Session, col, select

from newsletter.config import FeedUse
from newsletter.models import Article, ArticleFeed, ArticleKind, Feed
from newsletter.store.dialect import insert_for
from newsletter.values import ArticleDraft, Candidate, CarriedBy, Picture

T = TypeVar("T")
_AT_ONCE = 500  # addresses in one statement


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of a feed's or a file's drafts."""

    new: int = 0
    updated: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class SeenIn:
    """That a feed carries an article, since when, and where it stood when last seen."""

    feed: str
    guid: str
    rank: int
    length: int
    first_seen_at: datetime
    last_seen_at: datetime


# ── coming in ───────────────────────────────────────────────────────────────────────────────────


def upsert_drafts(
    session: Session, drafts: Sequence[ArticleDraft], feed_id: int | None, now: datetime
) -> Counts:
    """Bring drafts of distinct addresses into the pool, from a feed or (None) from a hand.

    A draft without a date counts as published when it is first seen. A blank never erases what was
    known, and nothing here brings a hidden article back.
    """
    # One order for everybody: two processes that store the same articles then cannot deadlock
    ordered = sorted(drafts, key=lambda draft: draft.url)
    known = _by_address(session, [draft.url for draft in ordered])
    foreign = _not_owned(session, known.values(), feed_id)
    changes = []
    for draft in ordered:
        article = known.get(draft.url)
        if article and (changed := _changes(article, draft, fill_only=article.id in foreign)):
            changes.append({"id": article.id, **changed, "updated_at": now})
    fresh = [_row(draft, now) for draft in ordered if draft.url not in known]
    if fresh:
        session.execute(insert_for(session)(Article).on_conflict_do_nothing(index_elements=["url"]), fresh)
    for change in changes:
        session.execute(update(Article).where(col(Article.id) == change.pop("id")).values(**change))
    if feed_id is not None:
        _carry(session, ordered, known, feed_id, now)
    return Counts(len(fresh), len(changes), len(ordered) - len(fresh) - len(changes))


def _by_address(session: Session, addresses: Sequence[str]) -> dict[str, Article]:
    found: dict[str, Article] = {}
    for some in _chunks(addresses):
        rows = session.exec(select(Article).where(col(Article.url).in_(some)))
        found |= {article.url: article for article in rows}
    return found


def _not_owned(session: Session, articles: Collection[Article], feed_id: int | None) -> frozenset[int]:
    """Ids of those articles that somebody else than this feed brought first; a hand owns them all."""
    if feed_id is None:
        return frozenset()
    ids = {article.id: article.first_seen_at for article in articles if article.id is not None}
    first: dict[int, tuple[datetime, int]] = {}
    for some in _chunks(sorted(ids)):
        for row in session.exec(select(ArticleFeed).where(col(ArticleFeed.article_id).in_(some))):
            claim = (row.first_seen_at, row.feed_id)
            first[row.article_id] = min(first.get(row.article_id, claim), claim)
    return frozenset(number for number, seen in ids.items() if first.get(number) != (seen, feed_id))


def _words(draft: ArticleDraft) -> dict[str, Any]:
    return {
        "kind": draft.kind, "title": draft.title, "summary": draft.summary, "byline": draft.byline,
        "section": draft.section, "language": draft.language, "duration": draft.duration, "html": draft.html,
        "published_at": draft.published_at,
    }  # fmt: skip


def _picture(picture: Picture) -> dict[str, Any]:
    return {
        "picture_url": picture.url, "picture_width": picture.width, "picture_height": picture.height,
        "picture_alt": picture.alt,
    }  # fmt: skip


def _row(draft: ArticleDraft, now: datetime) -> dict[str, Any]:
    return {
        **_words(draft), **_picture(draft.picture or Picture(url="")), "url": draft.url,
        "published_at": draft.published_at or now, "first_seen_at": now, "updated_at": now,
    }  # fmt: skip


def _changes(article: Article, draft: ArticleDraft, *, fill_only: bool) -> dict[str, Any]:
    """The columns that the draft changes. A picture's address, size and words change together."""
    told = {
        name: value
        for name, value in _words(draft).items()
        if value and not (fill_only and getattr(article, name))
    }
    if draft.picture and not (fill_only and article.picture_url):
        told |= _picture(draft.picture)
    return {name: value for name, value in told.items() if getattr(article, name) != value}


def _carry(
    session: Session,
    drafts: Sequence[ArticleDraft],
    known: Mapping[str, Article],
    feed_id: int,
    now: datetime,
) -> None:
    ids = {url: article.id for url, article in known.items()}
    made = _by_address(session, [draft.url for draft in drafts if draft.url not in ids])
    ids |= {url: article.id for url, article in made.items()}
    rows = [
        {
            "article_id": ids[draft.url], "feed_id": feed_id, "guid": draft.guid, "rank": draft.rank,
            "length": draft.length, "first_seen_at": now, "last_seen_at": now,
        }
        for draft in drafts
    ]  # fmt: skip
    if not rows:
        return
    insert = insert_for(session)(ArticleFeed)
    latest = {name: insert.excluded[name] for name in ("guid", "rank", "length", "last_seen_at")}
    session.execute(insert.on_conflict_do_update(index_elements=["article_id", "feed_id"], set_=latest), rows)


# ── going out ───────────────────────────────────────────────────────────────────────────────────


def pool(session: Session, uses: Iterable[FeedUse], *, published_after: datetime) -> tuple[Candidate, ...]:
    """The articles that a newsletter using these feeds may choose from: theirs, and those of no feed."""
    feeds = {use.use for use in uses}
    in_reach = (col(Article.published_at) >= published_after, _reachable(feeds))
    carried: dict[int, list[CarriedBy]] = {}
    rows = session.exec(
        select(ArticleFeed.article_id, Feed.name, ArticleFeed.rank, ArticleFeed.length)
        .join(Feed, col(Feed.id) == col(ArticleFeed.feed_id))
        .join(Article, col(Article.id) == col(ArticleFeed.article_id))
        .where(col(Feed.name).in_(feeds), *in_reach)
        .order_by(col(Feed.name))
    )
    for article_id, feed, rank, length in rows:
        carried.setdefault(article_id, []).append(CarriedBy(feed, rank, length))
    articles = session.exec(select(Article).where(*in_reach).order_by(col(Article.id)))
    return tuple(_candidate(article, carried.get(article.id or 0, ())) for article in articles)


def _reachable(feeds: Collection[str]) -> ColumnElement[bool]:
    carried = col(ArticleFeed.article_id) == col(Article.id)
    of_article = select(ArticleFeed.article_id).where(carried).correlate(Article)
    of_these = of_article.join(Feed, col(Feed.id) == col(ArticleFeed.feed_id)).where(
        col(Feed.name).in_(feeds)
    )
    return or_(of_these.exists(), ~of_article.exists())


def _candidate(article: Article, carried_by: Sequence[CarriedBy]) -> Candidate:
    if article.id is None:
        raise RuntimeError("an article of the pool has no id")
    picture = (
        Picture(article.picture_url, article.picture_width, article.picture_height, article.picture_alt)
        if article.picture_url
        else None
    )
    return Candidate(
        id=article.id, url=article.url, title=article.title, published_at=article.published_at,
        first_seen_at=article.first_seen_at, kind=ArticleKind(article.kind), summary=article.summary,
        byline=article.byline, section=article.section, picture=picture, duration=article.duration,
        html=article.html, carried_by=tuple(carried_by), hidden=article.hidden_at is not None,
    )  # fmt: skip


# ── one by one ──────────────────────────────────────────────────────────────────────────────────


def find(session: Session, which: int | str) -> Article | None:
    """An article by its number or by its canonical address."""
    wanted = col(Article.id) == which if isinstance(which, int) else col(Article.url) == which
    return session.exec(select(Article).where(wanted)).first()


def by_ids(session: Session, ids: Collection[int]) -> tuple[Candidate, ...]:
    """These articles, whatever their age: what the entries of an edition show."""
    return tuple(
        _candidate(article, ())
        for some in _chunks(sorted(ids))
        for article in session.exec(select(Article).where(col(Article.id).in_(some)))
    )


def newest(session: Session, limit: int, *, feed: str = "") -> Sequence[Article]:
    """The latest arrivals of the pool, hidden ones included; only one feed's when it is named."""
    query = select(Article).order_by(col(Article.first_seen_at).desc(), col(Article.id).desc()).limit(limit)
    if feed:
        of_feed = (
            select(ArticleFeed.article_id)
            .join(Feed, col(Feed.id) == col(ArticleFeed.feed_id))
            .where(Feed.name == feed)
        )
        query = query.where(col(Article.id).in_(of_feed))
    return session.exec(query).all()


def seen_in(session: Session, article_id: int) -> tuple[SeenIn, ...]:
    """The feeds that carry an article, in the order in which they brought it."""
    rows = session.exec(
        select(ArticleFeed, Feed.name)
        .join(Feed, col(Feed.id) == col(ArticleFeed.feed_id))
        .where(ArticleFeed.article_id == article_id)
        .order_by(col(ArticleFeed.first_seen_at), col(Feed.name))
    )
    return tuple(
        SeenIn(name, row.guid, row.rank, row.length, row.first_seen_at, row.last_seen_at)
        for row, name in rows
    )


def set_hidden(session: Session, article_id: int, hidden_at: datetime | None) -> bool:
    """Hide an article, or (None) bring it back; False when it was so already."""
    was_otherwise = col(Article.hidden_at).is_(None) if hidden_at else col(Article.hidden_at).is_not(None)
    changed = session.execute(
        update(Article).where(col(Article.id) == article_id, was_otherwise).values(hidden_at=hidden_at)
    )
    return bool(changed.rowcount)  # type: ignore[attr-defined]


def feeds(session: Session) -> Sequence[Feed]:
    """All feeds that were ever configured, with their health."""
    return session.exec(select(Feed).order_by(col(Feed.name))).all()


def _chunks(items: Sequence[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while some := list(islice(rest, _AT_ONCE)):
        yield some
