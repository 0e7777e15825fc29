"""A person steers what is under way: pause, resume, cancel one edition, or stop everything at once.

Each act is one guarded change, which the engine obeys within a second. What is on the wire at that
moment is settled as its relay answers; nothing more begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.errors import Refused
from newsletter.models import Edition, EditionState
from newsletter.runtime import Runtime
from newsletter.services.finding import find_edition, refuse_if_stopped
from newsletter.services.many import refuse_uncounted
from newsletter.store import closing, control, deliveries, editions, history, reopening
from newsletter.store.newsletters import newsletter_ids
from newsletter.values import Sums

CANCELLABLE = (EditionState.FROZEN, EditionState.SENDING, EditionState.PAUSED)
STOP_ALL = "stop-all"
PAUSING = ("paused", "stopped", "breaker")  # what history calls an act that leaves an edition paused


class Refusals(StrEnum):
    """What becomes of those whom a relay refused, when a run goes on."""

    UNDECIDED = ""
    ACCEPT = "refusals accepted"  # they stay failed
    RETRY = "refusals tried again"


def pause(runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime, *, who: str) -> None:
    """Stop a running edition within a second. Raises Refused when it is not being sent."""
    with runtime.database.writing() as session:
        edition = _in_state(session, newsletter, slug, EditionState.SENDING)
        editions.change(session, edition, EditionState.PAUSED, now, who=who, why=f"paused by {who}")


def resume(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime, *, who: str,
    refusals: Refusals = Refusals.UNDECIDED,
) -> int:  # fmt: skip
    """Let a paused edition go on; returns how many refused deliveries are tried again.

    Raises Refused when it is not paused, while stop-all is in force, and after a trip of the breaker
    unless `refusals` says what is to become of those that it refused.
    """
    with runtime.database.writing() as session:
        refuse_if_stopped(session)
        edition = _in_state(session, newsletter, slug, EditionState.PAUSED)
        number = edition.id or 0
        if refusals is Refusals.UNDECIDED:
            _refuse_after_breaker(session, newsletter, edition)
        editions.change(session, edition, EditionState.SENDING, now, who=who, act="resumed", why=refusals)
        if refusals is not Refusals.RETRY:
            return 0
        size = runtime.settings.sending.batch
        return reopening.reopen(session, number, reopening.REFUSED, reopening.Term(now), size)


def _refuse_after_breaker(session: Session, newsletter: NewsletterSettings, edition: Edition) -> None:
    if history.last_act(session, "edition", edition.id or 0, among=PAUSING) != "breaker":
        return
    name = f"{newsletter.slug}/{edition.slug}"
    failed = deliveries.sums(session, edition.id or 0).failed
    raise Refused(
        f"{name} was stopped by the {edition.why}. Say what is to become of the {failed} refused: "
        "--retry sends them again, --accept leaves them.",
        next_step=f"newsletter resume {name} --retry",
    )


def cancel(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime, *, who: str,
    count: int | None = None,
) -> Sums:  # fmt: skip
    """End an edition for good; returns how its deliveries stand, `queued` being those on the wire.

    `count` is for how many readers the edition was, as typed by a person. Raises Uncounted when it was
    for many and `count` is None, Refused for another number, and for an edition that is not frozen,
    being sent or paused.
    """
    with runtime.database.writing() as session:
        edition = _in_state(session, newsletter, slug, *CANCELLABLE)
        number, name = edition.id or 0, f"{newsletter.slug}/{slug}"
        # All of them: how many are still open changes while somebody types
        people = deliveries.sums(session, number).total
        refuse_uncounted(people, count, f"ends {name} for its readers", f"newsletter cancel {name}")
        editions.change(
            session, edition, EditionState.CANCELLED, now, who=who, why=f"cancelled by {who}", finished_at=now
        )
        closing.cancel_open(session, number)
        return deliveries.sums(session, number)


def _in_state(session: Session, newsletter: NewsletterSettings, slug: str, *states: EditionState) -> Edition:
    """The edition, locked. Of two who act at once the second sees here that it was first."""
    edition = find_edition(session, newsletter, slug, lock=True)
    if edition.state not in states:
        name, wanted = f"{newsletter.slug}/{slug}", " or ".join(states)
        raise Refused(
            f"{name} is {edition.state}, not {wanted}.", next_step=f"newsletter editions show {name}"
        )
    return edition


# ── everything at once ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Lifted:
    """What a `resume --all` let go on, and what stays paused for a reason of its own."""

    resumed: tuple[str, ...]
    still_paused: tuple[str, ...]


def stop_all(runtime: Runtime, now: datetime, *, letters: bool, who: str) -> tuple[str, ...]:
    """Pause every edition that is being sent and freeze none; with `letters` stop letters too.

    Returns the names of those paused. Raises Refused when it was so already.
    """
    with runtime.database.writing() as session:
        orders = (control.EDITIONS, control.LETTERS) if letters else (control.EDITIONS,)
        given = [control.give(session, order, control.STOPPED, now, who=who) for order in orders]
        if not any(given):
            stop = control.order(session, control.EDITIONS)
            raise Refused(
                f"Everything was stopped already by {stop.who}, {stop.at:%d %b %H:%M} UTC.",
                next_step="newsletter resume --all",
            )
        history.note(session, now, who, STOP_ALL, "control", 0, "with letters" if letters else "")
        return tuple(
            _name(session, edition)
            for edition in editions.in_state(session, [EditionState.SENDING])
            # `resume_to` tells apart what was stopped here from what was paused for a reason of its own
            if editions.change(
                session, edition, EditionState.PAUSED, now, who=who, why=STOP_ALL,
                resume_to=EditionState.SENDING,
            )
        )  # fmt: skip


def resume_all(runtime: Runtime, now: datetime, *, who: str) -> Lifted:
    """Lift a stop-all. Raises Refused when there is none."""
    with runtime.database.writing() as session:
        lifted = [
            control.give(session, order, "", now, who=who) for order in (control.EDITIONS, control.LETTERS)
        ]
        if not any(lifted):
            raise Refused("Nothing is stopped.", next_step="newsletter resume EDITION")
        history.note(session, now, who, "resume-all", "control", 0)
        resumed: list[str] = []
        still_paused: list[str] = []
        for edition in editions.in_state(session, [EditionState.PAUSED]):
            goes_on = edition.resume_to == EditionState.SENDING and editions.change(
                session, edition, EditionState.SENDING, now, who=who, act="resumed", resume_to=""
            )
            (resumed if goes_on else still_paused).append(_name(session, edition))
        return Lifted(tuple(resumed), tuple(still_paused))


def _name(session: Session, edition: Edition) -> str:
    slugs = {number: slug for slug, number in newsletter_ids(session).items()}
    return f"{slugs[edition.newsletter_id]}/{edition.slug}"
