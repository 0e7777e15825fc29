"""Editions, their entries and their renditions. Every change of state is one guarded update."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from importlib.metadata import version
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, update
from sqlmodel import Session, col, select

from newsletter.models import Article, Batch, Edition, EditionKind, EditionState, Entry, Slot
from newsletter.store.dialect import insert_for
from newsletter.store.history import note
from newsletter.values import Choice, Placement, Ran

PROGRAM = version("newsletter")
ENDED = (EditionState.SENT, EditionState.SKIPPED, EditionState.CANCELLED)


def create(
    session: Session,
    newsletter_id: int,
    slug: str,
    kind: EditionKind,
    day: date,
    due_at: datetime,
    now: datetime,
    *,
    who: str = "scheduler",
    **values: Any,
) -> Edition | None:
    """A new draft, or None when the newsletter already has an edition of that slug.

    The unique slug is what makes the clock, a second scheduler, a hand and a restart agree on one.
    """
    made = session.execute(
        insert_for(session)(Edition)
        .values(
            newsletter_id=newsletter_id, slug=slug, kind=kind, local_date=day, due_at=due_at,
            state=EditionState.DRAFT, version=1, late=False, why="", resume_to="", subject="",
            reasons={}, created_at=now, **values,
        )
        .on_conflict_do_nothing(index_elements=["newsletter_id", "slug"])
        .returning(Edition.id)
    ).scalar_one_or_none()  # fmt: skip
    if made is None:
        return None
    note(session, now, who, "drafted", "edition", made)
    return get(session, made)


def get(session: Session, edition_id: int) -> Edition:
    return session.exec(select(Edition).where(Edition.id == edition_id)).one()


def find(session: Session, newsletter_id: int, slug: str, *, lock: bool = False) -> Edition | None:
    """With `lock` nobody else changes it until the transaction ends."""
    query = select(Edition).where(Edition.newsletter_id == newsletter_id, Edition.slug == slug)
    return session.exec(query.with_for_update() if lock else query).first()


def latest(session: Session, newsletter_id: int, kind: EditionKind = EditionKind.DAILY) -> Edition | None:
    """The newsletter's edition of this kind with the latest date."""
    return session.exec(
        select(Edition)
        .where(Edition.newsletter_id == newsletter_id, Edition.kind == kind)
        .order_by(col(Edition.local_date).desc(), col(Edition.id).desc())
    ).first()


def following(session: Session, edition: Edition) -> Edition | None:
    """The next of its kind, as far as it is made already."""
    return session.exec(
        select(Edition)
        .where(
            Edition.newsletter_id == edition.newsletter_id,
            Edition.kind == edition.kind,
            col(Edition.due_at) > edition.due_at,
        )
        .order_by(col(Edition.due_at), col(Edition.id))
    ).first()


def before(session: Session, edition: Edition) -> Edition | None:
    """The latest edition before this one, among its fellows, that readers were sent."""
    return session.exec(
        select(Edition)
        .where(
            Edition.newsletter_id == edition.newsletter_id,
            col(Edition.kind).in_(EditionKind(edition.kind).fellows),
            col(Edition.due_at) < edition.due_at,
            reached(),
        )
        .order_by(col(Edition.due_at).desc(), col(Edition.id).desc())
    ).first()


def in_state(
    session: Session, states: Collection[EditionState], newsletter_id: int | None = None
) -> Sequence[Edition]:
    """Editions in any of these states, in the order in which they are due."""
    query = (
        select(Edition).where(col(Edition.state).in_(states)).order_by(col(Edition.due_at), col(Edition.id))
    )
    if newsletter_id is not None:
        query = query.where(Edition.newsletter_id == newsletter_id)
    return session.exec(query).all()


def leads(session: Session, edition_ids: Collection[int]) -> dict[int, str]:
    """Edition → the headline that stands first in it, as an editor worded it or as it came."""
    rows = session.exec(
        select(Entry.edition_id, Entry.headline, Article.title)
        .join(Article, col(Article.id) == col(Entry.article_id))
        .where(col(Entry.edition_id).in_(edition_ids), Entry.slot == Slot.LEAD)
    )
    return {edition: headline or title for edition, headline, title in rows}


def recent(session: Session, newsletter_id: int, limit: int) -> Sequence[Edition]:
    return session.exec(
        select(Edition)
        .where(Edition.newsletter_id == newsletter_id)
        .order_by(col(Edition.due_at).desc(), col(Edition.id).desc())
        .limit(limit)
    ).all()


def change(
    session: Session,
    edition: Edition,
    to: EditionState,
    now: datetime,
    *,
    who: str,
    why: str = "",
    act: str = "",
    **values: Any,
) -> bool:
    """Move `edition` on from the state in which it was read; False when somebody else was first.

    History calls the change `act`, or like the new state.
    """
    moved = session.execute(
        update(Edition)
        .where(
            col(Edition.id) == edition.id,
            col(Edition.state) == edition.state,
            col(Edition.version) == edition.version,
        )
        .values(state=to, why=why, **values)
    )
    if moved.rowcount != 1:  # type: ignore[attr-defined]
        return False
    if edition.id is not None:
        note(session, now, who, act or to, "edition", edition.id, why)
    return True


def save_choice(session: Session, edition: Edition, choice: Choice, subject: str) -> bool:
    """Replace the machine's entries by a new choice; False when the draft has changed meanwhile."""
    saved = session.execute(
        update(Edition)
        .where(
            col(Edition.id) == edition.id,
            col(Edition.state) == EditionState.DRAFT,
            col(Edition.version) == edition.version,
            col(Edition.closed_at).is_(None),
        )
        .values(
            version=edition.version + 1,
            subject=subject,
            reasons={str(article): why for article, why in choice.reasons.items()},
        )
    )
    if saved.rowcount != 1:  # type: ignore[attr-defined]
        return False
    _replace_entries(session, edition, choice.placements)
    return True


def revise(session: Session, edition: Edition, page: Sequence[Placement], **values: Any) -> bool:
    """Write a hand's change: a page, and what else is new of the edition as it was read.

    It is a new version. False when somebody else changed the edition first.
    """
    revised = session.execute(
        update(Edition)
        .where(
            col(Edition.id) == edition.id,
            col(Edition.state) == edition.state,
            col(Edition.version) == edition.version,
        )
        .values(version=edition.version + 1, **values)
    )
    if revised.rowcount != 1:  # type: ignore[attr-defined]
        return False
    _replace_entries(session, edition, page)
    return True


def amend(session: Session, edition_id: int, **values: Any) -> None:
    """Add to a change what could not be known before it, in the same transaction."""
    session.execute(update(Edition).where(col(Edition.id) == edition_id).values(**values))


def placements(session: Session, edition_id: int) -> tuple[Placement, ...]:
    rows = session.exec(select(Entry).where(Entry.edition_id == edition_id).order_by(col(Entry.position)))
    return tuple(
        Placement(
            article_id=row.article_id, slot=Slot(row.slot), why=row.why, section=row.section,
            position=row.position, pinned=row.pinned, headline=row.headline, summary=row.summary,
            picture=row.picture, picture_alt=row.picture_alt,
        )
        for row in rows
    )  # fmt: skip


def went_out(session: Session, newsletter_id: int, kinds: Collection[EditionKind]) -> Mapping[int, Ran]:
    """Articles that readers were sent in editions of these kinds → the latest one that carried them.

    An edition went out when at least one of its deliveries is `sent` or `unknown`; its batches'
    sums say so, also when retention has dropped the deliveries.
    """
    rows = session.exec(
        select(Entry.article_id, Edition.slug, Edition.closed_at, Edition.due_at)
        .join(Edition, col(Edition.id) == col(Entry.edition_id))
        .where(Edition.newsletter_id == newsletter_id, col(Edition.kind).in_(kinds), reached())
        .order_by(col(Edition.due_at))
    )
    return {article: Ran(slug, closed_at or due_at) for article, slug, closed_at, due_at in rows}


def reached() -> ColumnElement[bool]:
    some_batch = select(Batch.edition_id).where(
        col(Batch.edition_id) == col(Edition.id), or_(col(Batch.sent) > 0, col(Batch.unknown) > 0)
    )
    return some_batch.exists()


def _replace_entries(session: Session, edition: Edition, page: Sequence[Placement]) -> None:
    session.execute(delete(Entry).where(col(Entry.edition_id) == edition.id))
    session.add_all(_entry(edition, number, placement) for number, placement in enumerate(page))
    session.flush()


def _entry(edition: Edition, number: int, placement: Placement) -> Entry:
    return Entry(
        edition_id=edition.id or 0, article_id=placement.article_id, slot=placement.slot,
        section=placement.section, position=number, pinned=placement.pinned,
        headline=placement.headline, summary=placement.summary, why=placement.why,
        picture=placement.picture, picture_alt=placement.picture_alt,
    )  # fmt: skip
