"""What a compiled mail is known by, without reading all of it."""

from __future__ import annotations

from sqlmodel import Session, select

from newsletter.models import Rendition


def hash_of(session: Session, rendition_id: int) -> str:
    return session.exec(select(Rendition.hash).where(Rendition.id == rendition_id)).one()


def words_of(session: Session, rendition_id: int) -> str:
    """What it can be found by: its words as they are searched."""
    return session.exec(select(Rendition.words).where(Rendition.id == rendition_id)).one()
