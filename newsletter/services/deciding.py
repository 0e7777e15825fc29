"""Whether an edition goes: approved, held, skipped, and taken back from there.

Each is one guarded update and one line of history. What was approved is compiled and stored in that
moment, so that later changes of theme, articles or program cannot reach it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.errors import Misuse, Refused, Stale
from newsletter.models import Edition, EditionState
from newsletter.runtime import Runtime
from newsletter.services.checking import in_the_way, refuse_blocked
from newsletter.services.drafting import (
    Draft,
    as_it_stands,
    refusal_of_few,
    render,
    subject_for,
    too_few,
)
from newsletter.services.finding import find_edition
from newsletter.services.revising import (
    STATE,
    TRIES,
    Revision,
    decide,
    id_of,
    refusal,
    refuse_stale,
    refuse_unseen,
    too_busy,
    write,
)
from newsletter.services.timing import cutoff_of, is_too_late, lapses_at, usual_due
from newsletter.store import editions, freezing, renditions

APPROVABLE = (EditionState.DRAFT, EditionState.HELD)
HOLDABLE = (EditionState.DRAFT, EditionState.APPROVED, EditionState.FROZEN)
AFTER_ITS_TIME = "taken back from skipped after its time"
SKIPPABLE = (EditionState.DRAFT, EditionState.APPROVED, EditionState.HELD)


def approve(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime, *, who: str,
    version: int | None = None, seen: str = "",
) -> Edition:  # fmt: skip
    """Agree to exactly this version: it is closed and compiled now, if it was not before.

    It goes at its time; one whose time has passed at once, and past the late limit it waits for `send`.
    Raises Refused in other states than draft and held, when it is not the version that was seen, and,
    with what must be mended, when it cannot go out. `seen` is the hash of the mail that was looked at:
    when it would read otherwise by now, the draft is brought up to date and nothing is approved.
    """
    for _ in range(TRIES):
        with runtime.database.reading() as session:
            edition = find_edition(session, newsletter, slug)
            if edition.state not in APPROVABLE:
                raise refusal(newsletter, edition)
            refuse_unseen(newsletter, edition, version)
            _refuse_lapsed(session, newsletter, edition, now)
            drafted = as_it_stands(runtime, session, newsletter, edition, now)
        is_closed = edition.closed_at is not None and edition.rendition_id is not None
        revision = None if is_closed else _closing(runtime, newsletter, edition, drafted, now)
        _refuse_blocked(runtime, newsletter, edition, drafted, revision)
        if seen:
            _refuse_other(runtime, newsletter, edition, drafted, revision, seen)
        with runtime.database.writing() as session:
            if _approve(session, newsletter, edition, revision, now, who=who):
                return editions.get(session, id_of(edition))
    raise too_busy(newsletter, edition)


def withdraw(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime, *, who: str,
    version: int | None = None,
) -> Edition:  # fmt: skip
    """Take an approval back: the edition is a draft again, closed as it is. Raises Refused without one."""

    def act(session: Session, edition: Edition) -> bool:
        return decide(
            session, edition, EditionState.DRAFT, now, who=who, act="approval withdrawn", approved_at=None
        )

    return _decided(runtime, newsletter, slug, (EditionState.APPROVED,), act, version, mine="not approved")


def hold(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime, *, who: str, why: str,
    version: int | None = None,
) -> Edition:  # fmt: skip
    """Keep an edition back until somebody approves it; a frozen one is unfrozen while nothing has begun.

    Raises Misuse without a reason, Refused once it is being sent and in states that have ended.
    """

    def act(session: Session, edition: Edition) -> bool:
        values: dict[str, object] = {"approved_at": None}
        was_frozen = edition.state == EditionState.FROZEN
        if was_frozen:
            values |= {"frozen_at": None, "due_at": usual_due(newsletter, edition) or edition.due_at}
        held = decide(session, edition, EditionState.HELD, now, who=who, act="held", why=why, **values)
        if held and was_frozen:
            freezing.unplan(session, id_of(edition))
        return held

    _need_reason(why, "newsletter editions hold EDITION --why TEXT")
    return _decided(runtime, newsletter, slug, HOLDABLE, act, version, mine=f"held: {why}")


def skip(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime, *, who: str, why: str,
    version: int | None = None,
) -> Edition:  # fmt: skip
    """Send no edition of this slug; its stories wait for the next.

    Raises Misuse without a reason, Refused for one that is frozen (hold it first) or further on.
    """

    def act(session: Session, edition: Edition) -> bool:
        return decide(
            session, edition, EditionState.SKIPPED, now, who=who, act="skipped", why=why, approved_at=None
        )

    _need_reason(why, "newsletter editions skip EDITION --why TEXT")
    return _decided(runtime, newsletter, slug, SKIPPABLE, act, version, mine=f"skipped: {why}")


def unskip(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, now: datetime, *, who: str,
    version: int | None = None,
) -> Edition:  # fmt: skip
    """Take a skip back: before its time the edition is a draft again, after it held for a person.

    Raises Refused for one that was not skipped, and when the next of its kind has had its cut-off.
    """

    def act(session: Session, edition: Edition) -> bool:
        _refuse_lapsed(session, newsletter, edition, now)
        is_over = edition.due_at <= now
        to, why = (EditionState.HELD, AFTER_ITS_TIME) if is_over else (EditionState.DRAFT, "")
        moves_on = edition.by_hand or now < cutoff_of(newsletter, edition) or edition.rendition_id is None
        # A correction is about what was; no news moves on in it
        is_draft = moves_on and edition.corrects_id is None
        values = {"closed_at": None, "rendition_id": None} if is_draft else {}
        return decide(session, edition, to, now, who=who, act="unskipped", why=why, **values)

    return _decided(runtime, newsletter, slug, (EditionState.SKIPPED,), act, version, mine="not skipped")


# ── inside ──────────────────────────────────────────────────────────────────────────────────────


def _decided(
    runtime: Runtime, newsletter: NewsletterSettings, slug: str, allowed: tuple[EditionState, ...],
    act: Callable[[Session, Edition], bool], version: int | None, *, mine: str,
) -> Edition:  # fmt: skip
    """Do `act` to the edition as it is; when somebody else was faster, ask again whether it is allowed."""
    for _ in range(TRIES):
        with runtime.database.writing() as session:
            edition = find_edition(session, newsletter, slug)
            if edition.state not in allowed:
                raise refusal(newsletter, edition)
            refuse_stale(
                session, newsletter, edition, version, (STATE,), mine=mine, theirs=str(edition.state)
            )
            if act(session, edition):
                return editions.get(session, id_of(edition))
    raise too_busy(newsletter, edition)


def _closing(
    runtime: Runtime, newsletter: NewsletterSettings, edition: Edition, drafted: Draft, now: datetime
) -> Revision:
    """The edition as it would be closed now. Raises Refused when it cannot go out."""
    if few := too_few(newsletter, edition, drafted.choice):
        raise refusal_of_few(newsletter, edition, "cannot be approved", few)
    rendition = render(runtime, newsletter, edition, drafted)
    values = {"state": EditionState.APPROVED, "why": "", "approved_at": now}
    return Revision(
        drafted, "approved", (STATE,), rendition=rendition,
        values=values | {"closed_at": edition.closed_at or now},
    )  # fmt: skip


def _refuse_blocked(
    runtime: Runtime,
    newsletter: NewsletterSettings,
    edition: Edition,
    drafted: Draft,
    revision: Revision | None,
) -> None:
    with runtime.database.reading() as session:
        rendition = revision.rendition if revision else None
        rendition = rendition or renditions.read(session, edition.rendition_id or 0)
        found = in_the_way(runtime, session, newsletter, edition, drafted, rendition)
    refuse_blocked(found, f"{newsletter.slug}/{edition.slug}")


def _refuse_other(
    runtime: Runtime, newsletter: NewsletterSettings, edition: Edition, drafted: Draft,
    revision: Revision | None, seen: str,
) -> None:  # fmt: skip
    """Raise Stale when the mail is not the one that was seen: news may have come in since."""
    with runtime.database.writing() as session:
        if revision and revision.rendition:
            found = revision.rendition.hash
        else:
            found = renditions.read(session, edition.rendition_id or 0).hash
        if found == seen:
            return
        if edition.closed_at is None:
            editions.save_choice(session, edition, drafted.choice, subject_for(newsletter, edition, drafted))
    name = f"{newsletter.slug}/{edition.slug}"
    raise Stale(
        f"{name} reads otherwise by now than what you saw; nothing was approved.",
        mine=f"mail {seen[:12]}", theirs=f"mail {found[:12]}", next_step=f"newsletter editions show {name}",
    )  # fmt: skip


def _approve(
    session: Session, newsletter: NewsletterSettings, edition: Edition, revision: Revision | None,
    now: datetime, *, who: str,
) -> bool:  # fmt: skip
    waits = edition.by_hand or is_too_late(newsletter, edition, now)
    if revision is None:
        approved = decide(
            session, edition, EditionState.APPROVED, now, who=who, act="approved", approved_at=now
        )
    else:
        approved = write(session, newsletter, edition, revision, now, who=who)
    if approved:
        stored = editions.get(session, id_of(edition)).rendition_id
        editions.amend(session, id_of(edition), approved_rendition_id=stored, by_hand=waits)
    return approved


def _refuse_lapsed(session: Session, newsletter: NewsletterSettings, edition: Edition, now: datetime) -> None:
    lapses = lapses_at(session, newsletter, edition)
    if lapses is not None and lapses <= now:
        raise Refused(
            f"{newsletter.slug}/{edition.slug} is over: the next of its kind has had its cut-off.",
            next_step=f"newsletter editions draft {newsletter.slug} --extra",
        )


def _need_reason(why: str, next_step: str) -> None:
    if not why.strip():
        raise Misuse("It takes a reason, which stays on the record.", next_step=next_step)
