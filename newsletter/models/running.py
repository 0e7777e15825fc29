"""What the program notes about itself: who alone does a thing, who did what when, what was ordered, and how
the relays stand."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from newsletter.models.table import Table


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
