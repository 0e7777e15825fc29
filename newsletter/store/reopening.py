"""Rows that are settled and go once more: expired, refused, or in doubt and a person wants them sent again.

Each keeps the answer that it had, counts as a new attempt, and moves into a new batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import Any

from sqlalchemy import Select, and_, exists, or_, select, update
from sqlmodel import Session, col

from newsletter.models import Attempt, Batch, Delivery, DeliveryState
from newsletter.store.audience import count_audience
from newsletter.store.ledger import add_up, lock_edition
from newsletter.store.moving import move
from newsletter.values import BatchKey, Fate

# What `--missing` sends again: never anybody who has it, or perhaps has it
PASSED_OVER = or_(
    col(Delivery.state) == DeliveryState.EXPIRED,
    and_(col(Delivery.state) == DeliveryState.FAILED, col(Delivery.fate) == Fate.REFUSED),
)
REFUSED = col(Delivery.state) == DeliveryState.FAILED
IN_DOUBT = col(Delivery.state) == DeliveryState.UNKNOWN
COUNTED = "counted"  # the fate of a row that a person, and no server, called sent


@dataclass(frozen=True, slots=True)
class Term:
    """When reopened rows may begin, and until when they are tried. Without `due_at` and `deadline` they
    keep those of their first attempt."""

    not_before: datetime
    due_at: datetime | None = None
    deadline: datetime | None = None


def count(session: Session, edition_id: int, which: Any) -> int:
    people: Select[Any] = select(Delivery.subscriber_id).where(col(Delivery.edition_id) == edition_id, which)  # type: ignore[call-overload]
    return count_audience(session, people)


def reopen(session: Session, edition_id: int, which: Any, term: Term, size: int) -> int:
    """Queue the edition's rows that meet `which` again, in new batches; returns how many.

    All of `which` are settled. No more than a new batch of them is held at a time, for a relay that was
    away all morning leaves a million.
    """
    lock_edition(session, edition_id)
    count = 0
    for (state, lane, due_at, deadline), group in groupby(
        session.execute(_batches(edition_id, which)).all(),
        key=lambda row: (row.state, row.lane, row.due_at, row.deadline),
    ):
        places = _places(session, edition_id, which & (col(Delivery.state) == state), [r.no for r in group])
        while batch := list(islice(places, size)):
            move(
                session, edition_id, batch, from_state=DeliveryState(state), lane=lane,
                due_at=term.due_at or due_at, not_before=term.not_before, deadline=term.deadline or deadline,
            )  # fmt: skip
            count += len(batch)
    return count


def doubted_once(edition_id: int) -> Any:
    """Those in doubt that were not in doubt before: what is sent again unasked is sent so once."""
    doubted_before = exists().where(
        col(Attempt.edition_id) == edition_id,
        col(Attempt.subscriber_id) == col(Delivery.subscriber_id),
        col(Attempt.fate) == Fate.DOUBT,
    )
    # Asked twice a second, so only of batches that hold such rows
    batches = select(Batch.no).where(col(Batch.edition_id) == edition_id, col(Batch.unknown) > 0)  # type: ignore[call-overload]
    return col(Delivery.batch_no).in_(batches) & IN_DOUBT & ~doubted_before


def of_readers(which: Any, subscribers: Collection[int] | None) -> Any:
    """`which`, of these readers alone; None means everybody's."""
    return which if subscribers is None else which & col(Delivery.subscriber_id).in_(subscribers)


def count_as_sent(session: Session, edition_id: int, which: Any) -> int:
    """Settle rows in doubt by a person's word; returns how many."""
    lock_edition(session, edition_id)
    counted = session.execute(
        update(Delivery)
        .where(col(Delivery.edition_id) == edition_id, which & IN_DOUBT)
        .values(state=DeliveryState.SENT, fate=COUNTED)
        .returning(Delivery.batch_no)  # type: ignore[call-overload]
        .execution_options(synchronize_session=False)
    ).scalars()
    by_batch = Counter(counted)
    for no, rows in by_batch.items():
        key = BatchKey(edition_id, no)
        add_up(session, key, Counter({DeliveryState.SENT: rows}), Counter({DeliveryState.UNKNOWN: rows}))
    return by_batch.total()


def _batches(edition_id: int, which: Any) -> Select[Any]:
    """The batches that hold such rows; those that may share a new one stand together."""
    like = (Delivery.state, Batch.lane, Batch.due_at, Batch.deadline, Batch.no)
    batches: Select[Any] = (
        select(*like)  # type: ignore[call-overload]
        .join(
            Batch,
            (col(Batch.edition_id) == col(Delivery.edition_id)) & (col(Batch.no) == col(Delivery.batch_no)),
        )
        .where(col(Delivery.edition_id) == edition_id, which)
        .group_by(*like)
        .order_by(*like)
    )
    return batches


def _places(
    session: Session, edition_id: int, which: Any, batches: Iterable[int]
) -> Iterator[tuple[int, int]]:
    for no in batches:
        positions = session.execute(
            select(Delivery.pos)  # type: ignore[call-overload]
            .where(col(Delivery.edition_id) == edition_id, col(Delivery.batch_no) == no, which)
            .order_by(Delivery.pos)
        ).scalars()
        yield from [(no, pos) for pos in positions]
