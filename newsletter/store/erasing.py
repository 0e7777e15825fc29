"""Erasure: of a person the number stays, and the ledger's rows with it; words and names go.

What may quote somebody is blanked where it is theirs, and the address is taken out of whatever else names
it. The hash in the suppression is what keeps an erased address from coming in again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlmodel import Session, col

from newsletter.models import (
    Attempt,
    Delivery,
    Edition,
    History,
    Letter,
    MailedLink,
    Subscriber,
    Subscription,
    SubscriptionState,
    Suppression,
    SuppressionReason,
)
from newsletter.store import letters
from newsletter.store.dialect import insert_for

# Words of servers and people that may name somebody whose row it is not
_FREE_TEXTS: tuple[tuple[Any, Any], ...] = (
    (Delivery, Delivery.reply), (Attempt, Attempt.reply), (History, History.why), (Edition, Edition.why),
    (Suppression, Suppression.detail), (Letter, Letter.reply),
)  # fmt: skip


def erase(session: Session, subscriber_id: int, now: datetime) -> str:
    """Blank everything that says who the subscriber is; returns the address, empty when there is none.

    The subscriber is locked first: retries that are about it wait, or are waited for; a row that is frozen
    meanwhile has no answer yet, and is never begun. An answer that is settled meanwhile is blanked here, or
    by who settles it (`forget_answers`).
    """
    person = session.get(Subscriber, subscriber_id, with_for_update=True)
    if person is None or person.address is None:
        return ""
    address, key = person.address, person.address_key
    _erase_answers(session, subscriber_id)
    session.execute(
        update(History)
        .where(col(History.what) == "subscriber", col(History.what_id) == subscriber_id)
        .values(why="")
    )
    letters.forget(session, or_(col(Letter.subscriber_id) == subscriber_id, col(Letter.address) == address))
    session.execute(
        update(Subscription)
        .where(col(Subscription.subscriber_id) == subscriber_id)
        .values(
            state=SubscriptionState.ENDED, ended_at=func.coalesce(col(Subscription.ended_at), now),
            paused_until=None, zone="", consent_text="", consent_source="", consent_network="", sections=(),
        )
    )  # fmt: skip
    session.execute(
        delete(MailedLink).where(
            or_(col(MailedLink.address_key) == key, col(MailedLink.subscriber_id) == subscriber_id)
        )
    )
    session.execute(
        update(Subscriber)
        .where(col(Subscriber.id) == subscriber_id)
        .values(address=None, address_key="", name="", attributes={})
    )
    _suppress(session, key, now)
    return address


def _erase_answers(session: Session, subscriber_id: int) -> None:
    for table in (Delivery, Attempt):
        # The index finds a person's delivery by its edition
        of_editions = col(table.edition_id).in_(select(col(Edition.id)))
        session.execute(
            update(table)
            .where(of_editions, col(table.subscriber_id) == subscriber_id)
            .values(reply="")
            .execution_options(synchronize_session=False)
        )


def is_named(session: Session, address: str) -> bool:
    """Whether a text that is not the person's own names the address. Reads all of the ledger."""
    return any(
        session.execute(select(column).where(_names(column, address)).limit(1)).first() is not None
        for _, column in _FREE_TEXTS
    )


def take_out(session: Session, address: str) -> None:
    """Blank every text that names the address."""
    for table, column in _FREE_TEXTS:
        session.execute(
            update(table)
            .where(_names(column, address))
            .values({column: ""})
            .execution_options(synchronize_session=False)
        )


def forget_answers(session: Session, edition_id: int, subscriber_ids: list[int]) -> None:
    """Blank what servers said of people who were forgotten while their mail was on the wire."""
    forgotten = select(col(Subscriber.id)).where(
        col(Subscriber.id).in_(subscriber_ids), col(Subscriber.address).is_(None)
    )
    session.execute(
        update(Delivery)
        .where(col(Delivery.edition_id) == edition_id, col(Delivery.subscriber_id).in_(forgotten))
        .values(reply="")
        .execution_options(synchronize_session=False)
    )


def is_sole_name(session: Session, name: str) -> bool:
    """Whether nobody else has this name."""
    others = select(func.count()).select_from(Subscriber).where(col(Subscriber.name) == name)
    return bool(name) and session.execute(others).scalar_one() <= 1


def _names(column: Any, address: str) -> Any:
    # SQLite lowers only ASCII
    return or_(
        func.lower(column).contains(address.lower(), autoescape=True),
        col(column).contains(address, autoescape=True),
    )


def _suppress(session: Session, key: str, now: datetime) -> None:
    insert = insert_for(session)(Suppression).values(
        address_key=key, reason=SuppressionReason.FORGOTTEN, detail="", since=now
    )
    session.execute(
        insert.on_conflict_do_update(
            index_elements=["address_key"],
            set_={"reason": SuppressionReason.FORGOTTEN, "detail": "", "since": now},
        )
    )
