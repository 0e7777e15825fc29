"""What anybody may read: editions that have begun to go out, and the renditions behind them.

An edition is on the web from the moment its first row has begun, and in the archive once something
of it went out. Both are read from the batches' sums, which outlive the ledger's rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, extract, func, literal_column, or_, select
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table
from sqlmodel import Session, col

from newsletter.models import (
    Article,
    Batch,
    Correction,
    Edition,
    EditionKind,
    EditionState,
    Entry,
    History,
    Newsletter,
    Rendition,
    Slot,
)
from newsletter.store.dialect import is_postgresql


@dataclass(frozen=True, slots=True)
class PastEdition:
    """An edition that went out, as lists show it; `day` is the local date of its newsletter.

    Of a day that was skipped there is only `why`, and whether a person decided so.
    """

    slug: str
    kind: EditionKind
    subject: str
    summary: str
    day: date
    rendition_id: int | None
    began_at: datetime
    corrected_at: datetime | None
    is_skipped: bool = False
    why: str = ""
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """An edition as the web shows it: which rendition, and what its head says of it."""

    edition_id: int
    rendition_id: int
    subject: str
    summary: str
    began_at: datetime
    picture_url: str


@dataclass(frozen=True, slots=True)
class Corrected:
    """What readers are told of a correction, and when it was made."""

    what: str
    at: datetime


# ── lists ───────────────────────────────────────────────────────────────────────────────────────


def archive(
    session: Session, newsletter: str, now: datetime, *, year: int | None, skip: int, limit: int
) -> tuple[PastEdition, ...]:
    """What went out, and the days since the first of it that were skipped; newest first.

    An edition went out when at least one of its deliveries is `sent` or `unknown`.
    """
    listed = or_(_reached(), _skipped(newsletter, now))
    query = _listed().where(col(Newsletter.slug) == newsletter, listed)
    if year is not None:
        query = query.where(col(Edition.local_date).between(date(year, 1, 1), date(year, 12, 31)))
    return _editions(session.execute(_newest_first(query).offset(skip).limit(limit)))


def went_out(session: Session, newsletters: Collection[str], *, limit: int) -> tuple[PastEdition, ...]:
    """The newest editions that went out, of these newsletters together."""
    query = _listed().where(col(Newsletter.slug).in_(newsletters), _reached())
    return _editions(session.execute(_newest_first(query).limit(limit)))


def found(session: Session, newsletter: str, words: Iterable[str], *, limit: int) -> tuple[PastEdition, ...]:
    """What went out and has a word that begins like each of `words`, newest first.

    `words` are letters and digits alone, from `store.words`: no sign of a query language is among them.
    """
    query = _listed().where(col(Newsletter.slug) == newsletter, _reached(), _has_words(session, words))
    return _editions(session.execute(_newest_first(query).limit(limit)))


def years(session: Session, newsletter: str) -> tuple[int, ...]:
    """The years in which something went out, newest first."""
    year = extract("year", col(Edition.local_date))
    query = (
        select(year)
        .select_from(Edition)
        .join(Newsletter, col(Newsletter.id) == col(Edition.newsletter_id))
        .where(col(Newsletter.slug) == newsletter, _reached())
        .distinct()
    )
    return tuple(sorted((int(row) for row in session.execute(query).scalars()), reverse=True))


def addresses(
    session: Session, newsletters: Collection[str], *, limit: int
) -> tuple[tuple[str, str, datetime], ...]:
    """Newsletter, slug and last change of the newest editions that went out."""
    query = (
        select(col(Newsletter.slug), col(Edition.slug), func.coalesce(_corrected_at(), col(Edition.began_at)))
        .join(Newsletter, col(Newsletter.id) == col(Edition.newsletter_id))
        .where(col(Newsletter.slug).in_(newsletters), col(Edition.began_at).is_not(None), _reached())
    )
    return tuple((name, slug, at) for name, slug, at in session.execute(_newest_first(query).limit(limit)))


# ── one edition ─────────────────────────────────────────────────────────────────────────────────


def begun(session: Session, newsletter: str, slug: str) -> Shown | None:
    """What is being sent or was sent, as corrected since; None for an edition of which no row has begun."""
    some = or_(col(Batch.begun) > 0, col(Batch.sent) + col(Batch.unknown) > 0)
    query = (
        select(
            col(Edition.id), col(Rendition.id), col(Rendition.subject), col(Rendition.preheader),
            col(Edition.began_at),
            _lead_picture(),
        )
        .select_from(Edition)
        .join(Newsletter, col(Newsletter.id) == col(Edition.newsletter_id))
        .join(Rendition, col(Rendition.id) == _rendition_id())
        .where(col(Newsletter.slug) == newsletter, col(Edition.slug) == slug)
        .where(col(Edition.began_at).is_not(None), _some_batch(some))
    )  # fmt: skip
    row = session.execute(query).first()
    if row is None:
        return None
    number, rendition, subject, summary, began_at, picture = row
    return Shown(number, rendition, subject, summary, began_at, picture or "")


def version_rendition(
    session: Session, newsletter: str, slug: str, edition_id: int, version: int
) -> int | None:
    """What this version shows, if `edition_id` is the edition that the address names.

    A decision is a version too, and shows what was rendered before it.
    """
    query = (
        select(col(Rendition.id))
        .join(Edition, col(Rendition.edition_id) == col(Edition.id))
        .join(Newsletter, col(Newsletter.id) == col(Edition.newsletter_id))
        .where(col(Newsletter.slug) == newsletter, col(Edition.slug) == slug)
        .where(col(Edition.id) == edition_id, col(Rendition.edition_version) <= version)
        .order_by(col(Rendition.edition_version).desc(), col(Rendition.id).desc())
        .limit(1)
    )
    return session.execute(query).scalar_one_or_none()


def corrections(session: Session, edition_id: int) -> tuple[Corrected, ...]:
    """What was put right since it went out, newest first."""
    query = (
        select(col(Correction.what), col(Correction.at))
        .where(col(Correction.edition_id) == edition_id)
        .order_by(col(Correction.id).desc())
    )
    return tuple(Corrected(*row) for row in session.execute(query))


# ── inside ──────────────────────────────────────────────────────────────────────────────────────


def _listed() -> Select[*tuple[Any, ...]]:
    return (
        select(
            col(Edition.slug), col(Edition.kind), col(Rendition.subject), col(Rendition.preheader),
            col(Edition.local_date), col(Rendition.id).label("rendition_id"),
            func.coalesce(col(Edition.began_at), col(Edition.due_at)).label("at"),
            _corrected_at().label("corrected_at"), col(Edition.state), col(Edition.why),
            _skipped_by().label("who"),
        )
        .select_from(Edition)
        .join(Newsletter, col(Newsletter.id) == col(Edition.newsletter_id))
        .outerjoin(Rendition, col(Rendition.id) == _rendition_id())
    )  # fmt: skip


def _newest_first(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    return query.order_by(col(Edition.due_at).desc(), col(Edition.id).desc())


def _editions(rows: Iterable[Any]) -> tuple[PastEdition, ...]:
    return tuple(
        PastEdition(
            row.slug, EditionKind(row.kind), row.subject or "", row.preheader or "", row.local_date,
            row.rendition_id, row.at, row.corrected_at, is_skipped=row.state == EditionState.SKIPPED,
            why=row.why, by_hand=row.who not in (None, "scheduler"),
        )
        for row in rows
    )  # fmt: skip


def _rendition_id() -> ColumnElement[int]:
    return func.coalesce(col(Edition.corrected_rendition_id), col(Edition.rendition_id))


def _reached() -> Any:
    return _some_batch(col(Batch.sent) + col(Batch.unknown) > 0)


def _skipped(newsletter: str, now: datetime) -> ColumnElement[bool]:
    first = (
        select(func.min(col(Edition.due_at)))
        .join(Newsletter, col(Newsletter.id) == col(Edition.newsletter_id))
        .where(col(Newsletter.slug) == newsletter, _reached())
        .scalar_subquery()
    )
    return and_(
        col(Edition.state) == EditionState.SKIPPED,
        col(Edition.kind) == EditionKind.DAILY,
        col(Edition.due_at) <= now,
        col(Edition.due_at) > first,
    )


def _skipped_by() -> ColumnElement[str]:
    return (
        select(col(History.who))
        .where(
            col(History.what) == "edition", col(History.what_id) == col(Edition.id),
            col(History.act) == EditionState.SKIPPED,
        )
        .order_by(col(History.id).desc())
        .limit(1)
        .correlate(Edition)
        .scalar_subquery()
    )  # fmt: skip


def _corrected_at() -> ColumnElement[datetime]:
    latest = select(func.max(col(Correction.at))).where(col(Correction.edition_id) == col(Edition.id))
    return latest.correlate(Edition).scalar_subquery()


def _lead_picture() -> ColumnElement[str]:
    return (
        select(col(Article.picture_url))
        .join(Entry, col(Entry.article_id) == col(Article.id))
        .where(col(Entry.edition_id) == col(Edition.id), col(Entry.slot) == Slot.LEAD)
        .limit(1)
        .correlate(Edition)
        .scalar_subquery()
    )


def _some_batch(holds: Any) -> Any:
    return select(col(Batch.no)).where(col(Batch.edition_id) == col(Edition.id), holds).exists()


def _has_words(session: Session, words: Iterable[str]) -> ColumnElement[bool]:
    """The same of both stores: each has its own index over `rendition.words`, from migration 0014."""
    if is_postgresql(session):
        query = func.to_tsquery(literal_column("'simple'::regconfig"), " & ".join(f"{w}:*" for w in words))
        return func.to_tsvector(literal_column("'simple'::regconfig"), col(Rendition.words)).op("@@")(query)
    index = named_table("rendition_words", named_column("rowid"), named_column("rendition_words"))
    hits = select(index.c.rowid).where(
        index.c.rendition_words.op("MATCH")(" ".join(f'"{word}"*' for word in words))
    )
    return col(Rendition.id).in_(hits)
