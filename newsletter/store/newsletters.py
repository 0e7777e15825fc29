"""Newsletters: the configuration's, mirrored as rows so that others can refer to them by number."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, select

from newsletter.config import NewsletterSettings
from newsletter.models import Newsletter
from newsletter.store.dialect import insert_for


def sync_newsletters(session: Session, newsletters: Iterable[NewsletterSettings], now: datetime) -> None:
    """Give every configured newsletter a row and its present name; nothing is ever deleted."""
    rows = [{"slug": n.slug, "name": n.name, "created_at": now} for n in newsletters]
    if not rows:
        return
    insert = insert_for(session)(Newsletter)
    session.execute(
        insert.on_conflict_do_update(
            index_elements=["slug"],
            set_={"name": insert.excluded.name},
            where=Newsletter.name != insert.excluded.name,
        ),
        rows,
    )


def newsletter_ids(session: Session) -> dict[str, int]:
    """Slug → id of all newsletters that were ever configured."""
    return {slug: number for slug, number in session.exec(select(Newsletter.slug, Newsletter.id)) if number}
