"""What editors did to an edition: to its articles, and in which version each thing was last changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sqlmodel import Session, col, select

from newsletter.models import Edition, Entry, Mark, Placed, Slot, Touch
from newsletter.store.dialect import insert_for
from newsletter.values import Touch as TouchValue


def touches(session: Session, edition_id: int) -> dict[int, TouchValue]:
    """What was done to each article that a hand has touched, by its number."""
    rows = session.exec(select(Touch).where(Touch.edition_id == edition_id).order_by(col(Touch.article_id)))
    return {
        row.article_id: TouchValue(
            row.article_id, row.dropped, Placed(row.placed), Slot(row.slot) if row.slot else None,
            row.section, row.position, row.headline, row.summary, row.picture, row.picture_alt,
            row.came_headline, row.came_summary,
        )
        for row in rows
    }  # fmt: skip


def keep(session: Session, edition_id: int, touched: Iterable[TouchValue]) -> None:
    """Write touches, each in place of the one before."""
    for touch in touched:
        values = {
            "dropped": touch.dropped, "placed": touch.placed, "slot": touch.slot or "",
            "section": touch.section, "position": touch.position, "headline": touch.headline,
            "summary": touch.summary, "picture": touch.picture, "picture_alt": touch.picture_alt,
            "came_headline": touch.came_headline, "came_summary": touch.came_summary,
        }  # fmt: skip
        session.execute(
            insert_for(session)(Touch)
            .values(edition_id=edition_id, article_id=touch.article_id, **values)
            .on_conflict_do_update(index_elements=["edition_id", "article_id"], set_=values)
        )


def mark(session: Session, edition_id: int, things: Collection[str], version: int, who: str) -> None:
    """Note that these were changed last in `version`."""
    for what in sorted(things):
        values = {"version": version, "who": who}
        session.execute(
            insert_for(session)(Mark)
            .values(edition_id=edition_id, what=what, **values)
            .on_conflict_do_update(index_elements=["edition_id", "what"], set_=values)
        )


def changed_since(session: Session, edition_id: int, version: int) -> Mapping[str, str]:
    """The things that hands have changed after `version` → whose hand it was last."""
    rows = session.exec(select(Mark).where(Mark.edition_id == edition_id, col(Mark.version) > version))
    return {row.what: row.who for row in rows}


def is_marked(session: Session, edition_id: int, what: str) -> bool:
    """Whether a hand has ever changed this."""
    return session.get(Mark, (edition_id, what)) is not None


def carrying(session: Session, article_id: int) -> tuple[Edition, ...]:
    """The editions that have an article among their entries, in the order in which they are due."""
    rows = session.exec(
        select(Edition)
        .join(Entry, col(Entry.edition_id) == col(Edition.id))
        .where(Entry.article_id == article_id)
        .order_by(col(Edition.due_at), col(Edition.id))
    )
    return tuple(rows)
