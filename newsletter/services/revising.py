"""A hand's change of an edition: refused when somebody was faster with the same thing, else a new version.

A part of shaping and deciding. What a hand saw is told by the version; commands that touch different
things merge, and whoever decides of an edition decides of what they saw.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from newsletter.config import NewsletterSettings
from newsletter.errors import Refused, Stale
from newsletter.models import Edition, EditionState
from newsletter.services.drafting import Draft, subject_for
from newsletter.store import editions, renditions, snapshots
from newsletter.store import touches as hands
from newsletter.store.history import note
from newsletter.values import Rendition, Touch

STATE = "state"
MACHINE = "the machine"
# Rivals that are all the time faster than a hand are no people
TRIES = 20


@dataclass(frozen=True, slots=True)
class Revision:
    """What is new of an edition: its page, the touched articles, the changed things, what history tells."""

    drafted: Draft
    act: str
    things: Collection[str]
    why: str = ""
    touched: tuple[Touch, ...] = ()
    rendition: Rendition | None = None
    values: dict[str, Any] = field(default_factory=dict)


def write(
    session: Session, newsletter: NewsletterSettings, edition: Edition, revision: Revision, now: datetime, *,
    who: str,
) -> bool:  # fmt: skip
    """Store a revision of the edition as it was read; False when somebody else changed it first."""
    number, version = id_of(edition), edition.version + 1
    drafted = revision.drafted
    renewed = edition.model_copy(update=revision.values | {"version": version})
    touches, page = hands.touches(session, number), editions.placements(session, number)
    values = revision.values | {
        "subject": subject_for(newsletter, renewed, drafted),
        "reasons": {str(article): why for article, why in drafted.choice.reasons.items()},
    }
    if not editions.revise(session, edition, drafted.choice.placements, **values):
        return False
    if not snapshots.any_kept(session, number):
        snapshots.keep(
            session, edition, edition.version, touches, page, now, who=MACHINE, act="drafted", told=""
        )
    hands.keep(session, number, revision.touched)
    hands.mark(session, number, revision.things, version, who)
    touches |= {touch.article_id: touch for touch in revision.touched}
    snapshots.keep(
        session, renewed, version, touches, drafted.choice.placements, now, who=who, act=revision.act,
        told=revision.why,
    )  # fmt: skip
    if revision.rendition is not None:
        stored = renditions.save(session, renewed, revision.rendition, now)
        editions.amend(session, number, rendition_id=stored)
    note(session, now, who, revision.act, "edition", number, revision.why)
    return True


def decide(
    session: Session, edition: Edition, to: EditionState, now: datetime, *, who: str, act: str, why: str = "",
    **values: Any,
) -> bool:  # fmt: skip
    """Move an edition on by hand, which is a new version; False when somebody else changed it first."""
    version = edition.version + 1
    if not editions.change(session, edition, to, now, who=who, act=act, why=why, version=version, **values):
        return False
    hands.mark(session, id_of(edition), [STATE], version, who)
    return True


def refuse_stale(
    session: Session, newsletter: NewsletterSettings, edition: Edition, version: int | None,
    things: Collection[str], *, mine: str, theirs: str,
) -> None:  # fmt: skip
    """Raise Stale when one of these things, or the edition's state, was changed after `version` was seen.

    Without a version nothing is refused: the command line speaks of the edition as it is.
    """
    if version is None or version >= edition.version:
        return
    changed = hands.changed_since(session, id_of(edition), version)
    name = f"{newsletter.slug}/{edition.slug}"
    step = f"newsletter editions show {name}"
    if STATE in changed:
        told = f"{edition.state}{': ' if edition.why else ''}{edition.why}"
        raise Stale(
            f"{changed[STATE]} has decided of {name} meanwhile, it is {told}; you saw version {version}.",
            mine=mine, theirs=told, next_step=step,
        )  # fmt: skip
    for thing in sorted(changed.keys() & set(things)):
        raise Stale(
            f"{changed[thing]} has changed the same meanwhile. Yours: {mine}. Theirs: {theirs}.",
            mine=mine, theirs=theirs, next_step=step,
        )  # fmt: skip


def refuse_unseen(newsletter: NewsletterSettings, edition: Edition, version: int | None) -> None:
    """Raise Stale when the edition is no longer the version that was seen, whatever has changed."""
    if version is not None and version != edition.version:
        name = f"{newsletter.slug}/{edition.slug}"
        raise Stale(
            f"{name} is version {edition.version} by now, and you saw version {version}.",
            mine=f"version {version}", theirs=f"version {edition.version}",
            next_step=f"newsletter editions show {name}",
        )  # fmt: skip


def too_busy(newsletter: NewsletterSettings, edition: Edition) -> Refused:
    name = f"{newsletter.slug}/{edition.slug}"
    return Refused(
        f"{name} changes all the time; nothing was done.", next_step=f"newsletter editions show {name}"
    )


def id_of(edition: Edition) -> int:
    if edition.id is None:
        raise RuntimeError("an edition that was never stored has no number")
    return edition.id


def refusal(newsletter: NewsletterSettings, edition: Edition) -> Refused:
    """Why an act that this edition's state rules out is refused, and what can be done instead."""
    name = f"{newsletter.slug}/{edition.slug}"
    why = f": {edition.why}" if edition.why else ""
    told, step = {
        EditionState.DRAFT: ("is a draft", f"newsletter editions show {name}"),
        EditionState.APPROVED: ("is approved already", f"newsletter editions show {name}"),
        EditionState.FROZEN: (
            "is frozen, its readers are written down; hold it first",
            f"newsletter editions hold {name} --why TEXT",
        ),
        EditionState.SENDING: ("is being sent", f"newsletter pause {name}"),
        EditionState.SENT: ("has been sent", f"newsletter editions show {name}"),
        EditionState.HELD: (f"is held already{why}", f"newsletter editions approve {name}"),
        EditionState.PAUSED: (f"is paused{why}", f"newsletter resume {name}"),
        EditionState.SKIPPED: (f"was skipped{why}", f"newsletter editions unskip {name}"),
        EditionState.CANCELLED: (
            f"was cancelled{why}; its slug is used up",
            f"newsletter editions draft {newsletter.slug} --extra",
        ),
    }[EditionState(edition.state)]
    return Refused(f"{name} {told}.", next_step=step)
