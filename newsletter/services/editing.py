"""The life of an edition before it is frozen: drafted, kept fresh, closed, and made ready.

`keep` is what the clock calls, as often as it likes: it looks at the store and does what is due.
Each step is a guarded update, so that two clocks, or a clock and a hand, end with one edition.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.errors import NewsletterError, Refused
from newsletter.models import Edition, EditionKind, EditionState
from newsletter.render.view import subject_of
from newsletter.runtime import Runtime
from newsletter.schedule import Due, due_between, next_due
from newsletter.services.drafting import draft, render, too_few
from newsletter.store import editions
from newsletter.store.newsletters import newsletter_ids, sync_newsletters
from newsletter.values import Choice, Rendition

WHO = "scheduler"
NOBODY_RAN = "nobody was running when it was due"
# A scheduler that was down for longer records only this much of the past
LOOK_BACK = timedelta(days=7)


def keep(runtime: Runtime, now: datetime) -> None:
    """Make, refresh and close the drafts of every newsletter."""
    with runtime.database.writing() as session:
        sync_newsletters(session, runtime.settings.newsletters, now)
    for newsletter in runtime.settings.newsletters:
        keep_newsletter(runtime, newsletter, now)


def keep_newsletter(runtime: Runtime, newsletter: NewsletterSettings, now: datetime) -> None:
    with runtime.database.writing() as session:
        number = newsletter_ids(session)[newsletter.slug]
        _make_due_editions(session, newsletter, number, now)
        _lapse(session, newsletter, number, now)
        drafts = editions.in_state(session, [EditionState.DRAFT], number)
    for edition in drafts:
        if _is_open(edition):
            closing = closing_moment(newsletter, edition, now)
            if closing <= now:
                close(runtime, newsletter, edition, now, closed_at=closing)
            else:
                refresh(runtime, newsletter, edition, now)


def closing_moment(newsletter: NewsletterSettings, edition: Edition, now: datetime) -> datetime:
    """The cut-off; for an edition that was made after it, now."""
    cutoff = edition.due_at - timedelta(seconds=newsletter.cutoff)
    return now if edition.created_at >= cutoff else cutoff


def refresh(runtime: Runtime, newsletter: NewsletterSettings, edition: Edition, now: datetime) -> Choice:
    """Choose anew from the pool; written only when the choice has changed."""
    with runtime.database.reading() as session:
        drafted = draft(runtime, session, newsletter, edition, closed_at=now)
        choice = drafted.choice
        placed = tuple(replace(p, position=number) for number, p in enumerate(choice.placements))
        unchanged = placed == editions.placements(session, _id(edition)) and (
            edition.reasons == {str(article): why for article, why in choice.reasons.items()}
        )
    if not unchanged:
        with runtime.database.writing() as session:
            editions.save_choice(session, edition, choice, subject_of(choice.placements, drafted.pool))
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
    few = too_few(newsletter, choice)
    rendition: Rendition | None = None
    trouble = ""
    if not few:
        try:
            rendition = render(runtime, newsletter, edition, drafted)
        except NewsletterError as error:
            trouble = error.sentence
    with runtime.database.writing() as session:
        if editions.save_choice(session, edition, choice, subject_of(choice.placements, drafted.pool)):
            closed = editions.get(session, _id(edition))
            _end_draft(session, closed, rendition, few, trouble, closed_at=closed_at, now=now, who=who)
        return editions.get(session, _id(edition))


def draft_ahead(runtime: Runtime, newsletter: NewsletterSettings, now: datetime, *, who: str) -> Edition:
    """The draft that is next, made when there is none and chosen anew: what the clock does, at once."""
    with runtime.database.writing() as session:
        sync_newsletters(session, [newsletter], now)
        number = newsletter_ids(session)[newsletter.slug]
        edition = next(
            (e for e in editions.in_state(session, [EditionState.DRAFT], number) if _is_open(e)), None
        )
        after = now
        while edition is None:
            due = next_due(newsletter, after)
            edition = _create(session, number, due, now, who=who)
            after = due.at
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
    if few := too_few(newsletter, drafted.choice):
        raise Refused(
            f"{newsletter.slug}/{edition.slug} cannot be sent: {few}.",
            next_step="newsletter gather, or newsletter articles import FILE",
        )
    render(runtime, newsletter, edition, drafted)
    if edition.state == EditionState.HELD:
        with runtime.database.writing() as session:
            editions.change(
                session, edition, EditionState.DRAFT, now, who=who, act="reopened", closed_at=None
            )
            edition = editions.get(session, _id(edition))
    return close(runtime, newsletter, edition, now, closed_at=now, who=who)


# ── what is due ─────────────────────────────────────────────────────────────────────────────────


def _make_due_editions(session: Session, newsletter: NewsletterSettings, number: int, now: datetime) -> None:
    """Record every date that came due, and draft the next one."""
    last = editions.latest(session, number)
    limit = timedelta(seconds=newsletter.late_limit)
    # Without any edition nothing was missed: a new installation looks back over the late limit only
    after = max(last.due_at, now - LOOK_BACK) if last else now - limit - timedelta(seconds=1)
    missed = list(due_between(newsletter, after, now))
    for due in missed:
        _make_missed(session, newsletter, number, due, now, is_newest=due is missed[-1])
    ahead = next_due(newsletter, max(after, now))
    if last is None or missed or last.state not in (EditionState.DRAFT, EditionState.APPROVED):
        _create(session, number, ahead, now)


def _make_missed(
    session: Session, newsletter: NewsletterSettings, number: int, due: Due, now: datetime, *, is_newest: bool
) -> None:
    edition = _create(session, number, due, now)
    if edition is None or now - due.at <= timedelta(seconds=newsletter.late_limit):
        return
    if is_newest:
        why = f"found {_minutes(now - due.at)} after its time, past the late limit"
        editions.change(session, edition, EditionState.HELD, now, who=WHO, why=why)
    else:
        editions.change(session, edition, EditionState.SKIPPED, now, who=WHO, why=NOBODY_RAN)


def _create(session: Session, number: int, due: Due, now: datetime, *, who: str = WHO) -> Edition | None:
    return editions.create(
        session, number, due.day.isoformat(), EditionKind.DAILY, due.day, due.at, now, who=who
    )


def _is_open(edition: Edition) -> bool:
    return edition.closed_at is None


def _lapse(session: Session, newsletter: NewsletterSettings, number: int, now: datetime) -> None:
    """What waits for a person, or was found too late, lapses at the cut-off of the next of its kind."""
    limit, cutoff = timedelta(seconds=newsletter.late_limit), timedelta(seconds=newsletter.cutoff)
    waiting = (EditionState.HELD, EditionState.DRAFT, EditionState.APPROVED)
    for edition in editions.in_state(session, waiting, number):
        is_held = edition.state == EditionState.HELD
        following = next_due(newsletter, edition.due_at)
        if following.at - cutoff <= now and (is_held or edition.due_at + limit < now):
            why = f"held ({edition.why}) until the next edition's cut-off" if is_held else NOBODY_RAN
            editions.change(session, edition, EditionState.SKIPPED, now, who=WHO, why=why)


def _end_draft(
    session: Session, edition: Edition, rendition: Rendition | None, few: str, trouble: str, *,
    closed_at: datetime, now: datetime, who: str,
) -> None:  # fmt: skip
    if few:
        editions.change(session, edition, EditionState.SKIPPED, now, who=who, why=few, closed_at=closed_at)
    elif rendition is None:
        editions.change(session, edition, EditionState.HELD, now, who=who, why=trouble, closed_at=closed_at)
    else:
        stored = editions.save_rendition(session, edition, rendition, now)
        state = EditionState(edition.state)
        editions.change(
            session, edition, state, now, who=who, act="closed", closed_at=closed_at, rendition_id=stored
        )


def _minutes(duration: timedelta) -> str:
    return f"{int(duration.total_seconds() // 60)} minutes"


def _id(edition: Edition) -> int:
    if edition.id is None:
        raise RuntimeError("an edition that was never stored has no number")
    return edition.id
