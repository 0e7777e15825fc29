"""The audience of an edition: one query for counts, dry runs, the freeze and `--missing` alike."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, exists, func, or_, select
from sqlmodel import Session, col

from newsletter.models import (
    Cadence,
    Delivery,
    DeliveryState,
    Edition,
    EditionKind,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
)

Audience = Select[Any, Any, Any, Any]


def audience_of(edition: Edition, at: datetime) -> Audience:
    """Those whom this edition is for; a correction is for those who got what it corrects."""
    people = audience(edition.newsletter_id, EditionKind(edition.kind), edition.local_date, at)
    if edition.kind != EditionKind.CORRECTION:
        return people
    got_it = exists().where(
        col(Delivery.edition_id) == edition.corrects_id,
        col(Delivery.subscriber_id) == col(Subscriber.id),
        col(Delivery.state).in_((DeliveryState.SENT, DeliveryState.UNKNOWN)),
    )
    return people.where(got_it)


def audience(newsletter_id: int, kind: EditionKind, day: date, at: datetime) -> Audience:
    """Selects (subscriber id, lane, address, zone) of those whom an edition of this day and kind is for."""
    return (
        select(
            col(Subscriber.id).label("subscriber_id"),
            col(Subscriber.lane).label("lane"),
            col(Subscriber.address).label("address"),
            col(Subscription.zone).label("zone"),
        )
        .join(Subscription, col(Subscription.subscriber_id) == col(Subscriber.id))
        .where(
            col(Subscription.newsletter_id) == newsletter_id,
            col(Subscription.cadence).in_(_cadences(kind, day)),
            or_(col(Subscription.paused_until).is_(None), col(Subscription.paused_until) <= at),
            may_be_mailed(),
        )
    )


def may_be_mailed() -> Any:
    """Active and unsuppressed; asked at the freeze and again, for each row, just before it is begun."""
    return and_(
        col(Subscription.state) == SubscriptionState.ACTIVE,
        col(Subscriber.address).is_not(None),
        ~exists().where(col(Suppression.address_key) == col(Subscriber.address_key)),
    )


def count_audience(session: Session, query: Select[Any]) -> int:
    return int(session.execute(select(func.count()).select_from(query.subquery())).scalar_one())


def _cadences(kind: EditionKind, day: date) -> tuple[Cadence, ...]:
    if kind is EditionKind.WEEKLY:
        return (Cadence.WEEKLY,)
    if kind is EditionKind.CORRECTION:
        return tuple(Cadence)
    return (Cadence.DAILY,) if day.isoweekday() > 5 else (Cadence.DAILY, Cadence.WEEKDAYS)
