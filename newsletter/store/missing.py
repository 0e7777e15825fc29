"""Whom an edition that went out has not reached, with or without a row in its ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlmodel import Session, col

from newsletter.models import Delivery, Edition, Subscriber, Subscription
from newsletter.store.audience import audience_of
from newsletter.store.reopening import PASSED_OVER
from newsletter.store.sections import sections_of


def without_row(session: Session, edition: Edition, now: datetime) -> Select[Any]:
    """Those in the audience now, active since before the freeze, who have no delivery of this edition."""
    planned = select(Delivery.pos).where(  # type: ignore[call-overload]
        col(Delivery.edition_id) == edition.id,
        col(Delivery.subscriber_id) == col(Subscription.subscriber_id),
    )
    people = audience_of(edition, now, sections=sections_of(session, edition.id or 0))
    return people.where(
        col(Subscription.active_since) < (edition.frozen_at or edition.due_at), ~planned.exists()
    )


@dataclass(frozen=True, slots=True)
class Missed:
    """Somebody who has not received an edition; `reply` is what a server said, if one was asked."""

    address: str
    why: str
    reply: str


def listed(session: Session, edition: Edition, now: datetime, limit: int) -> list[Missed]:
    """The first of them: those who were refused or ran out of time, then those never tried."""
    tried = session.execute(
        select(Subscriber.address, Delivery.state, Delivery.reply)  # type: ignore[call-overload]
        .join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
        .where(col(Delivery.edition_id) == edition.id, PASSED_OVER)
        .order_by(Delivery.batch_no, Delivery.pos)
        .limit(limit)
    )
    found = [Missed(address or "", state, reply) for address, state, reply in tried]
    never = without_row(session, edition, now).add_columns(col(Subscriber.address)).limit(limit - len(found))
    return found + [Missed(row.address, "never tried", "") for row in session.execute(never)]
