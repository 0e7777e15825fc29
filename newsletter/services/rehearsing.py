"""What an edition would be, without touching anything: today's, or any day's that is drafted or due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse
from newsletter.models import Edition, EditionKind
from newsletter.runtime import Runtime
from newsletter.schedule import next_due
from newsletter.services.drafting import Draft, as_it_stands, draft, refusal_of_few, render, too_few
from newsletter.services.timing import need_calendar, slug_of
from newsletter.store import editions, renditions
from newsletter.store.newsletters import newsletter_ids
from newsletter.values import Candidate, Choice, Rendition


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What an edition would be, were it closed now."""

    edition: Edition
    choice: Choice
    pool: Mapping[int, Candidate]
    rendition: Rendition


@dataclass(frozen=True, slots=True)
class Preview:
    """What a draft would hold now; `few` says why it would be skipped, when it would."""

    edition: Edition
    draft: Draft
    few: str


def rehearse(runtime: Runtime, newsletter: NewsletterSettings, now: datetime, *, slug: str = "") -> Rehearsal:
    """Choose and compile an edition as it would be now.

    Today's, unless `slug` names another. Raises Refused when there would be none.
    """
    with runtime.database.reading() as session:
        day = now.astimezone(newsletter.zone).date()
        found = _find(session, newsletter, slug or day.isoformat())
        if found is None and slug:
            raise Misuse(
                f"{newsletter.slug} has no edition {slug!r}.",
                next_step=f"newsletter editions list {newsletter.slug}",
            )
        edition = found or _unwritten(session, newsletter, day, now, now)
        drafted = as_it_stands(runtime, session, newsletter, edition, now)
        stored = renditions.read(session, edition.rendition_id) if edition.rendition_id else None
    few = too_few(newsletter, edition, drafted.choice)
    if few and stored is None:
        raise refusal_of_few(newsletter, edition, "would be skipped", few)
    rendition = stored or render(runtime, newsletter, edition, drafted)
    return Rehearsal(edition, drafted.choice, drafted.pool, rendition)


def preview(
    runtime: Runtime, newsletter: NewsletterSettings, now: datetime, *, kind: EditionKind = EditionKind.DAILY
) -> Preview:
    """Choose the edition of this kind that is due next after `now`, as it would be were it closed now.

    Raises Misuse for the weekly of a newsletter that has none.
    """
    due = next_due(need_calendar(newsletter, kind), now)
    with runtime.database.reading() as session:
        edition = _unwritten(session, newsletter, due.day, due.at, now, kind)
        edition = _find(session, newsletter, edition.slug) or edition
        drafted = draft(runtime, session, newsletter, edition, closed_at=now)
    return Preview(edition, drafted, too_few(newsletter, edition, drafted.choice))


def _find(session: Session, newsletter: NewsletterSettings, slug: str) -> Edition | None:
    return editions.find(session, newsletter_ids(session).get(newsletter.slug, 0), slug)


def _unwritten(
    session: Session,
    newsletter: NewsletterSettings,
    day: date,
    due_at: datetime,
    now: datetime,
    kind: EditionKind = EditionKind.DAILY,
) -> Edition:
    return Edition(
        newsletter_id=newsletter_ids(session).get(newsletter.slug, 0), slug=slug_of(day, kind),
        kind=kind, local_date=day, due_at=due_at, created_at=now,
    )  # fmt: skip
