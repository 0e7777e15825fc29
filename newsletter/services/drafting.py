"""What an edition would be at a given moment: the pool, its stories, the choice, and the mail of it.

A part that editing, shaping, deciding, rehearsing, checking and choosing all stand on. It reads and
never writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from newsletter.config import FeedUse, NewsletterSettings
from newsletter.errors import Refused
from newsletter.languages import words_for
from newsletter.models import Edition, EditionKind, Placed, Slot
from newsletter.render.compile import compile_edition
from newsletter.render.theme import load_theme
from newsletter.render.view import build_view, subject_of
from newsletter.runtime import Runtime
from newsletter.selection import Grouping, choose, choose_week, group, rules_of
from newsletter.services.collecting import collect
from newsletter.services.seeing import is_asked
from newsletter.services.timing import calendar_of
from newsletter.store import articles, editions, looks, verdicts
from newsletter.store import touches as hands
from newsletter.values import Candidate, Choice, Placement, Ran, Rendition, Touch

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
    touches: Mapping[int, Touch] | None = None,
) -> Draft:
    """The edition as it is chosen from what was known at `closed_at`.

    `touches` are what editors did to its articles, if that is to be other than the store knows.
    """
    if touches is None:
        touches = hands.touches(session, edition.id) if edition.id is not None else {}
    of_its_kind = _draft_of_the_week if edition.kind == EditionKind.WEEKLY else _draft_of_the_pool
    return of_its_kind(runtime, session, newsletter, edition, closed_at, touches)


def _draft_of_the_pool(
    runtime: Runtime,
    session: Session,
    newsletter: NewsletterSettings,
    edition: Edition,
    closed_at: datetime,
    touches: Mapping[int, Touch],
) -> Draft:
    # What waits for a person to send it is judged by the hour at which it would go
    due_at = closed_at if edition.by_hand else edition.due_at
    oldest = due_at - REACH * timedelta(seconds=newsletter.selection.max_age)
    everything, grouping = stories(runtime, session, oldest, newsletter.language)
    pins = pinned(touches)
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
        due_at=due_at,
        closed_at=closed_at,
        went_out=ran_before(session, edition),
        pins=pins,
        dropped=dropped(touches),
        gone=_gone(runtime, session, pool.values(), closed_at),
    )
    worded = tuple(in_own_words(placement, touches) for placement in choice.placements)
    return Draft(Choice(worded, choice.reasons), pool)


def _draft_of_the_week(
    runtime: Runtime,
    session: Session,
    newsletter: NewsletterSettings,
    edition: Edition,
    closed_at: datetime,
    touches: Mapping[int, Touch],
) -> Draft:
    """A weekly as it is chosen from the editions that went out by then."""
    week = collect(session, newsletter, edition, closed_at)
    pins = pinned(touches)
    numbers = {each.article_id for each in week} | {pin.article_id for pin in pins}
    pool = {candidate.id: candidate for candidate in articles.by_ids(session, numbers)}
    oldest = min((candidate.published_at for candidate in pool.values()), default=closed_at)
    choice = choose_week(
        week,
        pool,
        rules_of(newsletter),
        grouping=group(pool.values(), verdicts.since(session, oldest), language=newsletter.language),
        went_out=ran_before(session, edition),
        pins=pins,
        dropped=dropped(touches),
        gone=_gone(runtime, session, pool.values(), closed_at),
    )
    words = {each.article_id: each for each in week}
    worded = (
        replace(placed, headline=told.headline, summary=told.summary)
        if (told := words.get(placed.article_id))
        else placed
        for placed in choice.placements
    )
    return Draft(Choice(tuple(in_own_words(placed, touches) for placed in worded), choice.reasons), pool)


def as_it_stands(
    runtime: Runtime, session: Session, newsletter: NewsletterSettings, edition: Edition, now: datetime
) -> Draft:
    """An open edition chosen anew; of a closed one, which the machine has left, the stored entries."""
    if edition.closed_at is None or edition.id is None:
        return draft(runtime, session, newsletter, edition, closed_at=now)
    return as_written(session, edition)


def as_written(session: Session, edition: Edition) -> Draft:
    """The edition as its version has it, whatever has come since: what somebody who looks at it sees."""
    page = editions.placements(session, edition.id or 0)
    reasons = {int(number): why for number, why in edition.reasons.items()}
    return Draft(Choice(page, reasons), pool_of(session, page))


def pool_of(session: Session, page: Iterable[Placement]) -> Mapping[int, Candidate]:
    """The articles on a page, by their numbers."""
    found = articles.by_ids(session, {placement.article_id for placement in page})
    return {candidate.id: candidate for candidate in found}


def pinned(touches: Mapping[int, Touch]) -> tuple[Placement, ...]:
    """The places that editors gave to articles."""
    return tuple(
        Placement(
            touch.article_id, touch.slot, why=f"{touch.placed} by an editor", section=touch.section,
            position=touch.position, pinned=True,
        )
        for touch in touches.values()
        if touch.slot is not None and touch.placed is not Placed.BY_THE_MACHINE and not touch.dropped
    )  # fmt: skip


def dropped(touches: Mapping[int, Touch]) -> tuple[int, ...]:
    """The articles that editors took out."""
    return tuple(touch.article_id for touch in touches.values() if touch.dropped)


def in_own_words(placement: Placement, touches: Mapping[int, Touch]) -> Placement:
    """The entry with the editor's words and picture, as far as there are any."""
    touch = touches.get(placement.article_id)
    if touch is None:
        return placement
    return replace(
        placement,
        headline=touch.headline or placement.headline,
        summary=touch.summary or placement.summary,
        picture=touch.picture or placement.picture,
        picture_alt=touch.picture_alt or placement.picture_alt,
    )


def subject_for(newsletter: NewsletterSettings, edition: Edition, drafted: Draft) -> str:
    """The editor's subject, or else the lead's headline; a weekly's says before it what it is."""
    opening = ""
    if edition.kind == EditionKind.WEEKLY:
        words = words_for(newsletter.language)
        opening = words.gettext("The week in {newsletter}:").format(newsletter=newsletter.name) + " "
    return edition.own_subject or subject_of(drafted.choice.placements, drafted.pool, opening=opening)


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
    calendar = calendar_of(newsletter, EditionKind(edition.kind)) or newsletter
    view = build_view(
        calendar.model_copy(update={"intro": edition.own_intro or newsletter.intro}),
        edition.slug,
        edition.local_date,
        placements,
        pool,
        subject=subject_for(newsletter, edition, drafted),
        preheader=edition.own_preheader,
        home_url=runtime.links.newsletter(newsletter.slug),
        plain_hosts=runtime.plain_hosts,
    )
    theme = load_theme(newsletter.theme, runtime.themes)
    return compile_edition(view, theme, plain_hosts=runtime.plain_hosts)


def too_few(newsletter: NewsletterSettings, edition: Edition, choice: Choice) -> str:
    """Why an edition of this choice is skipped; empty when it has enough. One story makes an extra,
    and a correction."""
    if edition.kind == EditionKind.WEEKLY and not choice.reasons:
        return "nothing to tell, for no edition went out since the last weekly"
    found = sum(placement.slot in (Slot.LEAD, Slot.HEADLINES) for placement in choice.placements)
    is_whole = edition.kind in (EditionKind.EXTRA, EditionKind.CORRECTION)
    needed = 1 if is_whole else newsletter.min_articles
    if found >= needed:
        return ""
    return f"not enough articles: {found} of at least {needed}"


def refusal_of_few(newsletter: NewsletterSettings, edition: Edition, fate: str, few: str) -> Refused:
    """That so little cannot go out, and what would bring it more."""
    is_weekly = edition.kind == EditionKind.WEEKLY
    return Refused(
        f"{newsletter.slug}/{edition.slug} {fate}: {few}.",
        next_step=f"newsletter editions list {newsletter.slug}"
        if is_weekly
        else "newsletter gather, or newsletter articles import FILE",
    )


def _gone(
    runtime: Runtime, session: Session, pool: Iterable[Candidate], closed_at: datetime
) -> Mapping[int, str]:
    """Why those cannot run whose page was found gone by then."""
    lost = looks.gone(session).items()
    known = {url: look for url, look in lost if look.at <= closed_at and is_asked(runtime, url)}
    return {
        candidate.id: f"its page is gone, the server answered {known[candidate.url].status} twice until"
        f" {known[candidate.url].at:%H:%M} UTC — once it answers again, it can run"
        for candidate in pool
        if candidate.url in known
    }


def _is_for(newsletter: NewsletterSettings, candidate: Candidate) -> bool:
    used = {feed.use for feed in newsletter.feeds}
    return not candidate.carried_by or any(carried.feed in used for carried in candidate.carried_by)


def ran_before(session: Session, edition: Edition) -> Mapping[int, Ran]:
    """What readers had been sent by then: a rehearsal of a past day knows nothing of later ones.

    Weeklies count for weeklies alone.
    """
    kinds = EditionKind(edition.kind).fellows
    return {
        article: ran
        for article, ran in editions.went_out(session, edition.newsletter_id, kinds).items()
        if ran.slug != edition.slug and ran.closed_at <= edition.due_at
    }
