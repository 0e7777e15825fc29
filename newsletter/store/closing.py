"""How a run ends: what is still open at the deadline expires, and an edition without open rows is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import case, func, insert, literal, or_, select, update
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from newsletter.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryState,
    Edition,
    EditionState,
    Subscriber,
    Suppression,
    SuppressionReason,
)
from newsletter.store.history import note
from newsletter.store.ledger import add_up, doubt, is_batch
from newsletter.values import BatchKey, Fate

# A running batch may rightly wait ten minutes for one last answer (RFC 5321 §4.5.3.2.6)
LAST_ANSWER = timedelta(minutes=15)


def expire(session: Session, edition_id: int, now: datetime) -> int:
    """Close the batches whose deadline has passed, paused or not; returns how many rows expired."""
    late = session.execute(
        update(Batch)
        .where(
            col(Batch.edition_id) == edition_id,
            or_(
                (col(Batch.deadline) <= now) & (col(Batch.state) != BatchState.RUNNING),
                col(Batch.deadline) <= now - LAST_ANSWER,
            ),
            or_(col(Batch.state) != BatchState.DONE, col(Batch.deferred) > 0),
        )
        .values(state=BatchState.DONE, token=Batch.token + 1)
        .returning(Batch.no, Batch.begun)  # type: ignore[call-overload]
    ).all()
    keys = [(BatchKey(edition_id, no), begun) for no, begun in late]
    for key, begun in keys:
        doubt(session, key, begun, now)
    return sum(_close_rows(session, key, begun, DeliveryState.EXPIRED) for key, begun in keys)


def cancel_open(session: Session, edition_id: int) -> int:
    """Cancel every row that has not begun; returns how many. The caller has cancelled the edition.

    Rows that are begun stay with the worker that has them: it alone knows what becomes of them. All
    open batches are locked first, so that no watermark moves on meanwhile.
    """
    still_running = case((col(Batch.state) == BatchState.RUNNING, BatchState.RUNNING), else_=BatchState.DONE)
    batches = session.execute(
        update(Batch)
        .where(
            col(Batch.edition_id) == edition_id,
            or_(col(Batch.state) != BatchState.DONE, col(Batch.deferred) > 0),
        )
        .values(state=still_running)
        .returning(Batch.no, Batch.begun)  # type: ignore[call-overload]
    ).all()
    return sum(
        _close_rows(session, BatchKey(edition_id, no), begun, DeliveryState.CANCELLED)
        for no, begun in batches
    )


def close_cancelled(session: Session, key: BatchKey, now: datetime) -> None:
    """End a batch whose edition was cancelled and whose worker is gone: what it had begun is in doubt."""
    cancelled = select(Edition.id).where(  # type: ignore[call-overload]
        col(Edition.id) == key.edition_id, col(Edition.state) == EditionState.CANCELLED
    )
    begun = session.execute(
        update(Batch)
        .where(is_batch(key), col(Batch.state) != BatchState.DONE, cancelled.exists())
        .values(state=BatchState.DONE, token=Batch.token + 1)
        .returning(col(Batch.begun))
    ).scalar_one_or_none()
    if begun is not None:
        doubt(session, key, begun, now)
        _close_rows(session, key, begun, DeliveryState.CANCELLED)


def finish_if_done(session: Session, edition_id: int, now: datetime) -> bool:
    """`sending → sent` once no row is open; addresses found dead are suppressed then.

    A paused edition waits for a person even so, until its deadline; and then nobody is suppressed,
    for the pause may mean that the refusals were about us.
    """
    if is_open(session, edition_id):
        return False
    was_paused = False
    if not _end(session, edition_id, [EditionState.SENDING, EditionState.FROZEN], now):
        was_paused = _is_past_deadline(session, edition_id, now)
        if not (was_paused and _end(session, edition_id, [EditionState.PAUSED], now)):
            return False
    suppressed = 0 if was_paused else _suppress_dead(session, edition_id, now)
    note(
        session, now, "delivery", "sent", "edition", edition_id, f"{suppressed} addresses suppressed as dead"
    )
    return True


def _close_rows(session: Session, key: BatchKey, begun: int, to: DeliveryState) -> int:
    """Settle what waits for its first attempt or for another one; returns how many rows that were."""
    found: Counter[DeliveryState] = Counter()
    for state, where in (
        (DeliveryState.QUEUED, [col(Delivery.pos) >= begun]),
        (DeliveryState.DEFERRED, []),
    ):
        closed = session.execute(
            update(Delivery)
            .where(
                col(Delivery.edition_id) == key.edition_id,
                col(Delivery.batch_no) == key.no,
                col(Delivery.state) == state,
                *where,
            )
            .values(state=to, next_at=None)
        )
        found[state] = closed.rowcount  # type: ignore[attr-defined]
    add_up(session, key, Counter({to: found.total()}), found)
    session.execute(update(Batch).where(is_batch(key)).values(retry_at=None))
    return found.total()


def _end(session: Session, edition_id: int, states: Sequence[EditionState], now: datetime) -> bool:
    ended = session.execute(
        update(Edition)
        .where(col(Edition.id) == edition_id, col(Edition.state).in_(states))
        .values(state=EditionState.SENT, finished_at=now)
    )
    return bool(ended.rowcount == 1)  # type: ignore[attr-defined]


def _is_past_deadline(session: Session, edition_id: int, now: datetime) -> bool:
    last = session.execute(
        select(func.max(Batch.deadline)).where(col(Batch.edition_id) == edition_id)
    ).scalar()
    return last is not None and bool(last <= now)


def is_open(session: Session, edition_id: int) -> bool:
    """Whether any row may still be sent: a batch that is not done, or a retry to come."""
    still = select(func.count()).where(
        col(Batch.edition_id) == edition_id,
        or_(col(Batch.state) != BatchState.DONE, col(Batch.deferred) > 0),
    )
    return bool(session.execute(still).scalar_one())


def _suppress_dead(session: Session, edition_id: int, now: datetime) -> int:
    dead = (
        select(
            Subscriber.address_key,  # type: ignore[call-overload]
            literal(SuppressionReason.DEAD.value),
            func.min(Delivery.reply),
            literal(now, UTCDateTime()),
        )
        .join(Delivery, col(Delivery.subscriber_id) == col(Subscriber.id))
        .where(
            col(Delivery.edition_id) == edition_id,
            col(Delivery.state) == DeliveryState.FAILED,
            col(Delivery.fate) == Fate.DEAD,
            col(Subscriber.address).is_not(None),
            ~select(Suppression).where(col(Suppression.address_key) == col(Subscriber.address_key)).exists(),
        )
        .group_by(Subscriber.address_key)
    )
    made = session.execute(
        insert(Suppression).from_select(["address_key", "reason", "detail", "since"], dead),
        execution_options={"preserve_rowcount": True},  # of an INSERT it is not kept otherwise
    )
    return int(made.rowcount)  # type: ignore[attr-defined]
