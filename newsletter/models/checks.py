"""What checks have seen, and what people let stand."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from newsletter.models.states import LinkVerdict
from newsletter.models.table import Table, one_of


class LinkCheck(Table, table=True):
    """What an address of an edition, a link or a picture, answered when it was last looked at.

    `fails` counts how often in a row it was found gone.
    """

    __tablename__ = "link_check"
    __table_args__ = (one_of("verdict", LinkVerdict),)

    address: str = Field(primary_key=True)
    checked_at: datetime = Field(index=True)
    verdict: str = Field(max_length=16)
    status: int = 0
    ms: int = 0
    bytes: int = 0
    content_type: str = Field(default="", max_length=100)
    final_url: str = ""
    trouble: str = ""
    fails: int = 0


class Waiver(Table, table=True):
    """That a person lets a warning of an edition stand, and why. `article_id` is 0 for the whole edition."""

    edition_id: int = Field(primary_key=True, foreign_key="edition.id")
    code: str = Field(primary_key=True, max_length=32)
    article_id: int = Field(primary_key=True)
    version: int
    who: str = Field(max_length=64)
    at: datetime
    why: str
