"""Whom an edition that went out has not reached and who has no row in its ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlmodel import col

from newsletter.models import Delivery, Edition, Subscription
from newsletter.store.audience import audience_of


def without_row(edition: Edition, now: datetime) -> Select[Any]:
    """Those in the audience now, active since before the freeze, who have no delivery of this edition."""
    planned = select(Delivery.pos).where(  # type: ignore[call-overload]
        col(Delivery.edition_id) == edition.id,
        col(Delivery.subscriber_id) == col(Subscription.subscriber_id),
    )
    people = audience_of(edition, now)
    return people.where(
        col(Subscription.active_since) < (edition.frozen_at or edition.due_at), ~planned.exists()
    )
