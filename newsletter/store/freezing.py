"""The freeze: one transaction writes an edition's whole ledger by INSERT … SELECT over its audience.

Batches hold neighbours by lane and never mix lanes, so that a batch is one receiving provider's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, String, and_, delete, func, insert, literal, select
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from newsletter.models import Batch, BatchState, Delivery, DeliveryState, Subscriber, Table
from newsletter.store.ledger import lock_edition


def plan(
    session: Session, edition_id: int, people: Select[Any], *, due_at: datetime, deadline: datetime, size: int
) -> int:
    """Write a queued delivery for everybody in `people` who has none in this edition; returns how many.

    `people` selects (subscriber_id, lane). Batches are numbered on from those that the edition has.
    """
    lock_edition(session, edition_id)
    first = _next_batch_no(session, edition_id)
    wanted = people.subquery()
    rank = func.row_number().over(partition_by=wanted.c.lane, order_by=wanted.c.subscriber_id) - 1
    ranked = select(wanted.c.subscriber_id, wanted.c.lane, rank.label("rank")).subquery()
    no = func.dense_rank().over(order_by=[ranked.c.lane, ranked.c.rank // size]) - 1 + first
    rows = select(
        literal(edition_id), no, ranked.c.rank % size, ranked.c.subscriber_id,
        literal(1), _text(DeliveryState.QUEUED), _text(""), _text(""), _text(""),
    )  # fmt: skip
    columns = ["edition_id", "batch_no", "pos", "subscriber_id", "attempt", "state", "fate", "relay", "reply"]
    session.execute(insert(_table(Delivery)).from_select(columns, rows))
    return _plan_batches(session, edition_id, first, due_at, deadline)


def _plan_batches(session: Session, edition_id: int, first: int, due_at: datetime, deadline: datetime) -> int:
    sums = [getattr(Batch, name) for name in SUMS]
    rows = (
        select(
            col(Delivery.edition_id), col(Delivery.batch_no), func.min(Subscriber.lane),
            _instant(due_at), _instant(due_at), _instant(deadline), _text(BatchState.READY),
            func.count(), literal(0), literal(0), *(literal(0) for _ in sums),
        )
        .join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
        .where(col(Delivery.edition_id) == edition_id, col(Delivery.batch_no) >= first)
        .group_by(col(Delivery.edition_id), col(Delivery.batch_no))
    )  # fmt: skip
    columns = [
        "edition_id", "no", "lane", "due_at", "not_before", "deadline", "state", "size", "begun", "token",
        *SUMS,
    ]  # fmt: skip
    session.execute(insert(_table(Batch)).from_select(columns, rows))
    planned = select(func.sum(Batch.size)).where(
        and_(col(Batch.edition_id) == edition_id, col(Batch.no) >= first)
    )
    return session.execute(planned).scalar() or 0


def unplan(session: Session, edition_id: int) -> None:
    """Take a frozen ledger back. Only for an edition of which no row has begun."""
    session.execute(delete(_table(Delivery)).where(col(Delivery.edition_id) == edition_id))
    session.execute(delete(_table(Batch)).where(col(Batch.edition_id) == edition_id))


SUMS = ("sent", "deferred", "failed", "unknown", "expired", "cancelled", "moved")


def _next_batch_no(session: Session, edition_id: int) -> int:
    highest = select(func.max(Batch.no)).where(col(Batch.edition_id) == edition_id)
    found = session.execute(highest).scalar()
    return 0 if found is None else found + 1


def _table(model: type[Table]) -> Any:
    return model.__table__  # type: ignore[attr-defined]


def _text(value: str) -> ColumnElement[str]:
    return literal(value, String())


def _instant(value: datetime) -> ColumnElement[datetime]:
    return literal(value, UTCDateTime())
