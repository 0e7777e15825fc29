"""A subscriber's places on newsletters, one person at a time: shown, chosen, ended and taken up again.

Only the person's own act (`revive`) brings an ended place back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, select, tuple_, update
from sqlmodel import Session, col

from newsletter.models import Cadence, Newsletter, Subscriber, Subscription, SubscriptionState, Suppression

_SUBSCRIPTION: Any = Subscription.__table__  # type: ignore[attr-defined]
_PLACE = (_SUBSCRIPTION.c.subscriber_id, _SUBSCRIPTION.c.newsletter_id)
_STANDS = _SUBSCRIPTION.c.state != SubscriptionState.ENDED
_FREE = select(*_PLACE).where(tuple_(*_PLACE).in_(bindparam("wanted", expanding=True)), _STANDS)
# Built once, and of the table: what the ORM does for each is half of what a click costs
_END_THESE = (
    update(_SUBSCRIPTION)
    .where(tuple_(*_PLACE).in_(_FREE.with_for_update(skip_locked=True)), _STANDS)
    .values(state=SubscriptionState.ENDED, ended_at=bindparam("now"), paused_until=None)
    .returning(*_PLACE)
)


@dataclass(frozen=True, slots=True)
class Place:
    """A subscriber's place on a newsletter. Who never confirmed it cannot return to it."""

    newsletter_id: int
    slug: str
    name: str
    state: SubscriptionState
    can_return: bool
    cadence: Cadence
    zone: str
    paused_until: datetime | None
    sections: tuple[str, ...]


def places_of(session: Session, subscriber_id: int) -> tuple[Place, ...]:
    """All of a subscriber's places, ended ones too, by the newsletter's name."""
    query = (
        select(
            Newsletter.id, Newsletter.slug, Newsletter.name,
            Subscription.state, Subscription.active_since, Subscription.cadence, Subscription.zone,
            Subscription.paused_until,
            Subscription.sections,
        )  # type: ignore[call-overload]
        .join(Subscription, col(Subscription.newsletter_id) == col(Newsletter.id))
        .where(col(Subscription.subscriber_id) == subscriber_id)
        .order_by(col(Newsletter.name), col(Newsletter.id))
    )  # fmt: skip
    return tuple(
        Place(
            row.id,
            row.slug,
            row.name,
            state,
            state == SubscriptionState.ENDED and row.active_since is not None,
            Cadence(row.cadence),
            row.zone,
            row.paused_until,
            row.sections,
        )
        for row in session.execute(query)
        for state in [SubscriptionState(row.state)]
    )


def state_of(session: Session, subscriber_id: int, newsletter_id: int) -> SubscriptionState | None:
    subscription = session.get(Subscription, (subscriber_id, newsletter_id))
    return SubscriptionState(subscription.state) if subscription else None


def end(session: Session, subscriber_id: int, newsletter_id: int, now: datetime) -> bool:
    """End a subscription; False when there is none or it had ended before."""
    return _change(
        session, subscriber_id, newsletter_id,
        col(Subscription.state) != SubscriptionState.ENDED,
        {"state": SubscriptionState.ENDED, "ended_at": now, "paused_until": None},
    )  # fmt: skip


def end_these(
    session: Session, wanted: Collection[tuple[int, int]], now: datetime
) -> Sequence[tuple[int, int]]:
    """End the subscriptions of these (subscriber, newsletter), in one statement; gives those that it ended.

    It waits for nobody: a row that somebody else holds is left out, as is one that had ended before.
    """
    ended = session.connection().execute(_END_THESE, {"wanted": wanted, "now": now})
    return sorted((subscriber, newsletter) for subscriber, newsletter in ended)


def end_all(session: Session, subscriber_id: int, now: datetime) -> Sequence[int]:
    """End all of somebody's subscriptions; gives the newsletters that they have left by that."""
    ended = session.execute(
        update(Subscription)
        .where(
            col(Subscription.subscriber_id) == subscriber_id,
            col(Subscription.state) != SubscriptionState.ENDED,
        )
        .values(state=SubscriptionState.ENDED, ended_at=now, paused_until=None)
        .returning(col(Subscription.newsletter_id))
    )
    return sorted(ended.scalars())


def ways_back(session: Session, subscriber_id: int, ended: Collection[int]) -> Sequence[int]:
    """Those of these newsletters that `revive` would bring back to somebody."""
    query = (
        select(col(Subscription.newsletter_id))
        .where(
            col(Subscription.subscriber_id) == subscriber_id,
            col(Subscription.newsletter_id).in_(ended),
            _can_return(subscriber_id),
        )
        .order_by(col(Subscription.newsletter_id))
    )
    return session.execute(query).scalars().all()


def revive(session: Session, subscriber_id: int, newsletter_id: int, now: datetime) -> bool:
    """Bring back an ended subscription that once was active, unless the address is suppressed."""
    active = {"state": SubscriptionState.ACTIVE, "ended_at": None, "active_since": now}
    return _change(session, subscriber_id, newsletter_id, _can_return(subscriber_id), active)


def _can_return(subscriber_id: int) -> ColumnElement[bool]:
    """Of a subscription: it has ended, was active once, and the address is there and not suppressed."""
    address = select(Subscriber.id).where(  # type: ignore[call-overload]
        col(Subscriber.id) == subscriber_id, col(Subscriber.address).is_not(None)
    )
    suppressed = (
        select(Suppression.address_key)  # type: ignore[call-overload]
        .join(Subscriber, col(Subscriber.address_key) == col(Suppression.address_key))
        .where(col(Subscriber.id) == subscriber_id)
    )
    return and_(
        col(Subscription.state) == SubscriptionState.ENDED,
        col(Subscription.active_since).is_not(None),
        address.exists(),
        ~suppressed.exists(),
    )


def prefer(session: Session, subscriber_id: int, newsletter_id: int, wishes: Mapping[str, object]) -> bool:
    """Change how somebody gets a newsletter, and nothing that `wishes` does not name; False where they
    have left."""
    return _change(
        session, subscriber_id, newsletter_id, col(Subscription.state) != SubscriptionState.ENDED, wishes
    )


def _change(
    session: Session,
    subscriber_id: int,
    newsletter_id: int,
    guard: ColumnElement[bool],
    values: Mapping[str, object],
) -> bool:
    changed = session.execute(
        update(Subscription)
        .where(
            col(Subscription.subscriber_id) == subscriber_id,
            col(Subscription.newsletter_id) == newsletter_id,
            guard,
        )
        .values(values)
        .returning(col(Subscription.subscriber_id))
        .execution_options(synchronize_session=False)
    )
    return changed.first() is not None
