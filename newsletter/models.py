"""The tables, and the states that rows pass through.

Instants are UTC (`datetime` is sqlmodel's UTCDateTime: naive values are refused). There are no
relationships: store functions return frozen values. Rules that must hold whatever the caller does
are CHECK constraints, because table models are not validated.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import JSON, CheckConstraint, Column, Index, LargeBinary, MetaData, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Table(SQLModel):
    metadata: ClassVar[MetaData] = MetaData(naming_convention=NAMES)


class ArticleKind(StrEnum):
    """What an article can fill: most are stories; the others have a slot of their own."""

    STORY = "story"
    VIDEO = "video"
    NOTE = "note"
    SPONSOR = "sponsor"


class Slot(StrEnum):
    LEAD = "lead"
    HEADLINES = "headlines"
    VIDEO = "video"
    MORE = "more"
    NOTE = "note"
    SPONSOR = "sponsor"
    SOCIAL = "social"


class EditionKind(StrEnum):
    DAILY = "daily"
    EXTRA = "extra"
    WEEKLY = "weekly"
    CORRECTION = "correction"


class EditionState(StrEnum):
    DRAFT = "draft"
    APPROVED = "approved"
    FROZEN = "frozen"
    SENDING = "sending"
    SENT = "sent"
    HELD = "held"
    PAUSED = "paused"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class BatchState(StrEnum):
    READY = "ready"
    RUNNING = "running"
    DONE = "done"


class DeliveryState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class SubscriptionState(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    ENDED = "ended"


class Cadence(StrEnum):
    DAILY = "daily"
    WEEKDAYS = "weekdays"
    WEEKLY = "weekly"


class SuppressionReason(StrEnum):
    DEAD = "dead"
    COMPLAINT = "complaint"
    FORGOTTEN = "forgotten"


def _one_of(column: str, states: type[StrEnum]) -> CheckConstraint:
    allowed = ", ".join(f"'{state.value}'" for state in states)
    return CheckConstraint(f"{column} IN ({allowed})", name=column)


class Newsletter(Table, table=True):
    """A publication as the configuration names it; rows refer to its id, so that a slug can change."""

    id: int | None = Field(default=None, primary_key=True)
    slug: str = Field(max_length=64, unique=True)
    name: str = Field(max_length=200)
    created_at: datetime


class Feed(Table, table=True):
    """A place where articles are gathered from, and how it fared lately."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=64, unique=True)
    url: str
    etag: str = ""
    last_modified: str = ""
    fetched_at: datetime | None = None
    succeeded_at: datetime | None = None
    failures: int = 0
    trouble: str = ""


class Article(Table, table=True):
    """One story in the pool, under its canonical address."""

    __table_args__ = (_one_of("kind", ArticleKind),)

    id: int | None = Field(default=None, primary_key=True)
    url: str = Field(unique=True)
    kind: str = Field(default=ArticleKind.STORY, max_length=16)
    title: str
    summary: str = ""
    byline: str = ""
    section: str = ""
    language: str = Field(default="", max_length=16)
    picture_url: str = ""
    picture_width: int = 0
    picture_height: int = 0
    picture_alt: str = ""
    duration: str = Field(default="", max_length=16)
    html: str = Field(default="", sa_column=Column(Text, nullable=False))
    published_at: datetime
    first_seen_at: datetime = Field(index=True)
    updated_at: datetime
    hidden_at: datetime | None = None


class ArticleFeed(Table, table=True):
    """Where and when an article was first seen, under which guid, and how high it stood."""

    __tablename__ = "article_feed"

    article_id: int = Field(primary_key=True, foreign_key="article.id")
    feed_id: int = Field(primary_key=True, foreign_key="feed.id", index=True)
    guid: str
    rank: int
    length: int
    first_seen_at: datetime
    last_seen_at: datetime


class Edition(Table, table=True):
    """What a newsletter sends once."""

    __table_args__ = (
        UniqueConstraint("newsletter_id", "slug"),
        _one_of("state", EditionState),
        _one_of("kind", EditionKind),
    )

    id: int | None = Field(default=None, primary_key=True)
    newsletter_id: int = Field(foreign_key="newsletter.id")
    slug: str = Field(max_length=64)
    kind: str = Field(max_length=16)
    local_date: date
    due_at: datetime = Field(index=True)
    state: str = Field(default=EditionState.DRAFT, max_length=16, index=True)
    version: int = 1
    late: bool = False
    why: str = ""
    resume_to: str = Field(default="", max_length=16)
    subject: str = ""
    closed_at: datetime | None = None
    approved_at: datetime | None = None
    frozen_at: datetime | None = None
    began_at: datetime | None = None
    finished_at: datetime | None = None
    rendition_id: int | None = None
    reasons: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    created_at: datetime


class Entry(Table, table=True):
    """An article placed in a slot of an edition, and why it is there."""

    __table_args__ = (UniqueConstraint("edition_id", "slot", "section", "position"), _one_of("slot", Slot))

    id: int | None = Field(default=None, primary_key=True)
    edition_id: int = Field(foreign_key="edition.id", index=True)
    article_id: int = Field(foreign_key="article.id", index=True)
    slot: str = Field(max_length=16)
    section: str = ""
    position: int
    pinned: bool = False
    headline: str = ""
    summary: str = ""
    why: str = ""


class Rendition(Table, table=True):
    """An edition rendered once: exactly these bytes are previewed, sent and archived."""

    id: int | None = Field(default=None, primary_key=True)
    edition_id: int = Field(foreign_key="edition.id", index=True)
    edition_version: int
    theme: str
    hash: str = Field(max_length=64)
    subject: str
    preheader: str = ""
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime


class Batch(Table, table=True):
    """Up to 500 neighbouring deliveries: the unit of work, its watermark, its fence token, its sums."""

    __table_args__ = (_one_of("state", BatchState), Index("ix_batch_state", "state", "due_at"))

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
    """One edition to one subscriber: a row of the ledger."""

    __table_args__ = (
        UniqueConstraint("edition_id", "subscriber_id"),
        _one_of("state", DeliveryState),
        # Half-filled pages let a settling update stay in its page
        {"postgresql_with": {"fillfactor": 50}},
    )

    edition_id: int = Field(primary_key=True, foreign_key="edition.id")
    batch_no: int = Field(primary_key=True)
    pos: int = Field(primary_key=True)
    subscriber_id: int = Field(foreign_key="subscriber.id", index=True)
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


class Subscriber(Table, table=True):
    """A person with an address. `address_key` is its keyed hash, by which suppressions find it."""

    id: int | None = Field(default=None, primary_key=True)
    address: str | None = Field(default=None, max_length=320, unique=True)
    address_key: str = Field(max_length=64, index=True)
    lane: str = Field(max_length=32)
    name: str = Field(default="", max_length=200)
    created_at: datetime


class Subscription(Table, table=True):
    """A subscriber's place on a newsletter, with the proof of consent."""

    __table_args__ = (
        Index("ix_subscription_audience", "newsletter_id", "state"),
        _one_of("state", SubscriptionState),
        _one_of("cadence", Cadence),
    )

    subscriber_id: int = Field(primary_key=True, foreign_key="subscriber.id")
    newsletter_id: int = Field(primary_key=True, foreign_key="newsletter.id")
    state: str = Field(max_length=16)
    cadence: str = Field(default=Cadence.DAILY, max_length=16)
    active_since: datetime | None = None
    ended_at: datetime | None = None
    paused_until: datetime | None = None
    consent_text: str = ""
    consent_source: str = ""
    consent_at: datetime | None = None


class Suppression(Table, table=True):
    """An address that is not mailed, and why; known by its keyed hash alone, so it outlives erasure."""

    __table_args__ = (_one_of("reason", SuppressionReason),)

    address_key: str = Field(primary_key=True, max_length=64)
    reason: str = Field(max_length=16)
    detail: str = ""
    since: datetime


class Lease(Table, table=True):
    """Who alone does a thing (delivering, scheduling), and when it last said so in machine time."""

    name: str = Field(primary_key=True, max_length=32)
    owner: str = ""
    host: str = ""
    process: str = ""
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
