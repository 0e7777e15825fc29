"""What a weekly is made of: the editions that went out since the last one's cut-off.

A part of drafting. It reads and never writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.models import Edition
from newsletter.schedule import due_instant
from newsletter.store import editions, weeks
from newsletter.values import Appearance

A_WEEK = timedelta(days=7)
# A weekly that was skipped leaves its stories to the next; older ones are no news in any week
AT_MOST = 2 * A_WEEK


def collect(
    session: Session, newsletter: NewsletterSettings, edition: Edition, closed_at: datetime
) -> Sequence[Appearance]:
    """What readers of the week's dailies and extras were told, as far as the last weekly did not know it.

    That is by the clock, but for what began before the last cut-off and reached its first reader after it,
    a daily that the breaker had stopped for instance: no story is lost between two weeklies.
    """
    after, until = _span(session, newsletter, edition, closed_at)
    last = editions.before(session, edition)
    if last is None:
        return weeks.appearances(session, edition.newsletter_id, after=after, until=until)
    before, _ = _span(session, newsletter, last, last.closed_at or last.due_at)
    told = weeks.appearances(session, edition.newsletter_id, after=max(before, until - AT_MOST), until=until)
    return [each for each in told if each.began_at > after or str(each.article_id) not in last.reasons]


def _span(
    session: Session, newsletter: NewsletterSettings, edition: Edition, closed_at: datetime
) -> tuple[datetime, datetime]:
    """From the last weekly's cut-off to this one's, or to its approval; a week when it is the first."""
    until = _cutoff(newsletter, edition, closed_at)
    last = editions.before(session, edition)
    if last is None:
        return until - A_WEEK, until
    return max(_cutoff(newsletter, last, last.closed_at or last.due_at), until - AT_MOST), until


def _cutoff(newsletter: NewsletterSettings, edition: Edition, closed_at: datetime) -> datetime:
    """By its date, also for one that a hand sends later: a daily of the same minute counts for the next."""
    due_at = due_instant(edition.local_date, newsletter.send_at, newsletter.zone)
    return min(closed_at, due_at - timedelta(seconds=newsletter.cutoff))
