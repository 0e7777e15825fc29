"""Questions about people: who somebody is, what befell them, and everybody's places, a slice at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select, tuple_
from sqlmodel import Session, col

from newsletter.models import (
    Attempt,
    Delivery,
    Edition,
    History,
    Newsletter,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
)

_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Standing:
    """A place with everything that is known of it."""

    subscriber_id: int
    address: str
    name: str
    attributes: Mapping[str, str]
    newsletter_id: int
    newsletter: str
    state: SubscriptionState
    cadence: str
    zone: str
    active_since: datetime | None
    ended_at: datetime | None
    paused_until: datetime | None
    consent_text: str
    consent_source: str
    consent_at: datetime | None
    sections: tuple[str, ...]
    suppressed: str


@dataclass(frozen=True, slots=True)
class Handled:
    """An attempt at one mail to somebody: how it ended, or how it stands when it has not ended."""

    edition: str
    attempt: int
    state: str
    at: datetime | None
    due_at: datetime
    relay: str
    reply: str


def find(session: Session, address_key: str) -> Subscriber | None:
    """Who has the address with this key; nobody who was forgotten."""
    query = (
        select(Subscriber)
        .where(col(Subscriber.address_key) == address_key, col(Subscriber.address).is_not(None))
        .order_by(col(Subscriber.id))
        .limit(1)
    )
    return session.execute(query).scalars().first()


def suppression_of(session: Session, address_key: str) -> Suppression | None:
    return session.get(Suppression, address_key) if address_key else None


def standings(
    session: Session, newsletter: str = "", *, subscriber_id: int = 0, state: str = ""
) -> Iterator[Standing]:
    """Everybody's places, by subscriber and newsletter; of one newsletter, one person, in one state.

    The state `active` leaves out who is suppressed, for they are not mailed. Reads a slice at a time.
    """
    after = (0, 0)
    while rows := _slice(session, newsletter, subscriber_id, state, after):
        yield from rows
        after = (rows[-1].subscriber_id, rows[-1].newsletter_id)
        session.expunge_all()


def highest_number(session: Session) -> int:
    """The youngest subscriber's, and at least 1."""
    return session.execute(select(func.max(col(Subscriber.id)))).scalar() or 1


def handled(session: Session, subscriber_id: int, limit: int) -> Sequence[Handled]:
    """The latest attempts at mails to somebody, newest first."""
    slug = (col(Newsletter.slug) + "/" + col(Edition.slug)).label("edition")
    final = (
        select(
            slug, Delivery.attempt, Delivery.state, Delivery.settled_at.label("at"), Edition.due_at,  # type: ignore[union-attr, call-overload]
            Delivery.relay, Delivery.reply,
        )
        .join(Edition, col(Edition.id) == col(Delivery.edition_id))
        .join(Newsletter, col(Newsletter.id) == col(Edition.newsletter_id))
        .where(col(Delivery.subscriber_id) == subscriber_id)
        .order_by(col(Edition.due_at).desc(), col(Edition.id).desc())
        .limit(limit)
    )  # fmt: skip
    earlier = (
        select(slug, Attempt.attempt, Attempt.fate, Attempt.at, Edition.due_at, Attempt.relay, Attempt.reply)  # type: ignore[call-overload]
        .join(Edition, col(Edition.id) == col(Attempt.edition_id))
        .join(Newsletter, col(Newsletter.id) == col(Edition.newsletter_id))
        .where(col(Attempt.subscriber_id) == subscriber_id)
        .order_by(col(Attempt.at).desc(), col(Edition.id).desc())
        .limit(limit)
    )
    found = [Handled(*row) for query in (final, earlier) for row in session.execute(query)]
    return sorted(found, key=lambda one: (one.at or one.due_at, one.attempt), reverse=True)[:limit]


def history_of(session: Session, subscriber_id: int, limit: int) -> Sequence[History]:
    """What was done to somebody, latest first."""
    query = (
        select(History)
        .where(col(History.what) == "subscriber", col(History.what_id) == subscriber_id)
        .order_by(col(History.id).desc())
        .limit(limit)
    )
    return session.execute(query).scalars().all()


def _slice(
    session: Session, newsletter: str, subscriber_id: int, state: str, after: tuple[int, int]
) -> list[Standing]:
    query = (
        select(Subscriber, Subscription, Newsletter.id, Newsletter.slug, Suppression.reason)  # type: ignore[call-overload]
        .join(Subscription, col(Subscription.subscriber_id) == col(Subscriber.id))
        .join(Newsletter, col(Newsletter.id) == col(Subscription.newsletter_id))
        .outerjoin(Suppression, col(Suppression.address_key) == col(Subscriber.address_key))
        .where(
            tuple_(col(Subscription.subscriber_id), col(Subscription.newsletter_id)) > tuple_(*after),
            or_(col(Subscriber.address).is_not(None), col(Subscriber.id) == subscriber_id),
        )
        .order_by(col(Subscription.subscriber_id), col(Subscription.newsletter_id))
        .limit(_AT_ONCE)
    )
    if newsletter:
        query = query.where(col(Newsletter.slug) == newsletter)
    if subscriber_id:
        query = query.where(col(Subscriber.id) == subscriber_id)
    if state == SubscriptionState.ACTIVE:
        query = query.where(and_(col(Subscription.state) == state, col(Suppression.address_key).is_(None)))
    elif state:
        query = query.where(col(Subscription.state) == state)
    return [
        Standing(
            person.id, person.address or "", person.name, person.attributes, number, slug,
            SubscriptionState(place.state), place.cadence, place.zone, place.active_since, place.ended_at,
            place.paused_until, place.consent_text, place.consent_source, place.consent_at, place.sections,
            reason or "",
        )
        for person, place, number, slug, reason in session.execute(query)
    ]  # fmt: skip
