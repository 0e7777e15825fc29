"""Somebody complained: their address is not mailed any more, until they confirm anew or an admin lifts it.

A suppression knows the address by its keyed hash alone, so it needs no subscriber and outlives erasure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from newsletter.errors import Misuse, Refused
from newsletter.mail.addresses import parse_address
from newsletter.models import SuppressionReason
from newsletter.runtime import Runtime
from newsletter.services.finding import find_person
from newsletter.store import people, suppressions
from newsletter.store.history import note


@dataclass(frozen=True, slots=True)
class Barred:
    """An address that is not mailed, since when and why; `is_new` when it was mailed until now."""

    reason: SuppressionReason
    since: datetime
    is_new: bool


def suppress(runtime: Runtime, which: str, why: str, now: datetime, *, who: str) -> Barred:
    """Take down a complaint. An address that is suppressed for another reason stays so.

    Raises Misuse for what is no address and no number of somebody.
    """
    with runtime.database.writing() as session:
        key, number = _meant(runtime, session, which)
        found = people.suppression_of(session, key)
        if found is not None:
            return Barred(SuppressionReason(found.reason), found.since, is_new=False)
        suppressions.complain(session, key, why, now)
        note(session, now, who, "suppress", "subscriber", number, why)
        return Barred(SuppressionReason.COMPLAINT, now, is_new=True)


def lift(runtime: Runtime, which: str, why: str, now: datetime, *, who: str) -> Barred:
    """Let an address be mailed again that had complained; gives what was lifted.

    Raises Refused for any other reason, which only the address's own confirmation lifts, and where there is
    nothing to lift; Misuse as above, and without a `why`.
    """
    if not why.strip():
        raise Misuse("Lifting a complaint wants a reason.", next_step="say it with --why; it is kept")
    with runtime.database.writing() as session:
        key, number = _meant(runtime, session, which)
        found = people.suppression_of(session, key)
        if found is None:
            raise Refused("That address is not suppressed.", next_step=f"newsletter subscribers show {which}")
        barred = Barred(SuppressionReason(found.reason), found.since, is_new=False)
        if not suppressions.lift_complaint(session, key):
            raise Refused(
                f"That address is suppressed since {found.since:%d %B %Y} ({found.reason}), and only its own"
                " confirmation lifts that.",
                next_step="ask them to sign up again",
            )
        note(session, now, who, "lift", "subscriber", number, why)
        return barred


def _meant(runtime: Runtime, session: Session, which: str) -> tuple[str, int]:
    """The key of an address and the number of who has it, 0 where nobody does."""
    if which.isascii() and which.isdecimal():
        person = find_person(session, runtime, which)
        if not person.address:
            raise Misuse(f"Subscriber {which} was forgotten.", next_step="name the address")
        return person.address_key, person.id or 0
    key = runtime.address_key.of(parse_address(which).normalised)
    known = people.find(session, key)
    return key, (known.id or 0) if known else 0
