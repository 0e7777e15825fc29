"""The pool: every article that a newsletter may choose from, and which feeds carry it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, update
from sqlmodel import Session, col, select

from newsletter.config import FeedUse
from newsletter.models import Article, ArticleFeed, ArticleKind, Feed
from newsletter.store.identity import identity
from newsletter.store.slices import slices
from newsletter.values import Candidate, CarriedBy, Picture


@dataclass(frozen=True, slots=True)
class SeenIn:
    """That a feed carries an article, since when, and where it stood when last seen."""

    feed: str
    guid: str
    rank: int
    length: int
    first_seen_at: datetime
    last_seen_at: datetime


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
        byline=article.byline, section=article.section, language=article.language, picture=picture,
        duration=article.duration, html=article.html, carried_by=tuple(carried_by),
        hidden=article.hidden_at is not None, renewed_at=article.renewed_at,
    )  # fmt: skip


# ── one by one ──────────────────────────────────────────────────────────────────────────────────


def find(session: Session, which: int | str) -> Article | None:
    """An article by its number or by a canonical address, in any form that leads to it."""
    if isinstance(which, int):
        return session.get(Article, which)
    wanted = col(Article.identity) == identity(which)
    return session.exec(select(Article).where(wanted)).first()


def by_ids(session: Session, ids: Collection[int]) -> tuple[Candidate, ...]:
    """These articles, whatever their age: what the entries of an edition show."""
    return tuple(
        _candidate(article, ())
        for some in slices(sorted(ids))
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
