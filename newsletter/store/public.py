"""What anybody may read: editions that have begun to go out, and the renditions behind them.

An edition is on the web from the moment its first row has begun, and in the archive once something
of it went out. Both are read from the batches' sums, which outlive the ledger's rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, or_, select
from sqlmodel import Session, col

from newsletter.models import Batch, Edition, EditionKind, Newsletter, Rendition


@dataclass(frozen=True, slots=True)
class PastEdition:
    """An edition that went out; `day` is the local date of its newsletter."""

    slug: str
    kind: EditionKind
    subject: str
    day: date


def went_out(session: Session, newsletter: str, *, skip: int, limit: int) -> tuple[PastEdition, ...]:
    """Editions of which at least one delivery is `sent` or `unknown`, newest first."""
    query = (
        select(Edition.slug, Edition.kind, Edition.subject, Edition.local_date)  # type: ignore[call-overload]
        .join(Newsletter, col(Newsletter.id) == col(Edition.newsletter_id))
        .where(col(Newsletter.slug) == newsletter, _some_batch(col(Batch.sent) + col(Batch.unknown) > 0))
        .order_by(col(Edition.due_at).desc(), col(Edition.id).desc())
        .offset(skip)
        .limit(limit)
    )
    return tuple(
        PastEdition(row.slug, EditionKind(row.kind), row.subject, row.local_date)
        for row in session.execute(query)
    )


def begun_rendition(session: Session, newsletter: str, slug: str) -> int | None:
    """The rendition that is being sent or was sent; None for an edition of which no row has begun."""
    begun = or_(col(Batch.begun) > 0, col(Batch.sent) + col(Batch.unknown) > 0)
    query = (
        _edition(newsletter, slug, col(Edition.rendition_id))
        .where(col(Edition.began_at).is_not(None))
        .where(_some_batch(begun))
    )
    return session.execute(query).scalar_one_or_none()


def version_rendition(
    session: Session, newsletter: str, slug: str, edition_id: int, version: int
) -> int | None:
    """What this version shows, if `edition_id` is the edition that the address names.

    A decision is a version too, and shows what was rendered before it.
    """
    query = (
        _edition(newsletter, slug, col(Rendition.id))
        .join(Rendition, col(Rendition.edition_id) == col(Edition.id))
        .where(col(Edition.id) == edition_id, col(Rendition.edition_version) <= version)
        .order_by(col(Rendition.edition_version).desc(), col(Rendition.id).desc())
        .limit(1)
    )
    return session.execute(query).scalar_one_or_none()


def _edition(newsletter: str, slug: str, column: Any) -> Select[Any]:
    return (
        select(column)
        .select_from(Edition)
        .join(Newsletter, col(Newsletter.id) == col(Edition.newsletter_id))
        .where(col(Newsletter.slug) == newsletter, col(Edition.slug) == slug)
    )


def _some_batch(holds: Any) -> Any:
    return select(Batch.no).where(col(Batch.edition_id) == col(Edition.id), holds).exists()  # type: ignore[call-overload]
