"""Subscribers and their places on newsletters.

Whatever lets people in refuses suppressed addresses and leaves an ended subscription ended: only
the person's own act (`revive`) brings it back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlmodel import Session, col

from newsletter.models import (
    Cadence,
    Newsletter,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
)
from newsletter.store.dialect import insert_for
from newsletter.values import Recipient


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who is to get a newsletter: address normalised, with the proof of consent."""

    address: str
    address_key: str
    lane: str
    name: str = ""
    cadence: Cadence = Cadence.DAILY
    consent_text: str = ""
    consent_source: str = ""
    sections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Admitted:
    """What became of newcomers, by address key: `new` got a place, `known` already had one or left it."""

    new: Mapping[str, int]
    known: Mapping[str, int]
    suppressed: Collection[str]


@dataclass(frozen=True, slots=True)
class Listed:
    """A subscriber's place, as a list of people shows it; `suppressed` is the reason, or empty."""

    id: int
    address: str
    name: str
    newsletter: str
    state: SubscriptionState
    suppressed: str


def admit(session: Session, newsletter_id: int, people: Sequence[Newcomer], now: datetime) -> Admitted:
    """Give people an active place, in a handful of statements for up to some thousand of them.

    Who they are is told by the address key, for which upper and lower case are one mailbox.
    """
    barred = _suppressed(session, {person.address_key for person in people})
    welcome = {person.address_key: person for person in reversed(people) if person.address_key not in barred}
    # In one order everywhere: two imports at once then wait for each other instead of deadlocking
    ordered = [welcome[key] for key in sorted(welcome)]
    ids = _ids(session, welcome)
    _write_subscribers(session, [person for person in ordered if person.address_key not in ids], now)
    ids |= _ids(session, welcome.keys() - ids.keys())
    fresh = _subscribe(session, newsletter_id, ordered, ids, now)
    return Admitted(
        new={key: number for key, number in ids.items() if number in fresh},
        known={key: number for key, number in ids.items() if number not in fresh},
        suppressed=barred,
    )


def address_of(session: Session, subscriber_id: int) -> str | None:
    """The subscriber's address; None for nobody and for who was forgotten."""
    query = select(col(Subscriber.address)).where(col(Subscriber.id) == subscriber_id)
    return session.execute(query).scalar_one_or_none()


def reader(session: Session, which: int | str, newsletter_id: int) -> Recipient | None:
    """A person by number or by address key, as this newsletter's mail is filled for them; None for who was
    forgotten."""
    wanted = col(Subscriber.id) == which if isinstance(which, int) else col(Subscriber.address_key) == which
    found = session.execute(
        select(Subscriber.id, Subscriber.address, Subscriber.name)  # type: ignore[call-overload]
        .where(wanted, col(Subscriber.address).is_not(None))
        .order_by(Subscriber.id)
    ).first()
    if found is None:
        return None
    place = session.get(Subscription, (found.id, newsletter_id))
    sections = place.sections if place else ()
    return Recipient(found.id, found.address, found.name, attempt=1, pos=0, sections=sections)


def latest(
    session: Session, newsletter_slug: str, limit: int, *, state: str = "", search: str = ""
) -> tuple[Listed, ...]:
    """Places on one newsletter (on all with an empty slug), newest subscriber first, nobody forgotten.

    `search` is a part of the address or the name.
    """
    query = (
        select(
            Subscriber.id,
            Subscriber.address,
            Subscriber.name,
            Newsletter.slug,
            Subscription.state,
            Suppression.reason,
        )  # type: ignore[call-overload]
        .join(Subscription, col(Subscription.subscriber_id) == col(Subscriber.id))
        .join(Newsletter, col(Newsletter.id) == col(Subscription.newsletter_id))
        .outerjoin(Suppression, col(Suppression.address_key) == col(Subscriber.address_key))
        .where(col(Subscriber.address).is_not(None))
        .order_by(col(Subscriber.id).desc(), col(Newsletter.slug))
        .limit(limit)
    )
    if newsletter_slug:
        query = query.where(col(Newsletter.slug) == newsletter_slug)
    if state:
        query = query.where(col(Subscription.state) == state)
    if search:
        query = query.where(
            or_(
                *(
                    func.lower(column).contains(search.lower(), autoescape=True)
                    for column in (col(Subscriber.address), col(Subscriber.name))
                )
            )
        )
    return tuple(
        Listed(row.id, row.address, row.name, row.slug, SubscriptionState(row.state), row.reason or "")
        for row in session.execute(query)
    )


def _suppressed(session: Session, keys: Collection[str]) -> set[str]:
    query = select(col(Suppression.address_key)).where(col(Suppression.address_key).in_(keys))
    return set(session.execute(query).scalars())


def _ids(session: Session, keys: Collection[str]) -> dict[str, int]:
    """Address key → id of those that the store knows; who was forgotten is unknown."""
    query = select(col(Subscriber.address_key), col(Subscriber.id)).where(
        col(Subscriber.address_key).in_(keys), col(Subscriber.address).is_not(None)
    )
    return {key: number for key, number in session.execute(query) if number} if keys else {}


def _write_subscribers(session: Session, people: Sequence[Newcomer], now: datetime) -> None:
    if not people:
        return
    rows = [
        {
            "address": person.address,
            "address_key": person.address_key,
            "lane": person.lane,
            "name": person.name,
            "created_at": now,
        }
        for person in people
    ]
    session.execute(insert_for(session)(Subscriber).on_conflict_do_nothing(index_elements=["address"]), rows)


def _subscribe(
    session: Session, newsletter_id: int, people: Sequence[Newcomer], ids: Mapping[str, int], now: datetime
) -> set[int]:
    """The ids of those who had no place yet."""
    if not people:
        return set()
    rows = [
        {
            "subscriber_id": ids[person.address_key],
            "newsletter_id": newsletter_id,
            "state": SubscriptionState.ACTIVE,
            "cadence": person.cadence,
            "active_since": now,
            "consent_text": person.consent_text,
            "consent_source": person.consent_source,
            "consent_at": now,
            "sections": person.sections,
            "sections_since": now if person.sections else None,
        }
        for person in people
    ]
    statement = (
        insert_for(session)(Subscription)
        .on_conflict_do_nothing(index_elements=["subscriber_id", "newsletter_id"])
        .returning(col(Subscription.subscriber_id))
    )
    return set(session.execute(statement, rows).scalars())
