"""Sections: which an edition has, which a reader chose, and what passed by whom for that."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Text, func, or_, select, type_coerce, update
from sqlmodel import Session, col

from newsletter.models import (
    Delivery,
    Edition,
    EditionKind,
    Entry,
    Newsletter,
    Slot,
    Subscription,
    SubscriptionState,
)

_CHOSEN: Any = type_coerce(col(Subscription.sections), Text)


@dataclass(frozen=True, slots=True)
class PassedBy:
    """An edition that had nothing of what a reader had chosen when it was frozen."""

    edition: str
    kind: EditionKind
    day: date
    frozen_at: datetime
    sections: tuple[str, ...]


def sections_of(session: Session, edition_id: int) -> frozenset[str]:
    """The sections in which the edition has entries; lead, video, note and sponsor stand in none."""
    found = select(Entry.section).where(col(Entry.edition_id) == edition_id, _IN_A_SECTION)  # type: ignore[call-overload]
    return frozenset(session.execute(found).scalars())


def sections_ahead(session: Session, newsletter_id: int, slug: str) -> frozenset[str] | None:
    """The sections of an edition to come; None while nothing has been chosen for it."""
    found = select(Entry.section, Entry.slot).join(Edition, col(Edition.id) == col(Entry.edition_id))  # type: ignore[call-overload]
    found = found.where(col(Edition.newsletter_id) == newsletter_id, col(Edition.slug) == slug)
    entries = session.execute(found).all()
    return frozenset(entry.section for entry in entries if entry.slot == Slot.HEADLINES) if entries else None


def reads_any_of(sections: Collection[str]) -> Any:
    """Whoever chose no sections, or one of these."""
    return or_(_CHOSEN == "", *(_holds(f"\n{name}\n") for name in sorted(sections)))


def choose(
    session: Session, subscriber_id: int, newsletter_id: int, sections: Sequence[str], now: datetime
) -> bool:
    """Give a place that has not ended these sections, none for all; False where nothing changed."""
    changed = session.execute(
        update(Subscription)
        .where(
            col(Subscription.subscriber_id) == subscriber_id,
            col(Subscription.newsletter_id) == newsletter_id,
            col(Subscription.state) != SubscriptionState.ENDED,
            col(Subscription.sections) != tuple(sections),
        )
        .values(sections=tuple(sections), sections_since=now if sections else None)
        .execution_options(synchronize_session=False)
    )
    return bool(changed.rowcount == 1)  # type: ignore[attr-defined]


def passed_by(session: Session, subscriber_id: int, limit: int) -> Iterator[PassedBy]:
    """Editions in which nothing was for a reader, latest first, as far as today's choice explains it.

    Of an edition whose deliveries retention has dropped nothing is said: who had one is no longer known.
    """
    of_edition = select(Delivery.pos).where(col(Delivery.edition_id) == col(Edition.id)).correlate(Edition)  # type: ignore[call-overload]
    of_interest = (
        select(Entry.id)  # type: ignore[call-overload]
        .where(
            col(Entry.edition_id) == col(Edition.id), _IN_A_SECTION,
            _holds("\n" + col(Entry.section) + "\n"),
        )
        .correlate(Edition, Subscription)
    )  # fmt: skip
    query = (
        select(
            Newsletter.slug, Edition.slug, Edition.kind, Edition.local_date, Edition.frozen_at,
            Subscription.sections,
        )  # type: ignore[call-overload]
        .join(Newsletter, col(Newsletter.id) == col(Edition.newsletter_id))
        .join(Subscription, col(Subscription.newsletter_id) == col(Edition.newsletter_id))
        .where(
            col(Subscription.subscriber_id) == subscriber_id,
            col(Subscription.state) == SubscriptionState.ACTIVE,
            _CHOSEN != "",
            col(Edition.frozen_at) >= col(Subscription.sections_since),
            col(Edition.frozen_at) >= col(Subscription.active_since),
            ~of_interest.exists(),
            of_edition.exists(),
            ~of_edition.where(col(Delivery.subscriber_id) == subscriber_id).exists(),
        )
        .order_by(col(Edition.frozen_at).desc())
        .limit(limit)
    )  # fmt: skip
    for newsletter, slug, kind, day, frozen_at, sections in session.execute(query):
        yield PassedBy(f"{newsletter}/{slug}", EditionKind(kind), day, frozen_at, sections)


_IN_A_SECTION = col(Entry.slot) == Slot.HEADLINES


def _holds(line: Any) -> Any:
    # LIKE would take "sport" for "Sport" on SQLite, and only there
    return func.replace(_CHOSEN, line, "") != _CHOSEN
