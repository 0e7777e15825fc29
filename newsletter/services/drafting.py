"""What an edition would be at a given moment: the pool, its stories, the choice, and the mail of it.

A part of editing, rehearsing and choosing that all three stand on. It reads and never writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from newsletter.config import FeedUse, NewsletterSettings
from newsletter.errors import Refused
from newsletter.models import Edition, Slot
from newsletter.render.compile import compile_edition
from newsletter.render.theme import load_theme
from newsletter.render.view import build_view, subject_of
from newsletter.runtime import Runtime
from newsletter.selection import Grouping, choose, group, rules_of
from newsletter.store import articles, editions, verdicts
from newsletter.values import Candidate, Choice, Placement, Ran, Rendition

# The pool reaches back twice the age that may run, so that what is just too old is told why it is out
# and what ran yesterday still lends its name to those who repeat it
REACH = 2


@dataclass(frozen=True, slots=True)
class Draft:
    choice: Choice
    pool: Mapping[int, Candidate]


def draft(
    runtime: Runtime,
    session: Session,
    newsletter: NewsletterSettings,
    edition: Edition,
    *,
    closed_at: datetime,
) -> Draft:
    """The edition as it is chosen from what was known at `closed_at`."""
    oldest = edition.due_at - REACH * timedelta(seconds=newsletter.selection.max_age)
    everything, grouping = stories(runtime, session, oldest, newsletter.language)
    pins = _pins(session, edition)
    pool = {
        candidate.id: candidate
        for candidate in (
            *articles.by_ids(session, {pin.article_id for pin in pins}),
            *(candidate for candidate in everything if _is_for(newsletter, candidate)),
        )
    }
    choice = choose(
        tuple(pool.values()),
        rules_of(newsletter),
        grouping=grouping,
        due_at=edition.due_at,
        closed_at=closed_at,
        went_out=_ran_before(session, edition),
        pins=pins,
    )
    return Draft(choice, pool)


def stories(
    runtime: Runtime, session: Session, published_after: datetime, language: str
) -> tuple[tuple[Candidate, ...], Grouping]:
    """The pool of all newsletters, and which of its articles tell the same story.

    An editor who parts two articles parts them everywhere, so stories do not depend on the newsletter.
    """
    everywhere = [FeedUse(use=feed.name) for feed in runtime.settings.feeds]
    pool = articles.pool(session, everywhere, published_after=published_after)
    return pool, group(pool, verdicts.since(session, published_after), language=language)


def render(runtime: Runtime, newsletter: NewsletterSettings, edition: Edition, drafted: Draft) -> Rendition:
    """Compile a choice; raises Refused without a lead, Misuse when theme or gate object."""
    placements, pool = drafted.choice.placements, drafted.pool
    if not any(placement.slot is Slot.LEAD for placement in placements):
        raise Refused("There is no lead story.", next_step="newsletter articles list")
    view = build_view(
        newsletter,
        edition.slug,
        edition.local_date,
        placements,
        pool,
        subject=edition.subject or subject_of(placements, pool),
        home_url=runtime.links.newsletter(newsletter.slug),
        plain_hosts=runtime.plain_hosts,
    )
    theme = load_theme(newsletter.theme, runtime.themes)
    return compile_edition(view, theme, plain_hosts=runtime.plain_hosts)


def too_few(newsletter: NewsletterSettings, choice: Choice) -> str:
    """Why an edition of this choice is skipped; empty when it has enough."""
    found = sum(placement.slot in (Slot.LEAD, Slot.HEADLINES) for placement in choice.placements)
    if found >= newsletter.min_articles:
        return ""
    return f"not enough articles: {found} of at least {newsletter.min_articles}"


def _is_for(newsletter: NewsletterSettings, candidate: Candidate) -> bool:
    used = {feed.use for feed in newsletter.feeds}
    return not candidate.carried_by or any(carried.feed in used for carried in candidate.carried_by)


def _pins(session: Session, edition: Edition) -> tuple[Placement, ...]:
    if edition.id is None:
        return ()
    return tuple(placement for placement in editions.placements(session, edition.id) if placement.pinned)


def _ran_before(session: Session, edition: Edition) -> Mapping[int, Ran]:
    """What readers had been sent by then: a rehearsal of a past day knows nothing of later ones."""
    return {
        article: ran
        for article, ran in editions.went_out(session, edition.newsletter_id).items()
        if ran.slug != edition.slug and ran.closed_at <= edition.due_at
    }
