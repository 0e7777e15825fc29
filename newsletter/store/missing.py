"""Whom an edition that went out has not reached: no row at all, expired, or passingly failed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, or_, select
from sqlmodel import Session, col

from newsletter.models import Batch, Delivery, DeliveryState, Edition, EditionKind, Subscription
from newsletter.store.audience import audience, count_audience
from newsletter.store.moving import move
from newsletter.values import Fate


def without_row(edition: Edition) -> Select[Any]:
    """Those in the audience, active since before the freeze, who have no delivery of this edition."""
    at = edition.frozen_at or edition.due_at
    planned = select(Delivery.pos).where(  # type: ignore[call-overload]
        col(Delivery.edition_id) == edition.id,
        col(Delivery.subscriber_id) == col(Subscription.subscriber_id),
    )
    return audience(edition.newsletter_id, EditionKind(edition.kind), edition.local_date, at).where(
        col(Subscription.active_since) < at, ~planned.exists()
    )


def count_reopenable(session: Session, edition_id: int) -> int:
    return count_audience(session, _reopenable(edition_id))


def reopen(session: Session, edition_id: int, now: datetime, deadline: datetime, size: int) -> int:
    """Queue them again in new batches that are due now; returns how many."""
    rows = session.execute(_reopenable(edition_id)).all()
    for state in (DeliveryState.EXPIRED, DeliveryState.FAILED):
        of_state = [row for row in rows if row.state == state]
        for lane in sorted({row.lane for row in of_state}):
            places = [(row.batch_no, row.pos) for row in of_state if row.lane == lane]
            for start in range(0, len(places), size):
                move(
                    session, edition_id, places[start : start + size], from_state=state, lane=lane,
                    due_at=now, not_before=now, deadline=deadline,
                )  # fmt: skip
    return len(rows)


def _reopenable(edition_id: int) -> Select[Any]:
    passing = (col(Delivery.state) == DeliveryState.FAILED) & (col(Delivery.fate) == Fate.REFUSED)
    rows: Select[Any] = (
        select(Delivery.batch_no, Delivery.pos, Delivery.state, Batch.lane)  # type: ignore[call-overload]
        .join(
            Batch,
            (col(Batch.edition_id) == col(Delivery.edition_id)) & (col(Batch.no) == col(Delivery.batch_no)),
        )
        .where(
            col(Delivery.edition_id) == edition_id,
            or_(col(Delivery.state) == DeliveryState.EXPIRED, passing),
        )
        .order_by(Batch.lane, Delivery.batch_no, Delivery.pos)
    )
    return rows
