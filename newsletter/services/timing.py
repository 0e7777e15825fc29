"""When an edition is due, closes and lapses: the moments that its kind, its newsletter and its hands set.

A part of editing, sending and deciding. It reads and never writes.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse
from newsletter.models import Edition, EditionKind
from newsletter.schedule import WEEK, due_instant, next_due
from newsletter.store import editions

OF_THEIR_OWN_TIME = (EditionKind.EXTRA, EditionKind.CORRECTION)


def calendar_of(newsletter: NewsletterSettings, kind: EditionKind) -> NewsletterSettings | None:
    """The schedule by which editions of this kind are due; None where the calendar brings none."""
    if kind in OF_THEIR_OWN_TIME:
        return None
    return newsletter.once_a_week if kind is EditionKind.WEEKLY else newsletter


def need_calendar(newsletter: NewsletterSettings, kind: EditionKind) -> NewsletterSettings:
    """The schedule for this kind. Raises Misuse where there is none."""
    calendar = calendar_of(newsletter, kind)
    if calendar is None:
        raise Misuse(
            f"{newsletter.slug} has no {kind}.",
            next_step=f'write {kind} = "sun", or another day, into [[newsletters]] {newsletter.slug}',
        )
    return calendar


def slug_of(day: date, kind: EditionKind) -> str:
    """The slug of the edition that the calendar brings on this date."""
    return f"{day}-{kind}" if kind is EditionKind.WEEKLY else f"{day}"


def usual_due(newsletter: NewsletterSettings, edition: Edition) -> datetime | None:
    """When it is due unless a hand sends it: a daily and a weekly by the schedule, None on dates without
    one, an extra and a correction at the time that they were given."""
    if edition.kind in OF_THEIR_OWN_TIME:
        return edition.own_due_at
    day, calendar = edition.local_date, calendar_of(newsletter, EditionKind(edition.kind))
    if calendar is None or WEEK[day.weekday()] not in calendar.days or calendar.taken_out(day):
        return None
    return due_instant(day, calendar.send_at, calendar.zone)


def cutoff_of(newsletter: NewsletterSettings, edition: Edition) -> datetime:
    """When the machine stops changing it, unless it was made later than that."""
    return edition.due_at - timedelta(seconds=newsletter.cutoff)


def closing_moment(
    newsletter: NewsletterSettings, edition: Edition, now: datetime, *, lead: int
) -> datetime | None:
    """The cut-off. What was made after it closes now, but an extra when it is frozen, `lead` seconds
    ahead of its time, so that its editor has all of it; None for what waits for a hand.
    """
    if edition.by_hand:
        return None
    cutoff = cutoff_of(newsletter, edition)
    if edition.created_at < cutoff:
        return cutoff
    return edition.due_at - timedelta(seconds=lead) if edition.kind == EditionKind.EXTRA else now


def lapses_at(session: Session, newsletter: NewsletterSettings, edition: Edition) -> datetime | None:
    """The cut-off of the next of its kind, when it is too late for this one; None while no next is known."""
    if calendar := calendar_of(newsletter, EditionKind(edition.kind)):
        following = next_due(calendar, edition.due_at).at
    else:
        later = editions.following(session, edition)
        if later is None:
            return None
        following = later.due_at
    return following - timedelta(seconds=newsletter.cutoff)


def is_too_late(newsletter: NewsletterSettings, edition: Edition, now: datetime) -> bool:
    """Whether its time is longer ago than it may be late by itself."""
    return is_past_limit(newsletter, edition.due_at, now)


def is_past_limit(newsletter: NewsletterSettings, due_at: datetime, now: datetime) -> bool:
    return now > due_at + timedelta(seconds=newsletter.late_limit)
