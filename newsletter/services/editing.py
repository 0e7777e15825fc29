"""The life of an edition before it is frozen: drafted, kept fresh, closed, and made ready.

`keep` is what the clock calls, as often as it likes: it looks at the store and does what is due.
Each step is a guarded update, so that two clocks, or a clock and a hand, end with one edition.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import count

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse, NewsletterError
from newsletter.models import Edition, EditionKind, EditionState
from newsletter.runtime import Runtime
from newsletter.schedule import due_instant, next_due
from newsletter.services.checking import in_the_way, refuse_blocked
from newsletter.services.drafting import Draft, draft, refusal_of_few, render, subject_for, too_few
from newsletter.services.planning import NOBODY_RAN, WHO, draft_next, plan
from newsletter.services.revising import id_of
from newsletter.services.timing import (
    OF_THEIR_OWN_TIME,
    closing_moment,
    is_too_late,
    lapses_at,
    need_calendar,
)
from newsletter.store import editions, renditions
from newsletter.store.newsletters import newsletter_ids, sync_newsletters
from newsletter.values import Choice, Rendition

NOBODY_SENT = "it waited to be sent by hand, and nobody did"


def keep(runtime: Runtime, now: datetime) -> None:
    """Make, refresh and close the drafts of every newsletter."""
    with runtime.database.writing() as session:
        sync_newsletters(session, runtime.settings.newsletters, now)
    for newsletter in runtime.settings.newsletters:
        keep_newsletter(runtime, newsletter, now)


def keep_newsletter(runtime: Runtime, newsletter: NewsletterSettings, now: datetime) -> None:
    with runtime.database.writing() as session:
        number = newsletter_ids(session)[newsletter.slug]
        plan(session, newsletter, number, now)
        _lapse(session, newsletter, number, now)
        drafts = editions.in_state(session, [EditionState.DRAFT], number)
    for edition in drafts:
        if _is_open(edition):
            closing = closing_moment(newsletter, edition, now, lead=runtime.settings.sending.lead)
            if closing is not None and closing <= now:
                close(runtime, newsletter, edition, now, closed_at=closing)
            else:
                refresh(runtime, newsletter, edition, now)


def refresh(runtime: Runtime, newsletter: NewsletterSettings, edition: Edition, now: datetime) -> Choice:
    """Choose anew from the pool; written only when the choice has changed."""
    with runtime.database.reading() as session:
        drafted = draft(runtime, session, newsletter, edition, closed_at=now)
        choice = drafted.choice
        placed = tuple(replace(p, position=number) for number, p in enumerate(choice.placements))
        unchanged = placed == editions.placements(session, id_of(edition)) and (
            edition.reasons == {str(article): why for article, why in choice.reasons.items()}
        )
    if not unchanged:
        with runtime.database.writing() as session:
            editions.save_choice(session, edition, choice, subject_for(newsletter, edition, drafted))
    return choice


def close(
    runtime: Runtime, newsletter: NewsletterSettings, edition: Edition, now: datetime, *, closed_at: datetime,
    who: str = WHO,
) -> Edition:  # fmt: skip
    """End the draft: choose for the last time, render, and store exactly what will be sent.

    Too few articles skip the edition; a rendition that fails its gate holds it. Returns the edition
    as it stands then.
    """
    with runtime.database.reading() as session:
        drafted = draft(runtime, session, newsletter, edition, closed_at=closed_at)
    choice = drafted.choice
    few = too_few(newsletter, edition, choice)
    rendition: Rendition | None = None
    trouble = ""
    if not few:
        try:
            rendition = render(runtime, newsletter, edition, drafted)
        except NewsletterError as error:
            trouble = error.sentence
        else:
            trouble = _in_the_way(runtime, newsletter, edition, drafted, rendition)
    with runtime.database.writing() as session:
        if editions.save_choice(session, edition, choice, subject_for(newsletter, edition, drafted)):
            closed = editions.get(session, id_of(edition))
            _end_draft(session, closed, rendition, few, trouble, closed_at=closed_at, now=now, who=who)
        return editions.get(session, id_of(edition))


def draft_ahead(
    runtime: Runtime, newsletter: NewsletterSettings, now: datetime, *, who: str,
    kind: EditionKind = EditionKind.DAILY,
) -> Edition:  # fmt: skip
    """The draft that is next, made when there is none and chosen anew: what the clock does, at once.

    Raises Misuse for the weekly of a newsletter that has none.
    """
    calendar = need_calendar(newsletter, kind)
    with runtime.database.writing() as session:
        sync_newsletters(session, [newsletter], now)
        number = newsletter_ids(session)[newsletter.slug]
        drafts = editions.in_state(session, [EditionState.DRAFT], number)
        edition = next((e for e in drafts if _is_open(e) and e.kind == kind), None)
        after = now
        while edition is None:
            edition = draft_next(session, calendar, kind, number, after, now, who=who)
            after = next_due(calendar, after).at
    refresh(runtime, newsletter, edition, now)
    return edition


def draft_extra(
    runtime: Runtime, newsletter: NewsletterSettings, now: datetime, *, due_at: datetime | None, who: str
) -> Edition:
    """A new extra of today, filled with what has not gone out yet; without a time it waits for `send`,
    until the end of the day. Raises Misuse for a time that has passed.
    """
    if due_at is not None and due_at <= now:
        raise Misuse(
            f"{due_at.astimezone(newsletter.zone):%d %b %H:%M} has passed.",
            next_step=f"newsletter editions draft {newsletter.slug} --extra, and send it by hand",
        )
    day = (due_at or now).astimezone(newsletter.zone).date()
    until = due_at or due_instant(day + timedelta(days=1), time(0), newsletter.zone)
    with runtime.database.writing() as session:
        sync_newsletters(session, [newsletter], now)
        number = newsletter_ids(session)[newsletter.slug]
        made = (
            editions.create(
                session, number, f"{day}-extra-{n}", EditionKind.EXTRA, day, until, now, who=who,
                own_due_at=until, by_hand=due_at is None,
            )
            for n in count(1)
        )  # fmt: skip
        edition = next(each for each in made if each is not None)
    refresh(runtime, newsletter, edition, now)
    return edition


def today(
    runtime: Runtime, newsletter: NewsletterSettings, now: datetime, *, due_at: datetime, who: str
) -> Edition:
    """Today's edition of a newsletter; made on the spot when there is none."""
    day = now.astimezone(newsletter.zone).date()
    with runtime.database.writing() as session:
        sync_newsletters(session, [newsletter], now)
        number = newsletter_ids(session)[newsletter.slug]
        slug = day.isoformat()
        made = editions.create(session, number, slug, EditionKind.DAILY, day, due_at, now, who=who)
        found = made or editions.find(session, number, slug)
    if found is None:
        raise RuntimeError(f"edition {slug} is neither new nor known")
    return found


def make_ready(
    runtime: Runtime, newsletter: NewsletterSettings, edition: Edition, now: datetime, *, who: str
) -> Edition:
    """Close an edition that a hand wants sent. Raises Refused, with the reason, when it cannot go;
    the edition is then as it was, for its own time may bring what it lacks.
    """
    with runtime.database.reading() as session:
        drafted = draft(runtime, session, newsletter, edition, closed_at=now)
    if few := too_few(newsletter, edition, drafted.choice):
        raise refusal_of_few(newsletter, edition, "cannot be sent", few)
    rendition = render(runtime, newsletter, edition, drafted)
    with runtime.database.reading() as session:
        found = in_the_way(runtime, session, newsletter, edition, drafted, rendition)
    refuse_blocked(found, f"{newsletter.slug}/{edition.slug}")
    if edition.state == EditionState.HELD:
        with runtime.database.writing() as session:
            editions.change(
                session, edition, EditionState.DRAFT, now, who=who, act="reopened", closed_at=None
            )
            edition = editions.get(session, id_of(edition))
    return close(runtime, newsletter, edition, now, closed_at=now, who=who)


# ── inside ──────────────────────────────────────────────────────────────────────────────────────


def _is_open(edition: Edition) -> bool:
    return edition.closed_at is None


def _lapse(session: Session, newsletter: NewsletterSettings, number: int, now: datetime) -> None:
    """What waits for a person, or was found too late, lapses at the cut-off of the next of its kind."""
    waiting = (EditionState.HELD, EditionState.DRAFT, EditionState.APPROVED)
    for edition in editions.in_state(session, waiting, number):
        is_held = edition.state == EditionState.HELD
        lapses = lapses_at(session, newsletter, edition)
        is_over = lapses is not None and lapses <= now
        waited_long = edition.kind in OF_THEIR_OWN_TIME and edition.by_hand and edition.due_at <= now
        if waited_long and not is_held:
            editions.change(session, edition, EditionState.SKIPPED, now, who=WHO, why=NOBODY_SENT)
        elif is_over and (is_held or is_too_late(newsletter, edition, now)):
            waited = f"held ({edition.why}) until the next edition's cut-off"
            why = waited if is_held else NOBODY_SENT if edition.by_hand else NOBODY_RAN
            editions.change(session, edition, EditionState.SKIPPED, now, who=WHO, why=why)


def _end_draft(
    session: Session, edition: Edition, rendition: Rendition | None, few: str, trouble: str, *,
    closed_at: datetime, now: datetime, who: str,
) -> None:  # fmt: skip
    if few:
        editions.change(session, edition, EditionState.SKIPPED, now, who=who, why=few, closed_at=closed_at)
    elif rendition is None or trouble:
        editions.change(session, edition, EditionState.HELD, now, who=who, why=trouble, closed_at=closed_at)
    else:
        stored = renditions.save(session, edition, rendition, now)
        state = EditionState(edition.state)
        editions.change(
            session, edition, state, now, who=who, act="closed", closed_at=closed_at, rendition_id=stored
        )


def _in_the_way(
    runtime: Runtime, newsletter: NewsletterSettings, edition: Edition, drafted: Draft, rendition: Rendition
) -> str:
    with runtime.database.reading() as session:
        found = in_the_way(runtime, session, newsletter, edition, drafted, rendition)
    return " ".join(finding.sentence for finding in found)
