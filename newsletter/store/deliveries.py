"""Questions to the ledger: what is due, how an edition stands, who is in doubt."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session, col

from newsletter.models import Batch, BatchState, Delivery, DeliveryState, Edition, Subscriber
from newsletter.store.ledger import SENDABLE
from newsletter.values import BatchKey, Sums


def due_batches(
    session: Session, now: datetime, *, without: Collection[BatchKey], limit: int
) -> list[BatchKey]:
    """Batches that may be worked on now, earliest first; a running one is due when its worker is gone."""
    rows = session.execute(
        select(Batch.edition_id, Batch.no)  # type: ignore[call-overload]
        .join(Edition, col(Edition.id) == col(Batch.edition_id))
        .where(
            col(Edition.state).in_(SENDABLE),
            col(Batch.state) != BatchState.DONE,
            col(Batch.due_at) <= now,
            col(Batch.not_before) <= now,
        )
        .order_by(Batch.due_at, Batch.no, Batch.edition_id)
        .limit(limit + len(without))
    )
    keys = (BatchKey(*row) for row in rows)
    return [key for key in keys if key not in without][:limit]


def next_due(session: Session) -> datetime | None:
    """When the next batch of an edition that may be sent begins, or its next retry comes due."""
    times = (
        session.execute(
            select(func.min(column))
            .join(Edition, col(Edition.id) == col(Batch.edition_id))
            .where(col(Edition.state).in_(SENDABLE), condition)
        ).scalar()
        for column, condition in (
            (Batch.not_before, col(Batch.state) != BatchState.DONE),
            (Batch.retry_at, col(Batch.deferred) > 0),
        )
    )
    return min((time for time in times if time is not None), default=None)


def sums(session: Session, edition_id: int) -> Sums:
    """How the edition's deliveries stand; reads its batches, never its rows."""
    names = ("sent", "deferred", "failed", "unknown", "expired", "cancelled")
    totals = session.execute(
        select(
            func.coalesce(func.sum(Batch.size - Batch.moved), 0),
            *(func.coalesce(func.sum(getattr(Batch, name)), 0) for name in names),
        ).where(col(Batch.edition_id) == edition_id)
    ).one()
    total, *counts = (int(value) for value in totals)
    return Sums(**dict(zip(names, counts, strict=True)), queued=total - sum(counts))


@dataclass(frozen=True, slots=True)
class Answered:
    """A delivery with its reader, for lists that people read."""

    subscriber_id: int
    address: str
    state: DeliveryState
    reply: str
    at: datetime | None


def in_delivery_state(
    session: Session, edition_id: int, state: DeliveryState, limit: int = 1_000
) -> Sequence[Answered]:
    rows = session.execute(
        select(
            Delivery.subscriber_id, Subscriber.address, Delivery.state, Delivery.reply, Delivery.settled_at
        )  # type: ignore[call-overload]
        .join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
        .where(col(Delivery.edition_id) == edition_id, col(Delivery.state) == state)
        .order_by(Delivery.batch_no, Delivery.pos)
        .limit(limit)
    )
    return [Answered(row[0], row[1] or "", DeliveryState(row[2]), row[3], row[4]) for row in rows]


def span(session: Session, edition_id: int) -> tuple[datetime | None, datetime | None]:
    """When the first and the last delivery of an edition were accepted."""
    first, last = session.execute(
        select(func.min(Delivery.settled_at), func.max(Delivery.settled_at)).where(
            col(Delivery.edition_id) == edition_id, col(Delivery.state) == DeliveryState.SENT
        )
    ).one()
    return first, last
