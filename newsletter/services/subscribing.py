"""People come and go: the leave link, its undo, and whom ops add by hand.

Leaving is one guarded update and never touches the ledger: a row that has not begun looks at the
subscription when it would begin, so a leave counts even for an edition that is being sent.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from newsletter.errors import Refused
from newsletter.models import Cadence, SubscriptionState
from newsletter.runtime import Runtime
from newsletter.services.newcomers import chosen_sections, welcome
from newsletter.store import subscribers
from newsletter.store.history import note
from newsletter.store.newsletters import newsletter_ids, sync_newsletters
from newsletter.store.sections import choose
from newsletter.store.subscribers import Listed, Place


class Answer(StrEnum):
    NEW = "new"
    KNOWN = "known"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person's own link shows: the address only as a reminder, for mails get forwarded."""

    masked_address: str
    places: tuple[Place, ...]


def leave(runtime: Runtime, subscriber_id: int, newsletter_id: int, now: datetime) -> None:
    """End a subscription at once. Idempotent; silent when there is nothing to end."""
    with runtime.database.writing() as session:
        if subscribers.end(session, subscriber_id, newsletter_id, now):
            _note(session, now, "reader", "leave", subscriber_id, newsletter_id)


def return_to(runtime: Runtime, subscriber_id: int, newsletter_id: int, now: datetime) -> bool:
    """Undo a leave; True when the subscription is active afterwards. Lifts no suppression."""
    with runtime.database.writing() as session:
        if subscribers.revive(session, subscriber_id, newsletter_id, now):
            _note(session, now, "reader", "return", subscriber_id, newsletter_id)
            return True
        state = subscribers.state_of(session, subscriber_id, newsletter_id)
        return state is SubscriptionState.ACTIVE


def choose_sections(
    runtime: Runtime, subscriber_id: int, newsletter_id: int, sections: Collection[str], now: datetime
) -> bool:
    """Let a reader have only these sections of a newsletter from now on, or all of them with none.

    Editions that are frozen already keep their readers; a mail that has not begun is filled with the new
    choice. False where nothing changed: it was so before, or the place has ended. Raises Misuse for a name
    that can be no section's.
    """
    wanted = chosen_sections(sections)
    with runtime.database.writing() as session:
        if not choose(session, subscriber_id, newsletter_id, wanted, now):
            return False
        note(
            session, now, "reader", "sections", "subscriber", subscriber_id,
            f"newsletter {newsletter_id}: {', '.join(wanted) or 'all'}",
        )  # fmt: skip
        return True


def preferences(runtime: Runtime, subscriber_id: int) -> Preferences | None:
    """None for nobody and for who was forgotten."""
    with runtime.database.reading() as session:
        address = subscribers.address_of(session, subscriber_id)
        if address is None:
            return None
        return Preferences(_masked(address), subscribers.places_of(session, subscriber_id))


def list_people(
    runtime: Runtime, newsletter_slug: str, limit: int, *, state: str = "", search: str = ""
) -> tuple[Listed, ...]:
    """The latest subscribers, of one newsletter or of all. Raises Misuse for an unknown newsletter."""
    if newsletter_slug:
        runtime.newsletter(newsletter_slug)
    with runtime.database.reading() as session:
        return subscribers.latest(session, newsletter_slug, limit, state=state, search=search)


def add(
    runtime: Runtime,
    address: str,
    newsletter_slug: str,
    name: str,
    now: datetime,
    *,
    consent_text: str = "",
    consent_source: str = "",
    cadence: Cadence = Cadence.DAILY,
    sections: Collection[str] = (),
) -> Answer:
    """Give one person a place; without `sections` they get all.

    Raises Misuse for an address that is none or an unknown newsletter, Refused for an address that
    is suppressed and for somebody who left: only they can come back.
    """
    person = welcome(runtime.address_key, address, name, cadence, consent_text, consent_source, sections)
    with runtime.database.writing() as session:
        newsletter_id = _newsletter_id(session, runtime, newsletter_slug, now)
        admitted = subscribers.admit(session, newsletter_id, [person], now)
        if admitted.suppressed:
            raise Refused(
                f"{person.address} is suppressed and is not mailed.",
                next_step="ask them for another address",
            )
        if admitted.new:
            _note(session, now, "ops", "add", admitted.new[person.address_key], newsletter_id)
            return Answer.NEW
        state = subscribers.state_of(session, admitted.known[person.address_key], newsletter_id)
    if state is SubscriptionState.ENDED:
        raise Refused(
            f"{person.address} has left {newsletter_slug}; only they can come back.",
            next_step="ask them to use Undo behind the leave link of any mail they have",
        )
    return Answer.KNOWN


def _newsletter_id(session: Session, runtime: Runtime, slug: str, now: datetime) -> int:
    sync_newsletters(session, [runtime.newsletter(slug)], now)
    return newsletter_ids(session)[slug]


def _note(
    session: Session, now: datetime, who: str, act: str, subscriber_id: int, newsletter_id: int
) -> None:
    note(session, now, who, act, "subscriber", subscriber_id, f"newsletter {newsletter_id}")


def _masked(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"
