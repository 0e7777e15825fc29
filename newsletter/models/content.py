"""What is published: newsletters, the pool of articles, editions and what they were rendered to."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Column, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field

from newsletter.models.states import ArticleKind, EditionKind, EditionState, Placed, Slot
from newsletter.models.table import Table, one_of

# SQLite adds a column to a table that has rows only with a default of the store's own
ADDED_LATER = {"server_default": text("''")}
NOT_YET = {"server_default": text("false")}


class Newsletter(Table, table=True):
    """A publication as the configuration names it; rows refer to its id, so that a slug can change."""

    id: int | None = Field(default=None, primary_key=True)
    slug: str = Field(max_length=64, unique=True)
    name: str = Field(max_length=200)
    created_at: datetime


class Feed(Table, table=True):
    """A place where articles are gathered from, and how it fared lately.

    A feed that fails is not asked before `retry_at`; `failing_since` is the first of its failures in a row.
    """

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=64, unique=True)
    url: str
    etag: str = ""
    last_modified: str = ""
    fetched_at: datetime | None = None
    succeeded_at: datetime | None = None
    failures: int = 0
    trouble: str = ""
    retry_at: datetime | None = None
    failing_since: datetime | None = None


class Article(Table, table=True):
    """One story in the pool, under its canonical address.

    `identity` is what that address has in common with all others that lead to it. `by_hand` names the
    fields that a person gave, which no feed changes; `date_note` says how the date was repaired, and
    `renewed_at` when another story was last found under this address.
    """

    __table_args__ = (one_of("kind", ArticleKind),)

    id: int | None = Field(default=None, primary_key=True)
    url: str = Field(unique=True)
    identity: str = Field(unique=True, index=True, sa_column_kwargs=ADDED_LATER)
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
    by_hand: str = Field(default="", sa_column_kwargs=ADDED_LATER)
    date_note: str = Field(default="", sa_column_kwargs=ADDED_LATER)
    renewed_at: datetime | None = None


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


class Verdict(Table, table=True):
    """What an editor decided of two articles: that they tell the same story, or two."""

    __table_args__ = (CheckConstraint("one_id < other_id", name="order"),)

    one_id: int = Field(primary_key=True, foreign_key="article.id")
    other_id: int = Field(primary_key=True, foreign_key="article.id", index=True)
    same: bool
    who: str = Field(max_length=64)
    at: datetime


class Edition(Table, table=True):
    """What a newsletter sends once.

    `by_hand` ones wait for `send`: the clock does not start them. `own_due_at` is the time that an
    extra was given, `own_subject` and `own_preheader` the editor's, and `approved_rendition_id` what was
    last approved.
    `own_intro` stands in place of the newsletter's, `corrects_id` is the edition whose error a correction
    is about, and `corrected_rendition_id` what the web shows since an edition was corrected.
    """

    __table_args__ = (
        UniqueConstraint("newsletter_id", "slug"),
        one_of("state", EditionState),
        one_of("kind", EditionKind),
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
    own_subject: str = Field(default="", sa_column_kwargs=ADDED_LATER)
    by_hand: bool = Field(default=False, sa_column_kwargs=NOT_YET)
    own_due_at: datetime | None = None
    approved_rendition_id: int | None = None
    own_intro: str = Field(default="", sa_type=Text, sa_column_kwargs=ADDED_LATER)
    corrects_id: int | None = None
    corrected_rendition_id: int | None = None
    own_preheader: str = Field(default="", sa_column_kwargs=ADDED_LATER)


class Entry(Table, table=True):
    """An article placed in a slot of an edition, and why it is there."""

    __table_args__ = (UniqueConstraint("edition_id", "slot", "section", "position"), one_of("slot", Slot))

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
    picture: str = Field(default="", sa_column_kwargs=ADDED_LATER)
    picture_alt: str = Field(default="", sa_column_kwargs=ADDED_LATER)


class Touch(Table, table=True):
    """What an editor did to an article in an edition; the machine leaves it so.

    `position` counts from 1 within slot and section. What was dropped keeps its place and its words,
    for whoever puts it back.
    """

    __table_args__ = (one_of("placed", Placed),)

    edition_id: int = Field(primary_key=True, foreign_key="edition.id")
    article_id: int = Field(primary_key=True, foreign_key="article.id", index=True)
    dropped: bool = False
    placed: str = Field(default=Placed.BY_THE_MACHINE, max_length=16)
    slot: str = Field(default="", max_length=16)
    section: str = ""
    position: int = 0
    headline: str = ""
    summary: str = ""
    picture: str = Field(default="", sa_column_kwargs=ADDED_LATER)
    picture_alt: str = Field(default="", sa_column_kwargs=ADDED_LATER)
    came_headline: str = Field(default="", sa_column_kwargs=ADDED_LATER)
    came_summary: str = Field(default="", sa_column_kwargs=ADDED_LATER)


class Mark(Table, table=True):
    """In which version a hand last changed a thing of an edition, and whose hand it was."""

    edition_id: int = Field(primary_key=True, foreign_key="edition.id")
    what: str = Field(primary_key=True, max_length=64)
    version: int
    who: str = Field(max_length=64)


class Snapshot(Table, table=True):
    """An edition as a hand left it in one version, for whoever wants it back: what was done to its articles,
    its page, and its own words."""

    edition_id: int = Field(primary_key=True, foreign_key="edition.id")
    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime
    who: str = Field(max_length=64)
    act: str = Field(max_length=32)
    told: str = ""
    touches: list[Any] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    page: list[Any] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    subject: str = ""
    preheader: str = ""


class Rendition(Table, table=True):
    """An edition rendered once: exactly these bytes are previewed, sent and archived.

    `program` is the version of the program that made it, `words` what it can be found by.
    """

    id: int | None = Field(default=None, primary_key=True)
    edition_id: int = Field(foreign_key="edition.id", index=True)
    edition_version: int
    theme: str
    hash: str = Field(max_length=64)
    subject: str
    preheader: str = ""
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime
    program: str = Field(default="", sa_column_kwargs=ADDED_LATER)
    words: str = Field(default="", sa_type=Text, sa_column_kwargs=ADDED_LATER)


class Correction(Table, table=True):
    """What was put right in an edition after it went out: the readers' words for it, and the new words.

    Empty words leave an entry's as they were. What was mailed stays stored as it was.
    """

    id: int | None = Field(default=None, primary_key=True)
    edition_id: int = Field(foreign_key="edition.id", index=True)
    at: datetime
    who: str = Field(max_length=64)
    what: str = Field(sa_column=Column(Text, nullable=False))
    article_id: int | None = Field(default=None, foreign_key="article.id")
    headline: str = ""
    summary: str = ""
