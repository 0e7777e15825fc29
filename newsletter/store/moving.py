"""Rows that change their batch: retries that have come due, and rows handed back unsent.

A row moves by UPDATE of (batch, position) into a new batch of the same edition, so that its old
batch can stay closed. A retry is a new attempt, and the answer that it replaces is kept in
`attempt`; a row handed back never reached the wire, and keeps its attempt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update
from sqlmodel import Session, col

from newsletter.models import Attempt, Batch, BatchState, Delivery, DeliveryState, EditionState
from newsletter.store.ledger import add_up, is_batch, lock_edition
from newsletter.store.watermarks import Taken
from newsletter.values import BatchKey, Recipient

MOVED_AT_ONCE = 5_000


def hand_back(session: Session, taken: Taken, recipients: Sequence[Recipient], not_before: datetime) -> None:
    """Give rows that were begun but never went on the wire to a new batch, or cancel them with their edition.

    Whoever lost the token meanwhile moves nothing, and neither does who says it twice.
    """
    state = lock_edition(session, taken.key.edition_id)
    source = session.execute(
        select(Batch).where(is_batch(taken.key), col(Batch.token) == taken.token)
    ).scalar_one_or_none()
    if source is None:
        return
    unsent = session.execute(
        select(Delivery.pos)  # type: ignore[call-overload]
        .where(
            col(Delivery.edition_id) == taken.key.edition_id,
            col(Delivery.batch_no) == taken.key.no,
            col(Delivery.pos).in_([recipient.pos for recipient in recipients]),
            col(Delivery.state) == DeliveryState.QUEUED,
        )
        .order_by(Delivery.pos)
    ).scalars()
    places = [(taken.key.no, pos) for pos in unsent]
    if places and state is EditionState.CANCELLED:
        _cancel(session, taken.key, [pos for _, pos in places])
    elif places:
        move(
            session, taken.key.edition_id, places, from_state=DeliveryState.QUEUED, lane=source.lane,
            due_at=source.due_at, not_before=not_before, deadline=source.deadline,
        )  # fmt: skip


def _cancel(session: Session, key: BatchKey, positions: Sequence[int]) -> None:
    session.execute(
        update(Delivery)
        .where(
            col(Delivery.edition_id) == key.edition_id,
            col(Delivery.batch_no) == key.no,
            col(Delivery.pos).in_(positions),
        )
        .values(state=DeliveryState.CANCELLED)
    )
    add_up(session, key, Counter({DeliveryState.CANCELLED: len(positions)}))


def gather_retries(session: Session, edition_id: int, now: datetime, size: int) -> int:
    """Move deferred rows whose time has come into new batches; returns how many rows.

    Only batches whose earliest retry is due are looked at, so the cost is that of the retries.
    """
    due = session.execute(
        select(Batch, Delivery.pos)  # type: ignore[call-overload]
        .join(
            Delivery,
            (col(Delivery.edition_id) == col(Batch.edition_id)) & (col(Delivery.batch_no) == col(Batch.no)),
        )
        .where(
            col(Batch.edition_id) == edition_id,
            col(Batch.retry_at) <= now,
            col(Batch.deadline) > now,
            col(Delivery.state) == DeliveryState.DEFERRED,
            col(Delivery.next_at) <= now,
        )
        .order_by(Batch.lane, Batch.due_at, Batch.no, Delivery.pos)
        .limit(MOVED_AT_ONCE)
    ).all()
    for _, group in groupby(due, key=lambda row: (row.Batch.lane, row.Batch.due_at)):
        rows = list(group)
        like = rows[0].Batch
        for start in range(0, len(rows), size):
            places = [(row.Batch.no, row.pos) for row in rows[start : start + size]]
            move(
                session, edition_id, places, from_state=DeliveryState.DEFERRED, lane=like.lane,
                due_at=like.due_at, not_before=now, deadline=like.deadline,
            )  # fmt: skip
    _forget_retries(session, edition_id, now)
    return len(due)


def move(
    session: Session,
    edition_id: int,
    places: Sequence[tuple[int, int]],
    *,
    from_state: DeliveryState,
    lane: str,
    due_at: datetime,
    not_before: datetime,
    deadline: datetime,
) -> None:
    """Queue the rows at (batch, position) again, in one new batch. All are in `from_state` now."""
    lock_edition(session, edition_id)
    is_new_attempt = from_state is not DeliveryState.QUEUED
    if is_new_attempt:
        _keep_answers(session, edition_id, places)
    highest = session.execute(
        select(func.max(Batch.no)).where(col(Batch.edition_id) == edition_id)
    ).scalar_one()
    new = BatchKey(edition_id, highest + 1)
    session.add(
        Batch(
            edition_id=edition_id, no=new.no, lane=lane, due_at=due_at, not_before=not_before,
            deadline=deadline, state=BatchState.READY, size=len(places),
        )
    )  # fmt: skip
    session.flush()
    session.connection().execute(
        _MOVE.where(_DELIVERY.c.state == from_state).values(
            attempt=_DELIVERY.c.attempt + int(is_new_attempt)
        ),
        [
            {"edition": edition_id, "old_no": no, "old_pos": pos, "new_no": new.no, "new_pos": i}
            for i, (no, pos) in enumerate(places)
        ],
    )
    for no, count in Counter(no for no, _ in places).items():
        old = BatchKey(edition_id, no)
        session.execute(update(Batch).where(is_batch(old)).values(moved=Batch.moved + count))
        add_up(session, old, Counter(), Counter({from_state: count}))


_DELIVERY: Any = Delivery.__table__  # type: ignore[attr-defined]
_MOVE = (
    update(_DELIVERY)
    .where(
        _DELIVERY.c.edition_id == bindparam("edition"),
        _DELIVERY.c.batch_no == bindparam("old_no"),
        _DELIVERY.c.pos == bindparam("old_pos"),
    )
    .values(
        batch_no=bindparam("new_no"), pos=bindparam("new_pos"), state=DeliveryState.QUEUED,
        fate="", next_at=None, settled_at=None, relay="", reply="",
    )
)  # fmt: skip


def _keep_answers(session: Session, edition_id: int, places: Sequence[tuple[int, int]]) -> None:
    for no, group in groupby(sorted(places), key=lambda place: place[0]):
        answered = select(
            Delivery.edition_id, Delivery.subscriber_id, Delivery.attempt,  # type: ignore[call-overload]
            Delivery.settled_at, Delivery.fate, Delivery.relay, Delivery.reply,
        ).where(
            col(Delivery.edition_id) == edition_id,
            col(Delivery.batch_no) == no,
            col(Delivery.pos).in_([pos for _, pos in group]),
            col(Delivery.settled_at).is_not(None),
        )  # fmt: skip
        session.execute(
            insert(Attempt).from_select(
                ["edition_id", "subscriber_id", "attempt", "at", "fate", "relay", "reply"], answered
            )
        )


def _forget_retries(session: Session, edition_id: int, now: datetime) -> None:
    """Set each batch's earliest retry anew, from the rows that still wait."""
    soonest = (
        select(func.min(Delivery.next_at))
        .where(
            col(Delivery.edition_id) == col(Batch.edition_id),
            col(Delivery.batch_no) == col(Batch.no),
            col(Delivery.state) == DeliveryState.DEFERRED,
        )
        .scalar_subquery()
    )
    session.execute(
        update(Batch)
        .where(col(Batch.edition_id) == edition_id, col(Batch.retry_at) <= now)
        .values(retry_at=soonest)
        .execution_options(synchronize_session=False)
    )
