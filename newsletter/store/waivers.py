"""Which warnings of an edition a person lets stand, and why."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session, select

from newsletter.models import Waiver
from newsletter.store.dialect import insert_for
from newsletter.values import Check
from newsletter.values import Waiver as WaiverValue


def waive(session: Session, edition_id: int, waivers: Iterable[WaiverValue]) -> None:
    """Keep these, each in place of an earlier one of the same warning."""
    for waiver in waivers:
        values = {"version": waiver.version, "who": waiver.who, "at": waiver.at, "why": waiver.why}
        key = {"edition_id": edition_id, "code": waiver.code, "article_id": waiver.article_id or 0}
        session.execute(
            insert_for(session)(Waiver)
            .values(**key, **values)
            .on_conflict_do_update(index_elements=list(key), set_=values)
        )


def waivers_of(session: Session, edition_id: int) -> dict[tuple[Check, int | None], WaiverValue]:
    """By the check's code and the entry, None for the whole edition."""
    rows = session.exec(select(Waiver).where(Waiver.edition_id == edition_id))
    return {
        (Check(row.code), row.article_id or None): WaiverValue(
            Check(row.code), row.article_id or None, row.who, row.at, row.why, row.version
        )
        for row in rows
    }
