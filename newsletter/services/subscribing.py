"""People come and go: the leave link, its undo, and whom ops add by hand.

Leaving is one guarded update and never touches the ledger: a row that has not begun looks at the
subscription when it would begin, so a leave counts even for an edition that is being sent.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from newsletter.errors import Refused
from newsletter.models import Cadence, SubscriptionState
from newsletter.runtime import Runtime
from newsletter.services import lettering
from newsletter.services.lettering import Addressee
from newsletter.services.newcomers import welcome
from newsletter.store import places, subscribers
from newsletter.store.history import note, note_each
from newsletter.store.newsletters import newsletter_ids, sync_newsletters
from newsletter.store.subscribers import Listed

REASONS = ("too often", "not for me", "never asked", "another reason")


class Answer(StrEnum):
    NEW = "new"
    KNOWN = "known"


def leave(runtime: Runtime, subscriber_id: int, newsletter_id: int, now: datetime) -> None:
    """End a subscription at once. Idempotent; silent when there is nothing to end."""
    with runtime.database.writing() as session:
        if places.end(session, subscriber_id, newsletter_id, now):
            _note(session, now, "reader", "leave", subscriber_id, newsletter_id)


def leave_together(
    runtime: Runtime, wanted: Collection[tuple[int, int]], now: datetime
) -> frozenset[tuple[int, int]]:
    """End the subscriptions of many (subscriber, newsletter) who leave at this moment, in one transaction.

    Gives those that it ended. The others had left before, or somebody else has their row just now:
    `leave` knows.
    """
    with runtime.database.writing() as session:
        ended = places.end_these(session, wanted, now)
        told = [(subscriber_id, f"newsletter {newsletter_id}") for subscriber_id, newsletter_id in ended]
        note_each(session, now, "reader", "leave", "subscriber", told)
    return frozenset(ended)


def leave_all(runtime: Runtime, subscriber_id: int, now: datetime) -> None:
    """End every subscription that somebody has, and mail them the way back.

    Mails get forwarded, and a forwarded one can do this too: whoever did not mean it learns of it.
    """
    with runtime.database.writing() as session:
        ended = places.end_all(session, subscriber_id, now)
        for newsletter_id in ended:
            _note(session, now, "reader", "leave", subscriber_id, newsletter_id)
        back = places.ways_back(session, subscriber_id, ended)
        address = subscribers.address_of(session, subscriber_id)
        if back and address:
            # One a day: who leaves and comes back by turns floods nobody's mailbox
            key = f"goodbye {subscriber_id} {now:%Y-%m-%d}"
            lettering.goodbye(session, Addressee(address, subscriber_id, back[0]), key, now)


def say_why(runtime: Runtime, subscriber_id: int, newsletter_id: int, reason: str, now: datetime) -> None:
    """Keep why somebody left, if it is one of `REASONS`; others say nothing."""
    if reason in REASONS:
        with runtime.database.writing() as session:
            why = f"newsletter {newsletter_id}: {reason}"
            note(session, now, "reader", "left because", "subscriber", subscriber_id, why)


def return_to(runtime: Runtime, subscriber_id: int, newsletter_id: int, now: datetime) -> bool:
    """Undo a leave; True when the subscription is active afterwards. Lifts no suppression."""
    with runtime.database.writing() as session:
        return _return(session, subscriber_id, newsletter_id, now)


def return_weekly(runtime: Runtime, subscriber_id: int, newsletter_id: int, now: datetime) -> bool:
    """Undo a leave, and get it once a week from now on; True when that is so afterwards.

    Nothing changes where there is no weekly (any more): nobody is to get every day what they left.
    """
    if not has_weekly(runtime, newsletter_id):
        return False
    with runtime.database.writing() as session:
        is_back = _return(session, subscriber_id, newsletter_id, now)
        if is_back and places.prefer(session, subscriber_id, newsletter_id, {"cadence": Cadence.WEEKLY}):
            _note(session, now, "reader", "prefer", subscriber_id, newsletter_id, "cadence")
        return is_back


def has_weekly(runtime: Runtime, newsletter_id: int) -> bool:
    """Whether a newsletter can be had once a week. The store is asked only where some newsletter can."""
    if not some_weekly(runtime):
        return False
    with runtime.database.reading() as session:
        numbers = newsletter_ids(session)
    return any(
        numbers.get(newsletter.slug) == newsletter_id
        for newsletter in runtime.settings.newsletters
        if newsletter.weekly
    )


def some_weekly(runtime: Runtime) -> bool:
    return any(newsletter.weekly for newsletter in runtime.settings.newsletters)


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
        state = places.state_of(session, admitted.known[person.address_key], newsletter_id)
    if state is SubscriptionState.ENDED:
        raise Refused(
            f"{person.address} has left {newsletter_slug}; only they can come back.",
            next_step="ask them to use Undo behind the leave link of any mail they have",
        )
    return Answer.KNOWN


def _return(session: Session, subscriber_id: int, newsletter_id: int, now: datetime) -> bool:
    if places.revive(session, subscriber_id, newsletter_id, now):
        _note(session, now, "reader", "return", subscriber_id, newsletter_id)
        return True
    return places.state_of(session, subscriber_id, newsletter_id) is SubscriptionState.ACTIVE


def _newsletter_id(session: Session, runtime: Runtime, slug: str, now: datetime) -> int:
    sync_newsletters(session, [runtime.newsletter(slug)], now)
    return newsletter_ids(session)[slug]


def _note(
    session: Session, now: datetime, who: str, act: str, subscriber_id: int, newsletter_id: int,
    what: str = "",
) -> None:  # fmt: skip
    why = f"newsletter {newsletter_id}{what and ': '}{what}"
    note(session, now, who, act, "subscriber", subscriber_id, why)
