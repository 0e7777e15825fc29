"""Drafts on their way into the pool: what is new, what changes an article, and what does not.

Who brought an article first owns its words: a feed that carries it too only fills what is empty, so
two feeds that word it differently do not change it back and forth at every gathering. What a person
gave is nobody else's any more.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from newsletter.models import Article, ArticleFeed, ArticleKind
from newsletter.store.dialect import insert_for
from newsletter.store.identity import identity
from newsletter.store.slices import slices
from newsletter.values import ArticleDraft, Picture

# Another story under an old address: dated so much later, and with so few of its title's words
_LATER = timedelta(hours=12)
_ALIKE = 0.25
_WORD = re.compile(r"\w{3,}")

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of a feed's or a file's drafts."""

    new: int = 0
    updated: int = 0
    unchanged: int = 0


def upsert_drafts(
    session: Session,
    drafts: Sequence[ArticleDraft],
    feed_id: int | None,
    now: datetime,
    *,
    given: Collection[str] | None = None,
) -> Counts:
    """Bring drafts of distinct identities into the pool, from a feed or (None) from a hand.

    Of a hand's draft the fields in `given` (by default all that say something) are its words from now
    on; the others only fill what is empty. A draft without a date counts as published when it is first
    seen. A blank never erases what was known, and nothing here brings a hidden article back.
    """
    # One order for everybody: two processes that store the same articles then cannot deadlock
    ordered = sorted(drafts, key=lambda draft: identity(draft.url))
    known = _known(session, ordered, feed_id)
    foreign = _not_owned(session, known.values(), feed_id)
    changes: list[Fields] = []
    for draft in ordered:
        article = known.get(draft.url)
        if article is None:
            continue
        if feed_id is None:
            changed = _by_hand(article, draft, given)
        else:
            changed = _by_feed(article, draft, owns=article.id not in foreign, now=now)
        if changed:
            changes.append({"id": article.id, **changed, "updated_at": now})
    fresh = [_row(draft, now, _given(draft, feed_id, given)) for draft in ordered if draft.url not in known]
    if fresh:
        insert = insert_for(session)(Article).on_conflict_do_nothing(index_elements=["identity"])
        session.execute(insert, fresh)
    changes = _without_taken_addresses(session, changes)
    for change in changes:
        session.execute(update(Article).where(col(Article.id) == change.pop("id")).values(**change))
    if feed_id is not None:
        _carry(session, ordered, known, feed_id, now)
    return Counts(len(fresh), len(changes), len(ordered) - len(fresh) - len(changes))


# ── which article a draft is ────────────────────────────────────────────────────────────────────


def _known(session: Session, drafts: Sequence[ArticleDraft], feed_id: int | None) -> dict[str, Article]:
    """The articles that are there already, by the address of the draft that means them."""
    found = _by_address(session, [draft.url for draft in drafts])
    if feed_id is not None:
        unknown = [draft for draft in drafts if draft.url not in found]
        found |= _moved(session, unknown, feed_id, {article.id for article in found.values()})
    return found


def _by_address(session: Session, addresses: Collection[str]) -> dict[str, Article]:
    keys = {address: identity(address) for address in addresses}
    articles: dict[str, Article] = {}
    for some in slices(sorted(set(keys.values()))):
        rows = session.exec(select(Article).where(col(Article.identity).in_(some)))
        articles |= {article.identity: article for article in rows}
    return {address: articles[key] for address, key in keys.items() if key in articles}


def _moved(
    session: Session, drafts: Iterable[ArticleDraft], feed_id: int, present: Collection[int | None]
) -> dict[str, Article]:
    """Articles that the feed still has, under the same guid, at another address.

    Some feeds number their places and not their articles, so the guid alone proves nothing: title or
    date must be the same, and the old address must be gone.
    """
    guids = Counter(draft.guid for draft in drafts)
    by_guid = {draft.guid: draft for draft in drafts if draft.guid and guids[draft.guid] == 1}
    found: dict[str, Article] = {}
    for some in slices(sorted(by_guid)):
        rows = session.exec(
            select(Article, ArticleFeed.guid)
            .join(ArticleFeed, col(ArticleFeed.article_id) == col(Article.id))
            .where(ArticleFeed.feed_id == feed_id, col(ArticleFeed.guid).in_(some))
            .order_by(col(ArticleFeed.last_seen_at))
        )
        for article, guid in rows:
            draft = by_guid[guid]
            same = article.title == draft.title or article.published_at == draft.published_at
            if same and article.id not in present:
                found[draft.url] = article
    return found


def _not_owned(session: Session, articles: Collection[Article], feed_id: int | None) -> frozenset[int]:
    """Ids of those articles that somebody else than this feed brought first; a hand owns them all."""
    if feed_id is None:
        return frozenset()
    ids = {article.id: article.first_seen_at for article in articles if article.id is not None}
    first: dict[int, tuple[datetime, int]] = {}
    for some in slices(sorted(ids)):
        for row in session.exec(select(ArticleFeed).where(col(ArticleFeed.article_id).in_(some))):
            claim = (row.first_seen_at, row.feed_id)
            first[row.article_id] = min(first.get(row.article_id, claim), claim)
    return frozenset(number for number, seen in ids.items() if first.get(number) != (seen, feed_id))


# ── what a draft says ───────────────────────────────────────────────────────────────────────────


def _told(draft: ArticleDraft) -> dict[str, Fields]:
    """What the draft says, by field; columns that only make sense together are one field."""
    words = ("kind", "title", "summary", "byline", "section", "language", "duration", "html")
    told: dict[str, Fields] = {name: {name: value} for name in words if (value := getattr(draft, name))}
    if draft.picture:
        told["picture_url"] = _picture(draft.picture)
    if draft.published_at:
        told["published_at"] = {"published_at": draft.published_at, "date_note": draft.date_note}
    return told


def _picture(picture: Picture) -> Fields:
    return {
        "picture_url": picture.url, "picture_width": picture.width, "picture_height": picture.height,
        "picture_alt": picture.alt,
    }  # fmt: skip


def _given(draft: ArticleDraft, feed_id: int | None, given: Collection[str] | None) -> frozenset[str]:
    """The fields that are a person's own words."""
    if feed_id is not None:
        return frozenset()
    if given is not None:
        return frozenset(given) & _told(draft).keys()
    # Every draft has a kind; nobody says "story" to keep others from saying "video"
    said = _told(draft).keys()
    return frozenset(said - {"kind"} if draft.kind is ArticleKind.STORY else said)


def _row(draft: ArticleDraft, now: datetime, given: Collection[str]) -> Fields:
    blank: Fields = dict.fromkeys(("summary", "byline", "section", "language", "duration", "html"), "")
    said = {name: value for field in _told(draft).values() for name, value in field.items()}
    return {
        **blank, **_picture(Picture(url="")), "published_at": now, "date_note": draft.date_note, **said,
        "url": draft.url, "identity": identity(draft.url), "first_seen_at": now, "updated_at": now,
        "by_hand": " ".join(sorted(given)),
    }  # fmt: skip


# ── what it changes ─────────────────────────────────────────────────────────────────────────────


def _by_hand(article: Article, draft: ArticleDraft, given: Collection[str] | None) -> Fields:
    mine = _given(draft, None, given)
    changed = _different(
        article, (field for name, field in _told(draft).items() if name in mine or not getattr(article, name))
    )
    by_hand = " ".join(sorted({*article.by_hand.split(), *mine}))
    return changed | ({"by_hand": by_hand} if by_hand != article.by_hand else {})


def _by_feed(article: Article, draft: ArticleDraft, *, owns: bool, now: datetime) -> Fields:
    told = {name: field for name, field in _told(draft).items() if name not in article.by_hand.split()}
    if draft.published_at and article.date_note and draft.published_at > article.first_seen_at:
        # A date that was to come at first sight does not make an old article new when it has come
        told.pop("published_at", None)
    if not owns:
        return _different(article, (field for name, field in told.items() if not getattr(article, name)))
    address = {"url": draft.url, "identity": identity(draft.url)}
    changed = _different(article, [*told.values(), address])
    is_renewed = "title" in changed and _is_another_story(article, draft)
    return changed | ({"renewed_at": now} if is_renewed else {})


def _different(article: Article, fields: Iterable[Fields]) -> Fields:
    told = {name: value for field in fields for name, value in field.items()}
    return {name: value for name, value in told.items() if getattr(article, name) != value}


def _without_taken_addresses(session: Session, changes: list[Fields]) -> list[Fields]:
    """Two articles of an older program may be one by now: none takes the other's link."""
    moving = {change["url"]: change for change in changes if "url" in change}
    for some in slices(sorted(moving)):
        for taken in session.exec(select(Article.url).where(col(Article.url).in_(some))):
            del moving[taken]["url"]
    return [change for change in changes if change.keys() - {"id", "updated_at"}]


def _is_another_story(article: Article, draft: ArticleDraft) -> bool:
    """Whether the page was written anew: another title, and dated later."""
    if not draft.published_at or draft.published_at - article.published_at < _LATER:
        return False
    old, new = (set(_WORD.findall(title.casefold())) for title in (article.title, draft.title))
    return len(old & new) < _ALIKE * len(old | new)


# ── who carries it ──────────────────────────────────────────────────────────────────────────────


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
