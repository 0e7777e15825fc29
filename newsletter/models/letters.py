"""Letters: mails to one person that are no editions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field

from newsletter.models.states import DeliveryState, LetterKind
from newsletter.models.table import Table, one_of


class Letter(Table, table=True):
    """One letter, by the purpose that makes it one; its states are a delivery's.

    `values` is what its template prints beside the links that are made from the numbers. A link that
    opens something stands there only until the letter's fate is settled, then they are blanked.
    `owner` is the courier that has begun it: `queued` with an owner is on the wire. `avoid` names a
    relay that is to be the last choice.
    """

    __table_args__ = (
        one_of("kind", LetterKind),
        one_of("state", DeliveryState),
        Index("ix_letter_waiting", "state", "next_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(max_length=200, unique=True)
    kind: str = Field(max_length=16)
    address: str = Field(max_length=320)
    subscriber_id: int | None = Field(default=None, foreign_key="subscriber.id", index=True)
    person_id: int | None = Field(default=None, index=True)
    newsletter_id: int | None = Field(default=None, foreign_key="newsletter.id")
    values: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    avoid: str = Field(default="", max_length=64)
    state: str = Field(default=DeliveryState.QUEUED, max_length=16)
    fate: str = Field(default="", max_length=16)
    attempt: int = 0
    owner: str = Field(default="", max_length=32)
    created_at: datetime = Field(index=True)
    next_at: datetime
    deadline: datetime
    settled_at: datetime | None = None
    relay: str = Field(default="", max_length=64)
    reply: str = ""
