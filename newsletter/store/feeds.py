"""Feeds: the configuration's, mirrored as rows, and how each of them fares."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import func, literal, update
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from newsletter.config import FeedSource
from newsletter.models import Feed
from newsletter.store.dialect import insert_for

# What is known of an address, and of no other
FORGOTTEN = {"etag": "", "last_modified": "", "retry_at": None, "failing_since": None}

# A feed that fails for so long, try after try, is worth a word to somebody
SILENT = timedelta(hours=2)


def is_silent(feed: Feed, now: datetime) -> bool:
    """It cannot be asked, or answers what nobody can read. One that answers well and has nothing new is
    not silent: small newsrooms sleep at night."""
    return feed.failing_since is not None and now - feed.failing_since >= SILENT


def sync_feeds(session: Session, sources: Iterable[FeedSource]) -> None:
    """Give every configured feed a row and its present address; nothing is ever deleted.

    A new address forgets the old one's validators and troubles: they were another server's.
    """
    rows = [
        {
            "name": source.name,
            "url": source.url,
            "etag": "",
            "last_modified": "",
            "failures": 0,
            "trouble": "",
        }
        for source in sources
    ]
    if not rows:
        return
    insert = insert_for(session)(Feed)
    session.execute(
        insert.on_conflict_do_update(
            index_elements=["name"],
            set_={"url": insert.excluded.url} | FORGOTTEN,
            where=col(Feed.url) != insert.excluded.url,
        ),
        rows,
    )


def record_success(session: Session, feed: Feed, now: datetime, *, etag: str, last_modified: str) -> None:
    session.execute(
        update(Feed)
        # The address may have changed while the old one was being fetched
        .where(col(Feed.id) == feed.id, col(Feed.url) == feed.url)
        .values(
            fetched_at=now,
            succeeded_at=now,
            failures=0,
            trouble="",
            retry_at=None,
            failing_since=None,
            etag=etag,
            last_modified=last_modified,
        )
    )


def record_trouble(session: Session, feed: Feed, now: datetime, trouble: str, retry_at: datetime) -> None:
    session.execute(
        update(Feed)
        .where(col(Feed.id) == feed.id, col(Feed.url) == feed.url)
        .values(
            fetched_at=now,
            failures=col(Feed.failures) + 1,
            trouble=trouble,
            retry_at=retry_at,
            failing_since=func.coalesce(col(Feed.failing_since), literal(now, UTCDateTime())),
        )
    )
