"""Questions to the ledger: what is due, how an edition stands, who is in doubt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, case, delete, exists, func, or_, select
from sqlmodel import Session, col

from newsletter.models import (
    Attempt,
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    Edition,
    EditionState,
    Subscriber,
)
from newsletter.store.control import goes_on
from newsletter.store.ledger import SENDABLE
from newsletter.values import BatchKey, Sums


def due_batches(
    session: Session, now: datetime, *, without: Collection[BatchKey], limit: int,
    without_lanes: Collection[str] = (),
) -> list[BatchKey]:  # fmt: skip
    """Batches that may be worked on now; a running one is due when its worker is gone.

    Editions take turns: whichever has the fewest batches in hand comes next, so that a small
    newsletter does not wait for a large one. What a dead worker left of a cancelled edition is due too.
    """
    in_hand = Counter(key.edition_id for key in without)
    turns: list[tuple[int, datetime, BatchKey]] = []
    for edition_id in session.execute(_editions_with_work()).scalars().all():
        rows = session.execute(
            select(Batch.edition_id, Batch.no, Batch.due_at)  # type: ignore[call-overload]
            .where(
                col(Batch.edition_id) == edition_id,
                col(Batch.state) != BatchState.DONE,
                col(Batch.due_at) <= now,
                col(Batch.not_before) <= now,
                col(Batch.lane).not_in(without_lanes),
            )
            .order_by(Batch.due_at, Batch.no)
            .limit(limit + in_hand[edition_id])
        )
        waiting = [row for row in rows if BatchKey(row.edition_id, row.no) not in without]
        turns += [
            (in_hand[edition_id] + place, row.due_at, BatchKey(row.edition_id, row.no))
            for place, row in enumerate(waiting)
        ]
    return [key for *_, key in sorted(turns)[:limit]]


def _editions_with_work() -> Select[Any]:
    """Editions that may be sent, and cancelled ones of which a batch was left open."""
    with_batches = select(Batch.edition_id).where(  # type: ignore[call-overload]
        col(Batch.state).in_([BatchState.READY, BatchState.RUNNING])
    )
    may_go = and_(col(Edition.state).in_(SENDABLE), goes_on())
    found: Select[Any] = select(Edition.id).where(  # type: ignore[call-overload]
        or_(may_go, col(Edition.state) == EditionState.CANCELLED), col(Edition.id).in_(with_batches)
    )
    return found


def next_due(session: Session) -> datetime | None:
    """When the next batch of an edition that may be sent begins, or its next retry comes due."""
    times = (
        session.execute(
            select(func.min(column))
            .join(Edition, col(Edition.id) == col(Batch.edition_id))
            .where(col(Edition.state).in_(SENDABLE), goes_on(), condition)
        ).scalar()
        for column, condition in (
            (Batch.not_before, col(Batch.state) != BatchState.DONE),
            (Batch.retry_at, col(Batch.deferred) > 0),
        )
    )
    return min((time for time in times if time is not None), default=None)


def expected(session: Session, after: datetime, until: datetime) -> int:
    """Rows whose time comes after the one instant and not after the other."""
    rows = session.execute(
        select(func.coalesce(func.sum(Batch.size), 0))
        .join(Edition, col(Edition.id) == col(Batch.edition_id))
        .where(
            col(Edition.state).in_(SENDABLE),
            goes_on(),
            col(Batch.state) == BatchState.READY,
            col(Batch.not_before) > after,
            col(Batch.not_before) <= until,
        )
    ).scalar_one()
    return int(rows)


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


def refusals(session: Session, edition_id: int) -> list[str]:
    """What relays said when they refused for good, in order; what we refused ourselves is no word of theirs.

    Reads rows: only for a run that has just begun, or is small.
    """
    found = session.execute(
        select(Delivery.reply)  # type: ignore[call-overload]
        .where(
            col(Delivery.edition_id) == edition_id,
            col(Delivery.state) == DeliveryState.FAILED,
            col(Delivery.reply).startswith("5"),
        )
        .order_by(Delivery.settled_at)
    )
    return list(found.scalars())


def next_retry(session: Session, edition_id: int) -> datetime | None:
    """When the first of an edition's deferred deliveries is tried again."""
    found: datetime | None = session.execute(
        select(func.min(Batch.retry_at)).where(col(Batch.edition_id) == edition_id, col(Batch.deferred) > 0)
    ).scalar()
    return found


@dataclass(frozen=True, slots=True)
class Open:
    """What an edition still has to begin: since or from when, and for how many the time has yet to come,
    the last of them at `until`."""

    due_at: datetime | None = None
    later: int = 0
    until: datetime | None = None


def still_open(session: Session, edition_id: int, now: datetime) -> Open:
    is_later = col(Batch.due_at) > now
    row = session.execute(
        select(
            func.min(Batch.due_at),
            func.coalesce(func.sum(case((is_later, Batch.size - Batch.moved), else_=0)), 0),
            func.max(case((is_later, Batch.due_at))),
        ).where(col(Batch.edition_id) == edition_id, col(Batch.state) != BatchState.DONE)
    ).one()
    return Open(row[0], int(row[1]), row[2])


@dataclass(frozen=True, slots=True)
class Answered:
    """A delivery with its reader, for lists that people read."""

    subscriber_id: int
    address: str
    state: DeliveryState
    reply: str
    at: datetime | None


def in_delivery_state(
    session: Session, edition_id: int, state: DeliveryState, limit: int | None = 1_000
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


def are_dropped(session: Session, edition_id: int) -> bool:
    """Whether retention has dropped the edition's rows, so that only its sums are left."""
    rows = exists().where(col(Delivery.edition_id) == edition_id)
    batches = exists().where(col(Batch.edition_id) == edition_id)
    return bool(session.execute(select(batches & ~rows)).scalar_one())


def oldest_kept(session: Session, before: datetime) -> int | None:
    """The edition that was due before then, is over, and whose rows have been kept the longest."""
    rows = exists().where(col(Delivery.edition_id) == col(Edition.id))
    query = (
        select(col(Edition.id))
        .where(
            col(Edition.state).in_((EditionState.SENT, EditionState.CANCELLED)),
            col(Edition.due_at) < before,
            rows,
        )
        .order_by(col(Edition.due_at))
        .limit(1)
    )
    return session.execute(query).scalar_one_or_none()


def drop(session: Session, edition_id: int) -> int:
    """Drop all rows of an edition; its batches and their sums stay. Returns how many they were."""
    session.execute(delete(Attempt).where(col(Attempt.edition_id) == edition_id))
    gone = session.execute(delete(Delivery).where(col(Delivery.edition_id) == edition_id))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def editions_in_doubt(session: Session) -> list[int]:
    """Editions that have deliveries of which nobody knows whether they arrived."""
    found = select(Batch.edition_id).where(col(Batch.unknown) > 0).distinct()  # type: ignore[call-overload]
    return sorted(session.execute(found).scalars())
