"""What the program notes about itself: who alone does a thing, who did what when, what was ordered, and how
the relays stand."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from newsletter.models.states import AlertState
from newsletter.models.table import Table, one_of


class Lease(Table, table=True):
    """Who alone does a thing (delivering, scheduling), and when it last said so in machine time."""

    name: str = Field(primary_key=True, max_length=32)
    owner: str = ""
    host: str = ""
    process: str = ""
    beat_at: datetime


class Control(Table, table=True):
    """What a person ordered for the whole program; an empty value is the usual course."""

    name: str = Field(primary_key=True, max_length=16)
    value: str = Field(default="", max_length=64)
    who: str = Field(default="", max_length=64)
    at: datetime | None = None


class RelayRecord(Table, table=True):
    """How a relay was when somebody last looked: up or down, since when, and what it said."""

    __tablename__ = "relay"

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=64, unique=True)
    is_up: bool
    since: datetime
    looked_at: datetime
    trouble: str = ""
    carries_since: datetime | None = None


class Rate(Table, table=True):
    """How fast mail may go to a relay or a lane: what all workers on PostgreSQL share of it.

    `level` mails may go at `at`. `slowed_to` and `usual` are mails a second, since `slowed_at`.
    """

    name: str = Field(primary_key=True, max_length=80)
    level: float
    at: datetime
    slowed_to: float = 0.0
    usual: float = 0.0
    slowed_at: datetime | None = None


class Share(Table, table=True):
    """How many connections to a relay or a lane one of many workers has, and how many it could use.

    Who has not beaten lately has none any more.
    """

    name: str = Field(primary_key=True, max_length=80)
    worker: str = Field(primary_key=True, max_length=32)
    wanted: int
    held: int
    is_busy: bool
    beat_at: datetime


class History(Table, table=True):
    """Who did what, when, to what, and why."""

    __table_args__ = (Index("ix_history_what", "what", "what_id"),)

    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    who: str = Field(max_length=64)
    act: str = Field(max_length=32)
    what: str = Field(max_length=16)
    what_id: int
    why: str = ""


class Alert(Table, table=True):
    """One event, told over one channel: the key is what makes it once.

    `mark` tells apart what can happen to one thing again, such as a second stop. A try is claimed by
    moving `next_at` on, so that whoever dies in the middle of it leaves it to the next round.
    """

    __table_args__ = (
        UniqueConstraint("kind", "what", "what_id", "mark", "channel"),
        one_of("state", AlertState),
        Index("ix_alert_waiting", "state", "next_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(max_length=16)
    what: str = Field(max_length=16)
    what_id: int
    mark: str = Field(default="", max_length=32)
    channel: str = Field(max_length=16)
    at: datetime
    state: str = Field(default=AlertState.WAITING, max_length=16)
    tries: int = 0
    next_at: datetime
    trouble: str = ""


class Headcount(Table, table=True):
    """How many a newsletter's next daily was for when its audience was last counted in full."""

    newsletter_id: int = Field(primary_key=True, foreign_key="newsletter.id")
    people: int
    at: datetime
