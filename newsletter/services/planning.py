"""Which editions there are: one for every date that came due, and of each kind the next one as a draft.

A part of editing. The calendar brings dailies and weeklies; extras and corrections are made by hand.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.models import Edition, EditionKind, EditionState
from newsletter.schedule import Due, days_taken_out, due_between, due_instant, next_due
from newsletter.services.timing import OF_THEIR_OWN_TIME, calendar_of, slug_of
from newsletter.store import editions
from newsletter.store.touches import is_marked

WHO = "scheduler"
NOBODY_RAN = "nobody was running when it was due"
NO_WEEKLY = "the newsletter has no weekly any more"
# A scheduler that was down for longer records only this much of the past
LOOK_BACK = timedelta(days=7)


def plan(session: Session, newsletter: NewsletterSettings, number: int, now: datetime) -> None:
    """Skip what the calendar no longer has, record every date that came due, and draft what is next."""
    _skip_taken_out(session, newsletter, number, now)
    for kind in (EditionKind.DAILY, EditionKind.WEEKLY):
        if calendar := calendar_of(newsletter, kind):
            _make_due_editions(session, calendar, kind, number, now)


def draft_next(
    session: Session, calendar: NewsletterSettings, kind: EditionKind, number: int, after: datetime,
    now: datetime, *, who: str = WHO,
) -> Edition | None:  # fmt: skip
    """Draft what is due next after `after`, and record the dates on the way that were taken out."""
    last = editions.latest(session, number, kind)
    ahead = next_due(calendar, after)
    recent = (now - LOOK_BACK).date()
    first = max(last.local_date + timedelta(days=1), recent) if last else now.astimezone(calendar.zone).date()
    for day, why in days_taken_out(calendar, first, ahead.day):
        due_at = due_instant(day, calendar.send_at, calendar.zone)
        if skipped := _create(session, kind, number, Due(day, due_at), now, who=who):
            editions.change(session, skipped, EditionState.SKIPPED, now, who=who, why=why)
    return _create(session, kind, number, ahead, now, who=who)


# ── inside ──────────────────────────────────────────────────────────────────────────────────────


def _make_due_editions(
    session: Session, calendar: NewsletterSettings, kind: EditionKind, number: int, now: datetime
) -> None:
    last = editions.latest(session, number, kind)
    limit = timedelta(seconds=calendar.late_limit)
    # Without any edition nothing was missed: a new installation looks back over the late limit only
    after = max(last.due_at, now - LOOK_BACK) if last else now - limit - timedelta(seconds=1)
    missed = list(due_between(calendar, after, now))
    for due in missed:
        _make_missed(session, calendar, kind, number, due, now, is_newest=due is missed[-1])
    if last is None or missed or last.state not in (EditionState.DRAFT, EditionState.APPROVED):
        draft_next(session, calendar, kind, number, max(after, now), now)


def _skip_taken_out(session: Session, newsletter: NewsletterSettings, number: int, now: datetime) -> None:
    """Skip drafts whose date was taken out since they were made, unless a hand has decided of them."""
    for edition in editions.in_state(session, [EditionState.DRAFT], number):
        why = _taken_out(newsletter, edition)
        if why and edition.due_at > now and not is_marked(session, edition.id or 0, "state"):
            editions.change(session, edition, EditionState.SKIPPED, now, who=WHO, why=why)


def _taken_out(newsletter: NewsletterSettings, edition: Edition) -> str:
    kind = EditionKind(edition.kind)
    if kind in OF_THEIR_OWN_TIME:
        return ""
    calendar = calendar_of(newsletter, kind)
    return calendar.taken_out(edition.local_date) if calendar else NO_WEEKLY


def _make_missed(
    session: Session, calendar: NewsletterSettings, kind: EditionKind, number: int, due: Due, now: datetime,
    *, is_newest: bool,
) -> None:  # fmt: skip
    edition = _create(session, kind, number, due, now)
    if edition is None or now - due.at <= timedelta(seconds=calendar.late_limit):
        return
    if is_newest:
        why = f"found {int((now - due.at).total_seconds() // 60)} minutes after its time, past the late limit"
        editions.change(session, edition, EditionState.HELD, now, who=WHO, why=why)
    else:
        editions.change(session, edition, EditionState.SKIPPED, now, who=WHO, why=NOBODY_RAN)


def _create(
    session: Session, kind: EditionKind, number: int, due: Due, now: datetime, *, who: str = WHO
) -> Edition | None:
    return editions.create(session, number, slug_of(due.day, kind), kind, due.day, due.at, now, who=who)
