"""What was corrected in editions that had gone out, and the editions that told their readers."""

from __future__ import annotations

from sqlalchemy import func
from sqlmodel import Session, col, select

from newsletter.models import Correction, Edition


def of_edition(session: Session, edition_id: int) -> tuple[Correction, ...]:
    """Its corrections, the oldest first."""
    query = select(Correction).where(Correction.edition_id == edition_id).order_by(col(Correction.id))
    return tuple(session.exec(query))


def add(session: Session, correction: Correction) -> None:
    session.add(correction)
    session.flush()


def count_editions(session: Session, edition_id: int) -> int:
    """How many correction editions there are of this one."""
    return session.exec(select(func.count()).where(col(Edition.corrects_id) == edition_id)).one()
