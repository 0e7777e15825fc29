"""The audience of an edition: one query for counts, dry runs, the freeze and `--missing` alike."""

from __future__ import annotations

from collections.abc import Collection
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
from newsletter.store.sections import reads_any_of, sections_ahead

# It came, may have come, or will
COMES = (DeliveryState.SENT, DeliveryState.UNKNOWN, DeliveryState.QUEUED, DeliveryState.DEFERRED)
Audience = Select[Any, Any, Any, Any]


def audience_of(edition: Edition, at: datetime, *, sections: Collection[str] | None) -> Audience:
    """Those whom this edition is for; a correction is for those who got what it corrects.

    A weekly is for none who have the daily of its date: they chose it since, and had the week already.
    """
    people = audience(
        edition.newsletter_id, EditionKind(edition.kind), edition.local_date, at, sections=sections
    )
    if edition.kind == EditionKind.WEEKLY:
        return people.where(~_has_the_daily_of(edition))
    if edition.kind != EditionKind.CORRECTION:
        return people
    got_it = exists().where(
        col(Delivery.edition_id) == edition.corrects_id,
        col(Delivery.subscriber_id) == col(Subscriber.id),
        col(Delivery.state).in_((DeliveryState.SENT, DeliveryState.UNKNOWN)),
    )
    return people.where(got_it)


def _has_the_daily_of(edition: Edition) -> Any:
    daily = (
        select(col(Edition.id))
        .where(
            col(Edition.newsletter_id) == edition.newsletter_id,
            col(Edition.kind) == EditionKind.DAILY,
            col(Edition.local_date) == edition.local_date,
        )
        .scalar_subquery()
    )
    return exists().where(
        col(Delivery.edition_id) == daily,
        col(Delivery.subscriber_id) == col(Subscriber.id),
        col(Delivery.state).in_(COMES),
    )


def audience(
    newsletter_id: int, kind: EditionKind, day: date, at: datetime, *, sections: Collection[str] | None
) -> Audience:
    """Selects (subscriber id, lane, address, zone) of those whom an edition of this day and kind is for.

    `sections` are those in which it has entries; None before anything was chosen for it. A correction
    goes to all who were sent the error.
    """
    people: Audience = (
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
    if sections is None or kind is EditionKind.CORRECTION:
        return people
    return people.where(reads_any_of(sections))


def count_next(session: Session, newsletter_id: int, day: date, at: datetime) -> int:
    """How many the daily of `day` is for, as far as it has been chosen."""
    sections = sections_ahead(session, newsletter_id, day.isoformat())
    return count_audience(session, audience(newsletter_id, EditionKind.DAILY, day, at, sections=sections))


def may_be_mailed() -> Any:
    """Active and unsuppressed; asked at the freeze and again, for each row, just before it is begun."""
    return and_(
        col(Subscription.state) == SubscriptionState.ACTIVE,
        col(Subscriber.address).is_not(None),
        ~exists().where(col(Suppression.address_key) == col(Subscriber.address_key)),
    )


def count_audience(session: Session, query: Select[Any]) -> int:
    return int(session.execute(select(func.count()).select_from(query.subquery())).scalar_one())


def is_for(kind: EditionKind, day: date, cadence: str) -> bool:
    """Whether who reads at this cadence gets an edition of this day and kind."""
    return cadence in _cadences(kind, day)


def _cadences(kind: EditionKind, day: date) -> tuple[Cadence, ...]:
    if kind is EditionKind.WEEKLY:
        return (Cadence.WEEKLY,)
    if kind is EditionKind.CORRECTION:
        return tuple(Cadence)
    return (Cadence.DAILY,) if day.isoweekday() > 5 else (Cadence.DAILY, Cadence.WEEKDAYS)
