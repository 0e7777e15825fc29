"""Who got what: the ledger, one row for each edition and reader."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from newsletter.models.states import BatchState, DeliveryState
from newsletter.models.table import Table, one_of

IN_DOUBT = text("unknown > 0")


class Batch(Table, table=True):
    """Up to 500 neighbouring deliveries: the unit of work, its watermark, its fence token, its sums."""

    __table_args__ = (
        one_of("state", BatchState),
        Index("ix_batch_state", "state", "due_at"),
        Index("ix_batch_in_doubt", "edition_id", sqlite_where=IN_DOUBT, postgresql_where=IN_DOUBT),
    )

    edition_id: int = Field(primary_key=True, foreign_key="edition.id")
    no: int = Field(primary_key=True)
    lane: str = Field(max_length=32)
    due_at: datetime
    not_before: datetime
    deadline: datetime
    state: str = Field(default=BatchState.READY, max_length=16)
    retry_at: datetime | None = None
    size: int
    begun: int = 0
    token: int = 0
    sent: int = 0
    deferred: int = 0
    failed: int = 0
    unknown: int = 0
    expired: int = 0
    cancelled: int = 0
    moved: int = 0


class Delivery(Table, table=True):
    """One edition to one subscriber: a row of the ledger.

    The freeze writes a million of them at a stroke, from editions and subscribers that are there and never
    go away: so neither is declared a foreign key, for each row would be looked up, and locked, once more.
    """

    __table_args__ = (
        UniqueConstraint("edition_id", "subscriber_id"),
        one_of("state", DeliveryState),
        # Half-filled pages let a settling update stay in its page; without row numbers there is one tree less
        {"postgresql_with": {"fillfactor": 50}, "sqlite_with_rowid": False},
    )

    edition_id: int = Field(primary_key=True)
    batch_no: int = Field(primary_key=True)
    pos: int = Field(primary_key=True)
    subscriber_id: int
    attempt: int = 1
    state: str = Field(default=DeliveryState.QUEUED, max_length=16)
    fate: str = Field(default="", max_length=16)
    next_at: datetime | None = None
    settled_at: datetime | None = None
    relay: str = Field(default="", max_length=64)
    reply: str = ""


class Attempt(Table, table=True):
    """An answer that was not the last one."""

    edition_id: int = Field(primary_key=True, foreign_key="edition.id")
    subscriber_id: int = Field(primary_key=True, foreign_key="subscriber.id", index=True)
    attempt: int = Field(primary_key=True)
    at: datetime
    fate: str = Field(max_length=16)
    relay: str = Field(max_length=64)
    reply: str
