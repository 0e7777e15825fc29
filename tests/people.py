"""Alice, Bob and Charlie, and as many more readers as a story needs.

Alice reads every day. Bob reads on weekdays. Charlie has left.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlmodel import Session

from newsletter.models import (
    Cadence,
    Edition,
    EditionKind,
    Newsletter,
    Subscriber,
    Subscription,
    SubscriptionState,
)
from newsletter.store import editions

NINE = datetime(2026, 2, 18, 14, 0, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def make_newsletter(session: Session, slug: str = "today") -> int:
    row = Newsletter(slug=slug, name="Today", created_at=LONG_AGO)
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def make_reader(
    session: Session,
    newsletter_id: int,
    address: str,
    *,
    lane: str = "rest",
    state: SubscriptionState = SubscriptionState.ACTIVE,
    cadence: Cadence = Cadence.DAILY,
    name: str = "",
) -> int:
    person = Subscriber(
        address=address, address_key=f"key of {address}", lane=lane, name=name, created_at=LONG_AGO
    )
    session.add(person)
    session.flush()
    assert person.id is not None
    session.add(
        Subscription(
            subscriber_id=person.id, newsletter_id=newsletter_id, state=state, cadence=cadence,
            active_since=LONG_AGO,
        )
    )  # fmt: skip
    session.flush()
    return person.id


def make_readers(session: Session, newsletter_id: int, count: int, *, lane: str = "rest") -> list[int]:
    return [
        make_reader(session, newsletter_id, f"reader{number}@{lane}.example", lane=lane)
        for number in range(count)
    ]


def make_edition(session: Session, newsletter_id: int, *, slug: str = "2026-02-18") -> Edition:
    made = editions.create(
        session,
        newsletter_id,
        slug,
        EditionKind.DAILY,
        datetime.fromisoformat(slug[:10]).date(),
        NINE,
        LONG_AGO,
    )
    assert made is not None
    return made
