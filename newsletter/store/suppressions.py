"""Complaints: addresses that are not mailed because their owner minded."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col

from newsletter.models import Suppression, SuppressionReason
from newsletter.store.dialect import insert_for


def complain(session: Session, address_key: str, detail: str, now: datetime) -> None:
    """Suppress the address for a complaint, unless it is suppressed already."""
    session.execute(
        insert_for(session)(Suppression)
        .values(address_key=address_key, reason=SuppressionReason.COMPLAINT, detail=detail, since=now)
        .on_conflict_do_nothing(index_elements=["address_key"])
    )


def lift_complaint(session: Session, address_key: str) -> bool:
    """Lift the address's suppression if it is for a complaint; False for every other."""
    gone = session.execute(
        delete(Suppression).where(
            col(Suppression.address_key) == address_key,
            col(Suppression.reason) == SuppressionReason.COMPLAINT,
        )
    )
    return bool(gone.rowcount == 1)  # type: ignore[attr-defined]
