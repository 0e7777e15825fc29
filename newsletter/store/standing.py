"""Questions that a glance asks, each bounded whatever the store holds: batches' sums and not rows, a
sample of what failed and not all of it, a count that was kept and not a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select, text
from sqlmodel import Session, col

from newsletter.models import (
    Batch,
    Delivery,
    DeliveryState,
    Edition,
    EditionState,
    Headcount,
    Subscriber,
    Subscription,
    SubscriptionState,
)
from newsletter.models.ledger import IN_DOUBT
from newsletter.store.audience import count_audience
from newsletter.store.dialect import insert_for, is_postgresql
from newsletter.values import Sums

COUNTED_AT_ONCE = 10_000  # subscriptions that are counted anew for every glance
SAMPLED_BATCHES = 20
SAMPLED_ROWS = 1_000
TROUBLED = (DeliveryState.FAILED, DeliveryState.DEFERRED, DeliveryState.EXPIRED)
OUTCOMES = ("sent", "deferred", "failed", "unknown", "expired", "cancelled")


# ── people ──────────────────────────────────────────────────────────────────────────────────────


def is_small(session: Session, newsletter_id: int) -> bool:
    """Whether a newsletter's audience can be counted while somebody waits."""
    active = (
        select(col(Subscription.subscriber_id))
        .where(
            col(Subscription.newsletter_id) == newsletter_id,
            col(Subscription.state) == SubscriptionState.ACTIVE,
        )
        .limit(COUNTED_AT_ONCE + 1)
    )
    return count_audience(session, active) <= COUNTED_AT_ONCE


def kept_counts(session: Session) -> dict[int, Headcount]:
    return {row.newsletter_id: row for row in session.execute(select(Headcount)).scalars()}


def keep_count(session: Session, newsletter_id: int, people: int, now: datetime) -> None:
    insert = insert_for(session)(Headcount)
    counted = {"people": insert.excluded.people, "at": insert.excluded.at}
    session.execute(
        insert.on_conflict_do_update(index_elements=["newsletter_id"], set_=counted),
        [{"newsletter_id": newsletter_id, "people": people, "at": now}],
    )


# ── editions and their deliveries ───────────────────────────────────────────────────────────────


def unfinished(session: Session) -> Sequence[Edition]:
    """Editions on their way, in the order in which they are due."""
    ended = (EditionState.SENT, EditionState.SKIPPED, EditionState.CANCELLED)
    on_the_way = [state for state in EditionState if state not in ended]
    query = select(Edition).where(col(Edition.state).in_(on_the_way)).order_by(col(Edition.due_at))
    return session.execute(query).scalars().all()


def in_doubt(session: Session) -> dict[int, int]:
    """Edition → how many of its deliveries are `unknown`, for those that have any."""
    rows = session.execute(
        select(Batch.edition_id, func.sum(Batch.unknown)).where(IN_DOUBT).group_by(Batch.edition_id)  # type: ignore[call-overload]
    )
    return {edition: int(count) for edition, count in rows}


def lanes(session: Session, edition_id: int) -> dict[str, Sums]:
    """Receiving provider → how the edition's deliveries to it stand, the largest first."""
    planned = func.sum(Batch.size - Batch.moved)
    rows = session.execute(
        select(Batch.lane, planned, *(func.sum(getattr(Batch, name)) for name in OUTCOMES))  # type: ignore[call-overload]
        .where(col(Batch.edition_id) == edition_id)
        .group_by(Batch.lane)
        .order_by(planned.desc(), Batch.lane)
    )
    found = {}
    for lane, total, *counts in rows:
        known = dict(zip(OUTCOMES, map(int, counts), strict=True))
        found[lane] = Sums(**known, queued=int(total) - sum(known.values()))
    return found


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said of a delivery that has not gone well so far."""

    state: DeliveryState
    domain: str
    reply: str


def troubled(session: Session, edition_id: int) -> list[Answer]:
    """A sample of what servers said: at most a thousand rows, of the latest batches with trouble.

    An index over failures would cost every settling update its place in the page (PostgreSQL's HOT),
    so batches show the way.
    """
    batches = [
        row.no
        for row in session.execute(
            select(Batch.no)  # type: ignore[call-overload]
            .where(
                col(Batch.edition_id) == edition_id,
                or_(*(getattr(Batch, state.value) > 0 for state in TROUBLED)),
            )
            .order_by(col(Batch.no).desc())
            .limit(SAMPLED_BATCHES)
        )
    ]
    rows = session.execute(
        select(Delivery.state, Subscriber.address, Delivery.reply)  # type: ignore[call-overload]
        .join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
        .where(
            col(Delivery.edition_id) == edition_id,
            col(Delivery.batch_no).in_(batches),
            col(Delivery.state).in_(TROUBLED),
        )
        .limit(SAMPLED_ROWS)
    )
    return [
        Answer(DeliveryState(state), (address or "").rpartition("@")[2], reply)
        for state, address, reply in rows
    ]


# ── the store itself ────────────────────────────────────────────────────────────────────────────


def size(session: Session) -> int:
    """Bytes that the store takes, without the space that it may give back."""
    if is_postgresql(session):
        return int(session.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    pages: Select[Any] = select(text("page_count * page_size FROM pragma_page_count(), pragma_page_size()"))
    return int(session.execute(pages).scalar_one())
