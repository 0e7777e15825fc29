"""What a newsletter's readers were sent lately: the measure for what they are to be sent next."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from newsletter.models import Article, Batch, Edition, EditionKind, Entry, Slot
from newsletter.store.editions import reached
from newsletter.values import NO_PICTURE


@dataclass(frozen=True, slots=True)
class Carried:
    """An entry that readers have seen: under which headline, beside which picture, in which edition.

    `picture_url` is the one that they saw: an editor's own before that of the source, empty for none.
    """

    article_id: int
    edition: str
    headline: str
    picture_url: str


@dataclass(frozen=True, slots=True)
class Size:
    """How many people an edition was for, and how many stories it told them."""

    people: int
    stories: int


def carried_since(
    session: Session, newsletter_id: int, kinds: Collection[EditionKind], since: datetime
) -> Sequence[Carried]:
    """Every entry of the editions of these kinds that went out since then, the latest first."""
    told = (Edition.slug, Entry.headline, Article.title, Entry.picture, Article.picture_url)
    rows = session.execute(
        select(Entry.article_id, *told)  # type: ignore[call-overload]
        .join(Edition, col(Edition.id) == col(Entry.edition_id))
        .join(Article, col(Article.id) == col(Entry.article_id))
        .where(
            col(Edition.newsletter_id) == newsletter_id,
            col(Edition.kind).in_(kinds),
            col(Edition.due_at) >= since,
            reached(),
        )
        .order_by(col(Edition.due_at).desc(), col(Entry.position))
    )
    return [
        Carried(article, slug, own or title, "" if ours == NO_PICTURE else ours or picture)
        for article, slug, own, title, ours, picture in rows
    ]


def sizes_since(session: Session, newsletter_id: int, kind: str, since: datetime) -> Sequence[Size]:
    """Of each edition of this kind that went out since then."""
    planned = (
        select(func.sum(Batch.size - Batch.moved))
        .where(col(Batch.edition_id) == col(Edition.id))
        .correlate(Edition)
        .scalar_subquery()
    )
    stories = (
        select(func.count())
        .where(col(Entry.edition_id) == col(Edition.id), col(Entry.slot).in_((Slot.LEAD, Slot.HEADLINES)))
        .correlate(Edition)
        .scalar_subquery()
    )
    rows = session.execute(
        select(planned, stories)
        .select_from(Edition)
        .where(
            col(Edition.newsletter_id) == newsletter_id,
            col(Edition.kind) == kind,
            col(Edition.due_at) >= since,
            reached(),
        )
    )
    return [Size(int(people or 0), int(told)) for people, told in rows]
