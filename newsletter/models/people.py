"""Who reads: people, their places on newsletters, and who must not be mailed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import JSON, Column, Dialect, Index, Text, TypeDecorator, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from newsletter.models.states import Cadence, SubscriptionState, SuppressionReason
from newsletter.models.table import Table, one_of

# PostgreSQL compares and joins only its binary kind
ATTRIBUTES = JSON().with_variant(JSONB(), "postgresql")


class Names(TypeDecorator[tuple[str, ...]]):
    """Names in one column, a line each, with a line end before them too: so either store can look for one.

    None at all is the empty text.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> str:  # noqa: ARG002
        return as_lines(value or ())

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:  # noqa: ARG002
        return in_lines(value or "")


def in_lines(text: str) -> tuple[str, ...]:
    """The names that a column of them holds."""
    return tuple(text.split("\n")[1:-1])


def as_lines(names: Sequence[str]) -> str:
    """What a column of names holds of these."""
    return "".join(("\n", *(f"{name}\n" for name in names))) if names else ""


class Subscriber(Table, table=True):
    """A person with an address. `address_key` is its keyed hash, by which suppressions find it.

    Of who was forgotten only the number stays: no address, an empty key, no name, no attributes.
    """

    id: int | None = Field(default=None, primary_key=True)
    address: str | None = Field(default=None, max_length=320, unique=True)
    address_key: str = Field(max_length=64, index=True)
    lane: str = Field(max_length=32)
    name: str = Field(default="", max_length=200)
    attributes: dict[str, str] = Field(
        default_factory=dict, sa_column=Column(ATTRIBUTES, nullable=False, server_default=text("'{}'"))
    )
    created_at: datetime


class Subscription(Table, table=True):
    """A subscriber's place on a newsletter, with the proof of consent.

    `sections` are those that the reader chose, since `sections_since`; who chose none gets all.
    """

    __table_args__ = (
        Index("ix_subscription_audience", "newsletter_id", "state"),
        one_of("state", SubscriptionState),
        one_of("cadence", Cadence),
    )

    subscriber_id: int = Field(primary_key=True, foreign_key="subscriber.id")
    newsletter_id: int = Field(primary_key=True, foreign_key="newsletter.id")
    state: str = Field(max_length=16)
    cadence: str = Field(default=Cadence.DAILY, max_length=16)
    zone: str = Field(default="", max_length=64, sa_column_kwargs={"server_default": text("''")})
    active_since: datetime | None = None
    ended_at: datetime | None = None
    paused_until: datetime | None = None
    consent_text: str = ""
    consent_source: str = ""
    consent_at: datetime | None = None
    consent_network: str = Field(default="", max_length=64, sa_column_kwargs={"server_default": text("''")})
    confirmed_at: datetime | None = None
    sections: tuple[str, ...] = Field(
        default=(), sa_column=Column(Names(), nullable=False, server_default=text("''"))
    )
    sections_since: datetime | None = None


class Suppression(Table, table=True):
    """An address that is not mailed, and why; known by its keyed hash alone, so it outlives erasure."""

    __table_args__ = (one_of("reason", SuppressionReason),)

    address_key: str = Field(primary_key=True, max_length=64)
    reason: str = Field(max_length=16)
    detail: str = ""
    since: datetime
