"""An edition goes out: frozen ahead of its minute, sent at it, late within its limit, held after it.

The freeze is one transaction: the guarded change of state and the whole ledger, or nothing. Until
the first row has begun it can be undone; from then on the ledger alone says who got what.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.errors import Refused
from newsletter.mail.message import Compiled
from newsletter.models import Edition, EditionKind, EditionState
from newsletter.runtime import Runtime
from newsletter.schedule import later_dues
from newsletter.services.checking import in_the_way, refuse_blocked
from newsletter.services.drafting import as_it_stands
from newsletter.services.finding import refuse_if_stopped
from newsletter.services.timing import is_past_limit, is_too_late, usual_due
from newsletter.store import control, deliveries, editions, freezing, renditions
from newsletter.store.audience import audience_of, count_audience
from newsletter.store.deliveries import Open
from newsletter.store.newsletters import newsletter_ids
from newsletter.store.sections import sections_of
from newsletter.values import Finding, Letterhead, Sums

WHO = "scheduler"
# An edition frozen this soon after its minute is still on time
PUNCTUAL = timedelta(seconds=60)
# Kinds that go to everybody at once, wherever it is nine o'clock
WITHOUT_TIME = (EditionKind.EXTRA, EditionKind.CORRECTION)
# That the link of a mail opens its edition in an archive that is private
PRIVATE_VIEW = timedelta(days=5 * 365)


def open_due(runtime: Runtime, now: datetime) -> None:
    """Freeze what is due within the lead time; hold what may not go, or was found too late."""
    lead = timedelta(seconds=runtime.settings.sending.lead)
    with runtime.database.reading() as session:
        slugs = {number: slug for slug, number in newsletter_ids(session).items()}
        waiting = editions.in_state(session, [EditionState.DRAFT, EditionState.APPROVED, EditionState.FROZEN])
    for edition in waiting:
        newsletter = runtime.newsletters.get(slugs[edition.newsletter_id])
        if newsletter is not None and edition.due_at - lead <= now:
            with runtime.database.writing() as session:
                _open(session, runtime, newsletter, edition, now)


def _open(
    session: Session, runtime: Runtime, newsletter: NewsletterSettings, edition: Edition, now: datetime
) -> None:
    if edition.by_hand and edition.state != EditionState.FROZEN:
        return
    if _is_too_late(session, newsletter, edition, now):
        _hold_late(session, newsletter, edition, now)
    elif edition.state == EditionState.FROZEN or edition.rendition_id is None:
        return
    elif control.standing_stop(session):
        return  # late once the stop is lifted, or held
    elif newsletter.approval == "required" and edition.state != EditionState.APPROVED:
        if now >= edition.due_at:
            editions.change(
                session, edition, EditionState.HELD, now, who=WHO, why="nobody approved it in time"
            )
    elif found := _in_the_way(session, runtime, newsletter, edition, now):
        trouble = " ".join(finding.sentence for finding in found)
        editions.change(session, edition, EditionState.HELD, now, who=WHO, why=trouble)
    else:
        planned = freeze(session, runtime, newsletter, edition, now, due_at=edition.due_at, who=WHO)
        if planned == 0 and edition.id is not None:
            empty = editions.get(session, edition.id)
            editions.change(session, empty, EditionState.SKIPPED, now, who=WHO, why="it has no reader")


def _is_too_late(session: Session, newsletter: NewsletterSettings, edition: Edition, now: datetime) -> bool:
    """A frozen one is late once its first readers are, who may get it at a time of their own."""
    first = None
    if edition.state == EditionState.FROZEN:
        first = deliveries.still_open(session, edition.id or 0, now).due_at
    return is_too_late(newsletter, edition, now) if first is None else is_past_limit(newsletter, first, now)


def _hold_late(session: Session, newsletter: NewsletterSettings, edition: Edition, now: datetime) -> None:
    minutes = int((now - edition.due_at).total_seconds() // 60)
    why = f"found {minutes} minutes after its time; the late limit is {newsletter.late_limit // 60}"
    if editions.change(session, edition, EditionState.HELD, now, who=WHO, why=why) and edition.id is not None:
        freezing.unplan(session, edition.id)


def _in_the_way(
    session: Session, runtime: Runtime, newsletter: NewsletterSettings, edition: Edition, now: datetime
) -> tuple[Finding, ...]:
    """What has come up since the edition was closed: a page that is gone, an address that has changed."""
    drafted = as_it_stands(runtime, session, newsletter, edition, now)
    rendition = renditions.read(session, edition.rendition_id or 0)
    return in_the_way(runtime, session, newsletter, edition, drafted, rendition)


def freeze(
    session: Session, runtime: Runtime, newsletter: NewsletterSettings, edition: Edition, now: datetime, *,
    due_at: datetime, who: str, resume_to: EditionState | None = None,
) -> int | None:  # fmt: skip
    """Fill the ledger of an edition whose rendition is stored; returns how many will get it.

    None when somebody else changed the edition first; then nothing was done.
    """
    frozen = editions.change(
        session, edition, EditionState.FROZEN, now, who=who, act="frozen", frozen_at=now, due_at=due_at,
        resume_to=resume_to or edition.state, late=now > due_at + PUNCTUAL,
    )  # fmt: skip
    if not frozen or edition.id is None:
        return None
    people = audience_of(edition, now, sections=sections_of(session, edition.id))
    planned = freezing.plan(
        session, edition.id, people, due_at=due_at, size=runtime.settings.sending.batch,
        deadline=due_at + timedelta(seconds=runtime.settings.sending.deadline),
        later=_later(session, newsletter, edition, due_at), lanes=runtime.lane_of_domain,
    )  # fmt: skip
    runtime.dispatcher.enqueue(session, edition.id)
    return planned


def _later(
    session: Session, newsletter: NewsletterSettings, edition: Edition, due_at: datetime
) -> Mapping[str, datetime]:
    """The zones whose readers get it at a time of their own. An extra or a correction is for now."""
    if newsletter.delivery_time == "publisher" or edition.kind in WITHOUT_TIME:
        return {}
    zones = freezing.zones(session, edition.newsletter_id)
    return later_dues(edition.local_date, newsletter.send_at, due_at, zones)


def unfreeze(
    runtime: Runtime, newsletter: NewsletterSettings, edition_id: int, now: datetime, *, who: str
) -> bool:
    """Undo a freeze of which no row has begun; False when it is too late for that.

    The edition is then as it was, with news coming in until its cut-off. One whose own time has
    passed, or that has none, is held: else the clock would send it after all.
    """
    with runtime.database.writing() as session:
        edition = editions.get(session, edition_id)
        if edition.state != EditionState.FROZEN:
            return False
        due_at = usual_due(newsletter, edition) or now
        back = EditionState(edition.resume_to) if due_at > now else EditionState.HELD
        values: dict[str, object] = {"due_at": due_at, "frozen_at": None}
        moves_on = edition.corrects_id is None and now < due_at - timedelta(seconds=newsletter.cutoff)
        if back is EditionState.DRAFT and moves_on:
            values |= {"closed_at": None, "rendition_id": None}
        why = "its send was undone" if back is EditionState.HELD else ""
        if not editions.change(session, edition, back, now, who=who, act="undone", why=why, **values):
            return False
        freezing.unplan(session, edition_id)
        return True


# ── by hand ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A send that was asked for: its edition, when it begins, and whether this call planned it."""

    edition_id: int
    slug: str
    due_at: datetime
    people: int
    is_new: bool


SENDABLE_BY_HAND = (EditionState.DRAFT, EditionState.APPROVED, EditionState.HELD)
UNDERWAY = (EditionState.FROZEN, EditionState.SENDING)


def may_send(newsletter: NewsletterSettings, edition: Edition) -> None:
    """Raises Refused for an edition that a hand cannot send (any more), saying what can be done."""
    name = f"{newsletter.slug}/{edition.slug}"
    if edition.state in (*SENDABLE_BY_HAND, *UNDERWAY):
        return
    if edition.state == EditionState.SENT:
        raise Refused(
            f"{name} has been sent.",
            next_step=f"newsletter send {newsletter.slug} --edition {edition.slug} --missing",
        )
    if edition.state == EditionState.PAUSED:
        raise Refused(f"{name} is paused: {edition.why}.", next_step=f"newsletter resume {name}")
    is_skipped = edition.state == EditionState.SKIPPED
    raise Refused(
        f"{name} was {edition.state}: {edition.why or 'by hand'}.",
        next_step=f"newsletter editions unskip {name}" if is_skipped else "newsletter editions list",
    )


def send_now(
    runtime: Runtime, newsletter: NewsletterSettings, edition_id: int, now: datetime, *, due_at: datetime,
    who: str, was: EditionState,
) -> Dispatch:  # fmt: skip
    """Freeze a closed edition for `due_at`, or join it when it is under way already.

    `was` is the state that it goes back to when the send is undone.
    """
    with runtime.database.writing() as session:
        refuse_if_stopped(session)
        edition = editions.get(session, edition_id)
        may_send(newsletter, edition)
        if edition.state in UNDERWAY:
            planned = deliveries.sums(session, edition_id).total
            return Dispatch(edition_id, edition.slug, edition.due_at, planned, False)
        if edition.rendition_id is None:
            raise Refused(
                f"{newsletter.slug}/{edition.slug} cannot be sent: {edition.why or 'it was never rendered'}.",
                next_step=f"newsletter editions show {newsletter.slug}/{edition.slug}",
            )
        refuse_blocked(
            _in_the_way(session, runtime, newsletter, edition, now), f"{newsletter.slug}/{edition.slug}"
        )
        people = freeze(session, runtime, newsletter, edition, now, due_at=due_at, who=who, resume_to=was)
        if people == 0:
            raise Refused(
                f"{newsletter.slug} has no reader for {edition.slug}; it stays as it was.",
                next_step=f"newsletter subscribers import FILE --newsletter {newsletter.slug}",
            )
    if people is None:
        return send_now(runtime, newsletter, edition_id, now, due_at=due_at, who=who, was=was)
    return Dispatch(edition_id, edition.slug, due_at, people, True)


def count_people(runtime: Runtime, edition: Edition, sections: Collection[str], now: datetime) -> int:
    """How many would get the edition if it were frozen now, with entries in these sections."""
    people = audience_of(edition, now, sections=sections)
    with runtime.database.reading() as session:
        return count_audience(session, people)


def progress(runtime: Runtime, edition_id: int) -> tuple[EditionState, Sums]:
    with runtime.database.reading() as session:
        state = EditionState(editions.get(session, edition_id).state)
        return state, deliveries.sums(session, edition_id)


def still_open(runtime: Runtime, edition_id: int, now: datetime) -> Open:
    """What the edition has yet to begin, and for how many it is not time yet."""
    with runtime.database.reading() as session:
        return deliveries.still_open(session, edition_id, now)


def compose(runtime: Runtime, edition_id: int) -> Compiled:
    """An edition's mail, compiled from the stored rendition: what was approved is what is sent."""
    with runtime.database.reading() as session:
        edition = editions.get(session, edition_id)
        slugs = {number: slug for slug, number in newsletter_ids(session).items()}
        if edition.rendition_id is None:
            raise Refused(f"edition {edition.slug} was never rendered")
        rendition = renditions.read(session, edition.rendition_id)
    newsletter = runtime.newsletter(slugs[edition.newsletter_id])
    return Compiled(rendition, letterhead(runtime, newsletter, edition), runtime.links, runtime.signing)


def letterhead(runtime: Runtime, newsletter: NewsletterSettings, edition: Edition) -> Letterhead:
    """What the headers of every copy have in common. The Date is the edition's minute."""
    domain = newsletter.from_address.rpartition("@")[2]
    return Letterhead(
        newsletter_id=edition.newsletter_id,
        newsletter_slug=newsletter.slug,
        newsletter_name=newsletter.name,
        edition_id=edition.id or 0,
        edition_slug=edition.slug,
        language=newsletter.language,
        from_name=newsletter.from_name or newsletter.name,
        from_address=newsletter.from_address,
        reply_to=newsletter.reply_to,
        return_path=newsletter.return_path or newsletter.from_address,
        list_id=f"{newsletter.slug}.{domain}",
        help_url=runtime.links.newsletter(newsletter.slug),
        archived_at=_web_view(runtime, newsletter, edition),
        feedback_id=f"{edition.slug}:{newsletter.slug}:newsletter",
        date=edition.due_at,
    )


def _web_view(runtime: Runtime, newsletter: NewsletterSettings, edition: Edition) -> str:
    """Where a mail shows itself in a browser; a private archive opens to that mail's readers alone."""
    if not newsletter.private_archive:
        return runtime.links.edition(newsletter.slug, edition.slug)
    return runtime.links.preview(
        newsletter.slug, edition.slug, edition_id=edition.id or 0, version=edition.version,
        expires=edition.due_at + PRIVATE_VIEW,
    )  # fmt: skip
