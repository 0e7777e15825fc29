"""What somebody asked for on the web, and the mailed link that only the mailbox's owner gets."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Index, text
from sqlmodel import Field

from newsletter.models.people import ATTRIBUTES
from newsletter.models.states import LinkPurpose
from newsletter.models.table import Table, one_of


class MailedLink(Table, table=True):
    """A link that works once. Its token is made anew from `id` and `nonce` whenever it is needed, and stands
    nowhere in the store.

    `mailbox_key` is the keyed hash of the mailbox behind the spelling, `network` a truncated address, for the
    limits; `browser` is the hash of the cookie that the asking browser got. A row goes when nobody can use it
    any more and no limit counts it.
    """

    __tablename__ = "mailed_link"
    __table_args__ = (
        one_of("purpose", LinkPurpose),
        Index("ix_mailed_link_mailbox", "mailbox_key", "asked_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    purpose: str = Field(max_length=16)
    nonce: str = Field(max_length=32)
    address: str = Field(default="", max_length=320)
    address_key: str = Field(default="", max_length=64, index=True)
    mailbox_key: str = Field(default="", max_length=64)
    domain: str = Field(default="", max_length=255)
    network: str = Field(default="", max_length=64)
    newsletters: list[int] = Field(
        default_factory=list, sa_column=Column(ATTRIBUTES, nullable=False, server_default=text("'[]'"))
    )
    subscriber_id: int | None = Field(default=None, foreign_key="subscriber.id", index=True)
    consent_text: str = ""
    source: str = ""
    browser: str = Field(default="", max_length=64)
    asked_at: datetime = Field(index=True)
    expires_at: datetime
    used_at: datetime | None = None
