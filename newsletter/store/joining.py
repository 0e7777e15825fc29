"""Somebody who confirmed joins: their suppression is lifted, and their places become active.

Only what was asked for *after* the last leave, complaint or erasure counts: an old confirmation, found again
in a mailbox, brings nobody back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlmodel import Session, col

from newsletter.models import Subscriber, Subscription, SubscriptionState, Suppression
from newsletter.store.dialect import insert_for


@dataclass(frozen=True, slots=True)
class Consent:
    """What somebody agreed to, when and where they asked for it, and when they confirmed it."""

    text: str
    source: str
    network: str
    asked_at: datetime
    confirmed_at: datetime


def lift(session: Session, address_key: str, asked_at: datetime) -> bool:
    """Lift the address's suppression, whatever its reason, unless it is younger than the wish.

    True when the address may be mailed afterwards.
    """
    session.execute(
        delete(Suppression).where(
            col(Suppression.address_key) == address_key, col(Suppression.since) <= asked_at
        )
    )
    query = select(col(Suppression.address_key)).where(col(Suppression.address_key) == address_key)
    return session.execute(query).first() is None


def know(session: Session, address: str, address_key: str, lane: str, now: datetime) -> int:
    """The number of who has this address, made if nobody has it yet."""
    session.execute(
        insert_for(session)(Subscriber)
        .values(address=address, address_key=address_key, lane=lane, created_at=now)
        .on_conflict_do_nothing(index_elements=["address"])
    )
    query = (
        select(col(Subscriber.id))
        .where(col(Subscriber.address_key) == address_key, col(Subscriber.address).is_not(None))
        .order_by(col(Subscriber.id))
        .limit(1)
    )
    return int(session.execute(query).scalar_one() or 0)


def give_place(session: Session, subscriber_id: int, newsletter_id: int, consent: Consent) -> bool:
    """Make a place active with its proof of consent; False where it is active, or ended since they asked."""
    proof = {
        "state": SubscriptionState.ACTIVE, "active_since": consent.confirmed_at, "ended_at": None,
        "consent_text": consent.text, "consent_source": consent.source, "consent_network": consent.network,
        "consent_at": consent.asked_at, "confirmed_at": consent.confirmed_at,
    }  # fmt: skip
    made = session.execute(
        insert_for(session)(Subscription)
        .values(subscriber_id=subscriber_id, newsletter_id=newsletter_id, cadence="daily", **proof)
        .on_conflict_do_nothing(index_elements=["subscriber_id", "newsletter_id"])
        .returning(col(Subscription.subscriber_id))
    )
    if made.first() is not None:
        return True
    revived = session.execute(
        update(Subscription)
        .where(
            col(Subscription.subscriber_id) == subscriber_id,
            col(Subscription.newsletter_id) == newsletter_id,
            col(Subscription.state) != SubscriptionState.ACTIVE,
            or_(col(Subscription.ended_at).is_(None), col(Subscription.ended_at) <= consent.asked_at),
        )
        .values(proof)
        .returning(col(Subscription.subscriber_id))
        .execution_options(synchronize_session=False)
    )
    return revived.first() is not None


def move_to(session: Session, subscriber_id: int, address: str, address_key: str, lane: str) -> bool:
    """Give a subscriber another address; False when somebody else has it, or they were forgotten."""
    others = select(Subscriber.id).where(  # type: ignore[call-overload]
        col(Subscriber.address_key) == address_key,
        col(Subscriber.address).is_not(None),
        col(Subscriber.id) != subscriber_id,
    )
    moved = session.execute(
        update(Subscriber)
        .where(col(Subscriber.id) == subscriber_id, col(Subscriber.address).is_not(None), ~others.exists())
        .values(address=address, address_key=address_key, lane=lane)
        .execution_options(synchronize_session=False)
    )
    return bool(moved.rowcount == 1)  # type: ignore[attr-defined]
